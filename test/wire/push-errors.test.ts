import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { PushOutcome } from "../../src/core/delivery.ts";
import { CLEAR_FAULTS, type Fault, jsonAnswer, type RawAnswer, UNCLEAR_FAULTS } from "../double/faults.ts";
import { minuteEntries, NOON, USER, wire } from "./setup.ts";

const TIMEOUT_MS = 1500;

const UNREADABLE: PushOutcome = { kind: "ambiguous", reason: "an answer that cannot be read" };
const UNANSWERED: PushOutcome = { kind: "ambiguous", reason: "no answer in time" };
const RESET: PushOutcome = { kind: "ambiguous", reason: "the connection failed with ECONNRESET" };

function answered(code: string): PushOutcome {
  return { kind: "ambiguous", reason: `the server answered ${code}` };
}

function withCode(status: number, code: string, message = "why"): RawAnswer {
  return jsonAnswer(status, { RequestId: "R-1", HostId: "metrics.test", Code: code, Message: message });
}

function html(status: number): RawAnswer {
  return { status, headers: { "content-type": "text/html" }, body: "<html>no</html>" };
}

/** Every way in which the SDK is known to report that something went wrong, made by a server that does it. */
const ROWS: readonly {
  readonly name: string;
  readonly how: Fault["how"];
  readonly outcome: Partial<PushOutcome>;
}[] = [
  { name: "400 JSON", how: withCode(400, "InvalidParameter"), outcome: { kind: "refused", reason: "why" } },
  {
    name: "400 JSON without a code",
    how: jsonAnswer(400, {}),
    outcome: { kind: "refused", code: "HTTP 400" },
  },
  { name: "403 JSON", how: withCode(403, "NoPermission"), outcome: { kind: "denied", code: "NoPermission" } },
  {
    name: "403 JSON without a code",
    how: jsonAnswer(403, {}),
    outcome: { kind: "denied", code: "HTTP 403" },
  },
  { name: "404 JSON", how: withCode(404, "InvalidAction.NotFound"), outcome: { kind: "denied" } },
  { name: "500 JSON", how: UNCLEAR_FAULTS.internalError, outcome: answered("InternalError") },
  { name: "503 JSON", how: UNCLEAR_FAULTS.unavailable, outcome: answered("ServiceUnavailable") },
  { name: "500 JSON without a code", how: jsonAnswer(500, {}), outcome: answered("HTTP 500") },
  {
    name: "400 Throttling",
    how: CLEAR_FAULTS.throttled,
    outcome: { kind: "throttled", retryAfterMs: undefined },
  },
  {
    name: "429 Throttling with a wait",
    how: CLEAR_FAULTS.throttledWithWait,
    outcome: { kind: "throttled", retryAfterMs: 700 },
  },
  { name: "503 Throttling", how: withCode(503, "Throttling"), outcome: { kind: "throttled" } },
  { name: "429 without a code", how: jsonAnswer(429, {}), outcome: { kind: "throttled" } },
  {
    name: "200 with 206 in the body",
    how: withCode(200, "206", "reach max time series num"),
    outcome: { kind: "partly-accepted", reason: "reach max time series num" },
  },
  { name: "200 with 400 in the body", how: withCode(200, "400"), outcome: { kind: "refused", code: "400" } },
  { name: "200 with 403 in the body", how: withCode(200, "403"), outcome: { kind: "denied", code: "403" } },
  {
    name: "200 with a rate limit in the body",
    how: CLEAR_FAULTS.rateLimitedInBody,
    outcome: { kind: "throttled" },
  },
  { name: "200 with 500 in the body", how: UNCLEAR_FAULTS.serverErrorInBody, outcome: answered("500") },
  { name: "200 malformed", how: UNCLEAR_FAULTS.malformed, outcome: UNREADABLE },
  { name: "200 empty", how: UNCLEAR_FAULTS.empty, outcome: UNREADABLE },
  { name: "200 null", how: UNCLEAR_FAULTS.null, outcome: UNREADABLE },
  { name: "200 with a list", how: UNCLEAR_FAULTS.list, outcome: UNREADABLE },
  { name: "200 with a wrong type", how: UNCLEAR_FAULTS.wrongType, outcome: UNREADABLE },
  { name: "200 without a code", how: jsonAnswer(200, { RequestId: "R-1" }), outcome: UNREADABLE },
  { name: "200 HTML", how: html(200), outcome: UNREADABLE },
  { name: "302 HTML", how: html(302), outcome: UNREADABLE },
  {
    name: "302 JSON",
    how: withCode(302, "200"),
    outcome: { kind: "ambiguous", reason: "an answer with HTTP status 302" },
  },
  { name: "400 null", how: jsonAnswer(400, null), outcome: UNREADABLE },
  { name: "404 HTML", how: html(404), outcome: UNREADABLE },
  { name: "431 empty", how: { status: 431, body: "" }, outcome: UNREADABLE },
  { name: "502 HTML", how: html(502), outcome: UNREADABLE },
  { name: "503 HTML", how: UNCLEAR_FAULTS.unavailableHtml, outcome: UNREADABLE },
  { name: "503 empty", how: { status: 503, body: "" }, outcome: UNREADABLE },
  { name: "no answer", how: UNCLEAR_FAULTS.stall, outcome: UNANSWERED },
  { name: "a body that comes byte by byte", how: UNCLEAR_FAULTS.drip, outcome: { kind: "ambiguous" } },
  { name: "a reset", how: UNCLEAR_FAULTS.reset, outcome: RESET },
];

describe("what the SDK reports of", () => {
  for (const { name, how, outcome } of ROWS) {
    test(`${name} means ${outcome.kind}, and names no address, key or value`, async () => {
      await using it = await wire({ timeoutMs: TIMEOUT_MS });
      it.cloud.failBy(() => ({ name, taken: false, how }));
      const got = await it.cloudMonitor.putMetrics(minuteEntries(NOON));
      assert.partialDeepStrictEqual(got, outcome);
      assert.doesNotMatch(JSON.stringify(got), /http:|127\.0\.0\.1|LTAI|MetricList|i-bp1double/);
      assert.equal(it.cloud.requests.length, 1, "nothing is sent again behind our back");
    });
  }

  test("none of it lets the next call fail", async () => {
    await using it = await wire({ timeoutMs: TIMEOUT_MS });
    for (const { name, how } of ROWS) {
      it.cloud.failBy((nth) => (nth === 0 ? { name, taken: false, how } : undefined));
      await it.cloudMonitor.putMetrics(minuteEntries(NOON));
      // A kept connection that the server has reset is noticed by the next call at the latest.
      const outcome = await it.cloudMonitor.putMetrics(minuteEntries(NOON));
      assert.deepEqual(outcome, { kind: "accepted" }, `after ${name}`);
    }
  });

  test("a message that quotes the signature tells nothing of it", async () => {
    await using it = await wire();
    it.cloud.failBy(() => ({
      name: "talkative",
      taken: false,
      how: withCode(
        400,
        "IncompleteParameter",
        `server string to sign is: POST / ${USER.accessKeyId} i-bp1double`,
      ),
    }));
    assert.deepEqual(await it.cloudMonitor.putMetrics(minuteEntries(NOON)), {
      kind: "refused",
      code: "IncompleteParameter",
      reason: "no reason given",
    });
  });
});
