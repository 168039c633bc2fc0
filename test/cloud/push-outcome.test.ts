import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { pushOutcomeOf } from "../../src/cloud/push-outcome.ts";
import type { PushOutcome } from "../../src/core/delivery.ts";

/** What the SDK makes of an answer with an error status. */
function apiError(
  name: string,
  fields: { statusCode: number; code: string; message?: string; retryAfter?: number },
) {
  const { message, ...rest } = fields;
  return Object.assign(new Error("code: 400, https://metrics.test/?MetricList.1.Values=1"), {
    name,
    ...rest,
    data: { Code: fields.code, Message: message },
  });
}

function networkError(code: string, syscall?: string) {
  return Object.assign(new Error(`${code} POST https://metrics.test/?secret failed.`), { code, syscall });
}

interface Row {
  readonly name: string;
  readonly came: unknown;
  readonly outcome: Partial<PushOutcome>;
}

const PERMISSION =
  "the RAM role or user may not do this: allow it cms:PutCustomMetric (softnet doctor --policy agent)";

const ROWS: readonly Row[] = [
  { name: "success", came: { statusCode: 200, body: { code: "200" } }, outcome: { kind: "accepted" } },
  {
    name: "the series quota is used up",
    came: { statusCode: 200, body: { code: "206", message: "reach max time series num" } },
    outcome: { kind: "partly-accepted", reason: "reach max time series num" },
  },
  {
    name: "a syntax error",
    came: { statusCode: 200, body: { code: "400", message: "metric name" } },
    outcome: { kind: "refused", code: "400", reason: "metric name" },
  },
  {
    name: "not authorised, in the body",
    came: { statusCode: 200, body: { code: "403", message: "cannot upload, please use ram to auth" } },
    outcome: { kind: "denied", code: "403", reason: PERMISSION },
  },
  {
    name: "too fast, in the body",
    came: { statusCode: 200, body: { code: "403", message: "Rate limit exceeded" } },
    outcome: { kind: "throttled", retryAfterMs: undefined },
  },
  {
    name: "a server error in the body",
    came: { statusCode: 200, body: { code: "500", message: "oops" } },
    outcome: { kind: "ambiguous", reason: "the server answered 500" },
  },
  {
    name: "a code nobody documented",
    came: { statusCode: 200, body: { code: "299" } },
    outcome: { kind: "ambiguous", reason: "the server answered 299" },
  },
  {
    name: "a redirection",
    came: { statusCode: 302, body: { code: "200" } },
    outcome: { kind: "ambiguous", reason: "an answer with HTTP status 302" },
  },
  { name: "no body", came: { statusCode: 200, body: undefined }, outcome: { kind: "ambiguous" } },
  { name: "nothing at all", came: undefined, outcome: { kind: "ambiguous" } },
  {
    name: "throttled, with a wait",
    came: apiError("ThrottlingError", { statusCode: 429, code: "Throttling.User", retryAfter: 1200 }),
    outcome: { kind: "throttled", retryAfterMs: 1200 },
  },
  {
    name: "throttled under a code of another family",
    came: apiError("ThrottlingError", { statusCode: 503, code: "Rejected.Throttling" }),
    outcome: { kind: "throttled", retryAfterMs: undefined },
  },
  {
    name: "too many requests without a code",
    came: apiError("ClientError", { statusCode: 429, code: "undefined" }),
    outcome: { kind: "throttled" },
  },
  {
    name: "a wrong clock",
    came: apiError("ClientError", { statusCode: 400, code: "InvalidTimeStamp.Expired" }),
    outcome: {
      kind: "denied",
      reason: "the clock of this machine is more than 15 minutes off: set it, by chrony or ntpd",
    },
  },
  {
    name: "no permission",
    came: apiError("ClientError", { statusCode: 403, code: "NoPermission" }),
    outcome: { kind: "denied", code: "NoPermission", reason: PERMISSION },
  },
  {
    name: "forbidden by RAM",
    came: apiError("ClientError", { statusCode: 403, code: "Forbidden.RAM" }),
    outcome: { kind: "denied", code: "Forbidden.RAM", reason: PERMISSION },
  },
  {
    name: "forbidden without a code",
    came: apiError("ClientError", { statusCode: 403, code: "undefined" }),
    outcome: { kind: "denied", code: "HTTP 403", reason: PERMISSION },
  },
  {
    name: "an unknown key",
    came: apiError("ClientError", { statusCode: 404, code: "InvalidAccessKeyId.NotFound" }),
    outcome: { kind: "denied", code: "InvalidAccessKeyId.NotFound" },
  },
  {
    name: "an old token",
    came: apiError("ClientError", { statusCode: 400, code: "InvalidSecurityToken.Expired" }),
    outcome: { kind: "denied", code: "InvalidSecurityToken.Expired" },
  },
  {
    name: "a wrong secret",
    came: apiError("ClientError", { statusCode: 400, code: "SignatureDoesNotMatch" }),
    outcome: { kind: "denied", code: "SignatureDoesNotMatch" },
  },
  {
    name: "an endpoint of something else",
    came: apiError("ClientError", { statusCode: 404, code: "InvalidAction.NotFound" }),
    outcome: {
      kind: "denied",
      code: "InvalidAction.NotFound",
      reason: "what listens there does not know PutCustomMetric: check the endpoint",
    },
  },
  {
    name: "no credentials reached the SDK",
    came: Object.assign(new Error("Please set up the credentials correctly."), {
      name: "ClientError",
      code: "InvalidCredentials",
    }),
    outcome: { kind: "denied", code: "InvalidCredentials" },
  },
  {
    name: "a copy of this request was there before",
    came: apiError("ClientError", { statusCode: 400, code: "SignatureNonceUsed" }),
    outcome: { kind: "ambiguous", reason: "the server answered SignatureNonceUsed" },
  },
  {
    name: "a wrong parameter",
    came: apiError("ClientError", { statusCode: 400, code: "InvalidParameter", message: "Period" }),
    outcome: { kind: "refused", code: "InvalidParameter", reason: "Period" },
  },
  {
    name: "too large",
    came: apiError("ClientError", { statusCode: 413, code: "undefined" }),
    outcome: { kind: "refused", code: "HTTP 413", reason: "no reason given" },
  },
  {
    name: "a request timeout at the server",
    came: apiError("ClientError", { statusCode: 408, code: "undefined" }),
    outcome: { kind: "ambiguous", reason: "the server answered HTTP 408" },
  },
  {
    name: "an internal error",
    came: apiError("ServerError", { statusCode: 500, code: "InternalError" }),
    outcome: { kind: "ambiguous", reason: "the server answered InternalError" },
  },
  { name: "HTML", came: new SyntaxError("Unexpected token '<'"), outcome: { kind: "ambiguous" } },
  {
    name: "null with an error status",
    came: new TypeError("Cannot read properties of null (reading 'RequestId')"),
    outcome: { kind: "ambiguous", reason: "an answer that cannot be read" },
  },
  {
    name: "a wrong type",
    came: new Error("type of code is mismatch, expect string, but number"),
    outcome: { kind: "ambiguous", reason: "an answer that cannot be read" },
  },
  {
    name: "no answer",
    came: Object.assign(new Error("ReadTimeout(3000). POST https://x/?secret failed."), {
      name: "RequestTimeoutError",
    }),
    outcome: { kind: "ambiguous", reason: "no answer in time" },
  },
  {
    name: "reset",
    came: networkError("ECONNRESET", "read"),
    outcome: { kind: "ambiguous", reason: "the connection failed with ECONNRESET" },
  },
  {
    name: "unreachable in the middle",
    came: networkError("EHOSTUNREACH", "read"),
    outcome: { kind: "ambiguous" },
  },
  {
    name: "refused",
    came: networkError("ECONNREFUSED", "connect"),
    outcome: { kind: "unsent", code: "ECONNREFUSED" },
  },
  {
    name: "no name",
    came: networkError("ENOTFOUND", "getaddrinfo"),
    outcome: { kind: "unsent", code: "ENOTFOUND" },
  },
  {
    name: "never connected",
    came: networkError("ETIMEDOUT", "connect"),
    outcome: { kind: "unsent", code: "ETIMEDOUT" },
  },
  {
    name: "every address of the name refused",
    came: Object.assign(
      new AggregateError([networkError("ECONNREFUSED", "connect"), networkError("EHOSTUNREACH", "connect")]),
      { code: "ECONNREFUSED" },
    ),
    outcome: { kind: "unsent", code: "ECONNREFUSED" },
  },
  {
    name: "a foreign certificate",
    came: networkError("ERR_TLS_CERT_ALTNAME_INVALID"),
    outcome: { kind: "unsent", code: "ERR_TLS_CERT_ALTNAME_INVALID" },
  },
  {
    name: "an unknown authority",
    came: networkError("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    outcome: { kind: "unsent", code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
  },
];

describe("what an answer or an error means", () => {
  for (const { name, came, outcome } of ROWS) {
    test(`${name}: ${outcome.kind}`, () => {
      assert.partialDeepStrictEqual(pushOutcomeOf(came, "PutCustomMetric"), outcome);
    });
  }

  test("names the permission that an event needs", () => {
    const outcome = pushOutcomeOf(
      apiError("ClientError", { statusCode: 403, code: "NoPermission" }),
      "PutCustomEvent",
    );
    assert.match(JSON.stringify(outcome), /cms:PutCustomEvent/);
  });
});

describe("what is said of it", () => {
  const SECRETS = [
    "https://metrics.cn-hangzhou.aliyuncs.com/?MetricList.1.Values=1",
    "LTAI5tExampleExampleExample",
    "STS.NUExampleExample.1",
    "CAISgwJ1q6Ft5B2yfSjIr5fyHtrGuqhHgJTbbEaCuLpAJ0ExampleToken==",
  ];

  for (const secret of SECRETS) {
    test(`never holds ${secret.slice(0, 12)}…`, () => {
      const outcome = pushOutcomeOf(
        apiError("ClientError", {
          statusCode: 400,
          code: "InvalidParameter",
          message: `bad: ${secret} here`,
        }),
        "PutCustomMetric",
      );
      assert.match(JSON.stringify(outcome), /bad: .* here/);
      assert.ok(!JSON.stringify(outcome).includes(secret));
    });
  }

  test("never holds what the server signed", () => {
    const outcome = pushOutcomeOf(
      apiError("ClientError", {
        statusCode: 400,
        code: "InvalidSignature",
        message: "not matched, server string to sign is: POST / x-acs-security-token:short",
      }),
      "PutCustomMetric",
    );
    assert.deepEqual(outcome, { kind: "refused", code: "InvalidSignature", reason: "not matched" });
  });

  test("is one line of bounded length", () => {
    const outcome = pushOutcomeOf(
      { statusCode: 200, body: { code: "206", message: `first\nsecond ${"word ".repeat(100)}` } },
      "PutCustomMetric",
    );
    assert.ok(outcome.kind === "partly-accepted" && outcome.reason.startsWith("first second word"));
    assert.ok(outcome.reason.length <= 200);
  });
});
