import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { setImmediate, setTimeout as wait } from "node:timers/promises";

import { connectCloudMonitor } from "../../src/cloud/cloudmonitor.ts";
import { CloudError, UsageError } from "../../src/errors.ts";
import { UNCLEAR_FAULTS } from "../double/faults.ts";
import { credentialsOf, minuteEntries, NOON, USER, wire } from "./setup.ts";

describe("CloudMonitor through its SDK", () => {
  test("takes a minute's points as they are", async () => {
    await using it = await wire();
    const entries = minuteEntries(NOON);
    assert.deepEqual(await it.cloudMonitor.putMetrics(entries), { kind: "accepted" });
    assert.deepEqual(
      [...it.metrics.points.values()],
      entries.map(({ metricName, groupId, dimensions, period, time, values }) => ({
        metricName,
        groupId,
        dimensions,
        period,
        timeMs: Number(time),
        writes: [values],
      })),
    );
  });

  test("gets the same bytes for the same entries", async () => {
    await using it = await wire();
    await it.cloudMonitor.putMetrics(minuteEntries(NOON));
    await it.cloudMonitor.putMetrics(minuteEntries(NOON));
    const [first, second] = it.cloud.requests;
    assert.equal(first!.parameters, second!.parameters);
    assert.equal(it.metrics.repeatedWrites(), 3);
    assert.deepEqual(it.metrics.conflicts(), []);
  });

  test("is told who calls", async () => {
    await using it = await wire();
    await it.cloudMonitor.putMetrics(minuteEntries(NOON));
    assert.match(it.cloud.requests[0]!.userAgent ?? "", /softnet-agent\/\d/);
  });

  test("takes 20 points in a call that any server's limit of 16 KB lets through", async () => {
    await using it = await wire();
    const entries = Array.from({ length: 20 }, (_, cpu) => ({
      ...minuteEntries(NOON)[0]!,
      dimensions: JSON.stringify({ cpu: String(cpu), instanceId: "i-bp1abcdefgh123456789" }),
    }));
    assert.deepEqual(await it.cloudMonitor.putMetrics(entries), { kind: "accepted" });
    assert.equal(it.metrics.points.size, 20);
    assert.ok(it.cloud.requests[0]!.parameters.length < 16_000);
  });

  test("takes a part and says so when the quota of series is used up", async () => {
    await using it = await wire({ limits: { edition: "free", seriesQuota: 2 } });
    assert.deepEqual(await it.cloudMonitor.putMetrics(minuteEntries(NOON)), {
      kind: "partly-accepted",
      reason: "reach max time series num",
    });
    assert.deepEqual(
      [...it.metrics.points.values()].map(({ metricName }) => metricName),
      ["softnet_dropped_per_second", "softnet_squeezed_per_second"],
    );
  });

  test("takes custom events", async () => {
    await using it = await wire();
    const outcome = await it.cloudMonitor.putEvents([
      {
        name: "softnet_critical",
        groupId: "0",
        atMs: NOON,
        content: "backlog-too-small: CPU 3, 100 % & more (丢包)",
      },
      { name: "softnet_recovered", groupId: "7", atMs: NOON + 1, content: "healthy" },
    ]);
    assert.deepEqual(outcome, { kind: "accepted" });
    assert.deepEqual(it.events.events, [
      {
        name: "softnet_critical",
        groupId: "0",
        timeMs: NOON,
        content: "backlog-too-small: CPU 3, 100 % & more (丢包)",
      },
      { name: "softnet_recovered", groupId: "7", timeMs: NOON + 1, content: "healthy" },
    ]);
  });

  test("takes temporary credentials", async () => {
    await using it = await wire({
      users: [{ ...USER, accessKeyId: "STS.double", securityToken: "token+/==" }],
    });
    assert.deepEqual(await it.cloudMonitor.putMetrics(minuteEntries(NOON)), { kind: "accepted" });
  });
});

describe("what only somebody can mend", () => {
  test("a user without the permission, told which one", async () => {
    await using it = await wire({ users: [{ ...USER, allowed: ["cms:PutCustomEvent"] }] });
    const outcome = await it.cloudMonitor.putMetrics(minuteEntries(NOON));
    assert.ok(outcome.kind === "denied" && outcome.reason.includes("cms:PutCustomMetric"));
  });

  for (const minutesOff of [-16, 16]) {
    test(`a clock that is ${minutesOff} minutes off`, async () => {
      await using it = await wire({ nowMs: () => Date.now() + minutesOff * 60_000 });
      assert.partialDeepStrictEqual(await it.cloudMonitor.putMetrics(minuteEntries(NOON)), {
        kind: "denied",
        code: "InvalidTimeStamp.Expired",
      });
    });
  }

  test("a key that nobody knows", async () => {
    await using it = await wire({
      credentials: () => Promise.resolve({ ...credentialsOf(USER), accessKeyId: "LTAInobody" }),
    });
    assert.partialDeepStrictEqual(await it.cloudMonitor.putMetrics(minuteEntries(NOON)), {
      kind: "denied",
      code: "InvalidAccessKeyId.NotFound",
    });
  });

  test("a wrong secret, without a word of what was signed", async () => {
    await using it = await wire({
      credentials: () => Promise.resolve({ ...credentialsOf(USER), accessKeySecret: "wrong" }),
    });
    const outcome = await it.cloudMonitor.putMetrics(minuteEntries(NOON));
    assert.deepEqual(outcome, {
      kind: "denied",
      code: "SignatureDoesNotMatch",
      reason: "the access key's secret does not belong to its id: give the pair anew",
    });
  });

  test("a token that has run out", async () => {
    await using it = await wire({ users: [{ ...USER, securityToken: "old", tokenExpiresAtMs: NOON }] });
    assert.partialDeepStrictEqual(await it.cloudMonitor.putMetrics(minuteEntries(NOON)), {
      kind: "denied",
      code: "InvalidSecurityToken.Expired",
    });
  });

  test("no credentials at all, and then nothing is sent", async () => {
    await using it = await wire({ credentials: () => Promise.resolve(undefined) });
    assert.partialDeepStrictEqual(await it.cloudMonitor.putMetrics(minuteEntries(NOON)), {
      kind: "denied",
      code: "no-credentials",
    });
    assert.deepEqual(it.cloud.requests, []);
  });

  test("credentials that cannot be had", async () => {
    await using it = await wire({
      credentials: () =>
        Promise.reject(
          new CloudError({
            code: "metadata-unreachable",
            expected: "an answer",
            got: "none",
            where: "there",
          }),
        ),
    });
    assert.deepEqual(await it.cloudMonitor.putMetrics(minuteEntries(NOON)), {
      kind: "denied",
      code: "metadata-unreachable",
      reason: "there: expected an answer, got none",
    });
  });

  test("what was refused is shown to the provider, which may have something newer", async () => {
    const old = { ...USER, accessKeyId: "STS.old", securityToken: "old" };
    const shown: (string | undefined)[] = [];
    await using it = await wire({ users: [] });
    const cloudMonitor = connectCloudMonitor({
      endpoints: [it.cloud.url],
      regionId: "cn-hangzhou",
      timeoutMs: 5000,
      credentials: (refused) => {
        shown.push(refused?.accessKeyId);
        return Promise.resolve(credentialsOf(refused ? USER : old));
      },
    });
    it.users.push(USER);
    assert.equal((await cloudMonitor.putMetrics(minuteEntries(NOON))).kind, "denied");
    assert.equal((await cloudMonitor.putMetrics(minuteEntries(NOON))).kind, "accepted");
    await cloudMonitor.putMetrics(minuteEntries(NOON));
    assert.deepEqual(shown, [undefined, "STS.old", undefined]);
  });
});

describe("the endpoint", () => {
  test("that refuses a connection leaves the call unsent", async () => {
    const closed = await closedEndpoint();
    await using it = await wire({ endpoints: () => [closed] });
    assert.deepEqual(await it.cloudMonitor.putMetrics(minuteEntries(NOON)), {
      kind: "unsent",
      code: "ECONNREFUSED",
    });
  });

  test("that refuses a connection is passed over for the next, call after call", async () => {
    const closed = await closedEndpoint();
    await using it = await wire({ endpoints: (url) => [closed, url] });
    assert.deepEqual(await it.cloudMonitor.putMetrics(minuteEntries(NOON)), { kind: "accepted" });
    assert.deepEqual(await it.cloudMonitor.putMetrics(minuteEntries(NOON)), { kind: "accepted" });
  });

  test("without a name is passed over for the next", async () => {
    // No resolver is asked for a label this long.
    const nameless = `https://${"x".repeat(64)}.test`;
    await using it = await wire({ endpoints: (url) => [nameless, url] });
    assert.deepEqual(await it.cloudMonitor.putMetrics(minuteEntries(NOON)), { kind: "accepted" });
  });

  test("that swallows connections is passed over for the next", async () => {
    await using hole = await blackHole();
    await using it = await wire({ endpoints: (url) => [hole.url, url] });
    assert.deepEqual(await it.cloudMonitor.putMetrics(minuteEntries(NOON)), { kind: "accepted" });
    await using alone = await wire({ endpoints: () => [hole.url, hole.url], timeoutMs: 300 });
    assert.deepEqual(await alone.cloudMonitor.putMetrics(minuteEntries(NOON)), {
      kind: "unsent",
      code: "ETIMEDOUT",
    });
  });

  test("that went away is looked for again", async () => {
    await using first = await wire();
    await using second = await wire({ endpoints: (url) => [first.cloud.url, url] });
    assert.equal((await second.cloudMonitor.putMetrics(minuteEntries(NOON))).kind, "accepted");
    assert.equal(first.cloud.requests.length, 1);
    await first[Symbol.asyncDispose]();
    const outcome = await second.cloudMonitor.putMetrics(minuteEntries(NOON));
    // The kept connection may be cut under the call, or a new one refused.
    assert.ok(outcome.kind === "unsent" || outcome.kind === "ambiguous");
    await second.cloudMonitor.putMetrics(minuteEntries(NOON));
    assert.equal((await second.cloudMonitor.putMetrics(minuteEntries(NOON))).kind, "accepted");
    assert.ok(second.cloud.requests.length > 0);
  });

  test("over plain http is refused unless it is this machine", () => {
    assert.throws(
      () =>
        connectCloudMonitor({
          endpoints: ["http://metrics.cn-hangzhou.aliyuncs.com"],
          regionId: "cn-hangzhou",
          credentials: () => Promise.resolve(undefined),
          timeoutMs: 1000,
        }),
      UsageError,
    );
  });
});

describe("a call", () => {
  test("ends at its deadline although the SDK's own timer was lost on a kept connection", async () => {
    await using it = await wire({ timeoutMs: 1000 });
    for (let i = 0; i < 3; i++) {
      it.cloud.failBy(() => undefined);
      assert.equal((await it.cloudMonitor.putMetrics(minuteEntries(NOON))).kind, "accepted");
      it.cloud.failBy(() => ({ name: "stall", taken: false, how: UNCLEAR_FAULTS.stall }));
      const settled = await Promise.race([
        it.cloudMonitor.putMetrics(minuteEntries(NOON)),
        wait(10_000, undefined, { ref: false }),
      ]);
      assert.deepEqual(settled, { kind: "ambiguous", reason: "no answer in time" });
    }
  });
});

/** Nothing listens there: the port was ours a moment ago. */
async function closedEndpoint(): Promise<string> {
  const gone = await wire();
  await gone[Symbol.asyncDispose]();
  return gone.cloud.url;
}

/**
 * Listens and never accepts: once the kernel's own queue is full, a connection hangs.
 *
 * Another process has to listen, because Node accepts as long as it runs; this one is stopped.
 */
async function blackHole(): Promise<{ url: string } & AsyncDisposable> {
  const script = `
    const server = require("node:net").createServer();
    server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(server.address().port));
  `;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = (await once(createInterface(child.stdout), "line")) as [string];
  child.kill("SIGSTOP");
  const sockets: Socket[] = [];
  for (;;) {
    const socket = connect(Number(port), "127.0.0.1");
    socket.on("error", () => {});
    sockets.push(socket);
    await wait(100);
    // What has come in the meantime is told before an immediate is, however late the timer was.
    await setImmediate();
    if (socket.connecting) break;
  }
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
