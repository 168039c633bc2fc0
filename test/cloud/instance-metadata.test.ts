import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { instanceMetadata, readInstanceIdentity } from "../../src/cloud/instance-metadata.ts";
import { CloudError } from "../../src/errors.ts";
import { type ImdsState, startImdsDouble } from "../double/imds.ts";

const HOUR_MS = 3_600_000;

/** The service, a client of ours, and the clock they share. */
async function service(start: Partial<ImdsState> = {}) {
  const clock = { nowMs: Date.UTC(2026, 10, 22, 12) };
  const imds = await startImdsDouble(start, () => clock.nowMs);
  const metadata = instanceMetadata({ baseUrl: `${imds.url}/`, timeoutMs: 300, nowMs: () => clock.nowMs });
  return { clock, imds, metadata, [Symbol.asyncDispose]: () => imds[Symbol.asyncDispose]() };
}

function tokensAskedFor(requests: readonly string[]): number {
  return requests.filter((request) => request === "PUT /latest/api/token").length;
}

describe("the metadata service", () => {
  test("is asked for a token first, and once for all questions", async () => {
    await using it = await service();
    assert.equal(await it.metadata.get("instance-id"), "i-bp1double");
    assert.equal(await it.metadata.get("region-id"), "cn-hangzhou");
    assert.deepEqual(it.imds.requests, [
      "PUT /latest/api/token",
      "GET /latest/meta-data/instance-id",
      "GET /latest/meta-data/region-id",
    ]);
  });

  test("questions at the same time share the token", async () => {
    await using it = await service();
    await Promise.all(["instance-id", "region-id", "zone-id"].map((key) => it.metadata.get(key)));
    assert.equal(tokensAskedFor(it.imds.requests), 1);
  });

  test("a key that does not exist is absent", async () => {
    await using it = await service();
    assert.equal(await it.metadata.get("no-such-key"), undefined);
  });

  test("the token is renewed before it runs out", async () => {
    await using it = await service();
    await it.metadata.get("instance-id");
    it.clock.nowMs += 5.8 * HOUR_MS;
    await it.metadata.get("instance-id");
    assert.equal(tokensAskedFor(it.imds.requests), 1);
    it.clock.nowMs += 0.15 * HOUR_MS;
    await it.metadata.get("instance-id");
    assert.equal(tokensAskedFor(it.imds.requests), 2);
  });

  test("a token that the service forgot is replaced, once for all who used it", async () => {
    await using it = await service();
    await it.metadata.get("instance-id");
    it.imds.forgetTokens();
    const answers = await Promise.all(["instance-id", "region-id"].map((key) => it.metadata.get(key)));
    assert.deepEqual(answers, ["i-bp1double", "cn-hangzhou"]);
    assert.equal(tokensAskedFor(it.imds.requests), 2);
  });

  test("one of the first generation, which knows no tokens, is asked without", async () => {
    await using it = await service({ generation: "first-only" });
    assert.equal(await it.metadata.get("instance-id"), "i-bp1double");
  });

  test("one that asks for tokens from now on gets one", async () => {
    await using it = await service({ generation: "first-only" });
    await it.metadata.get("instance-id");
    it.imds.state.generation = "second-only";
    assert.equal(await it.metadata.get("instance-id"), "i-bp1double");
  });

  test("one that has trouble with tokens is never asked without", async () => {
    await using it = await service({ generation: "both", trouble: "error" });
    await assert.rejects(it.metadata.get("instance-id"), { code: "metadata-unreadable", got: "HTTP 500" });
    assert.deepEqual(it.imds.requests, ["PUT /latest/api/token"]);
  });

  test("no answer is an error within the deadline, and not remembered", async () => {
    await using it = await service({ trouble: "stall" });
    await assert.rejects(it.metadata.get("instance-id"), (error) => {
      assert.ok(error instanceof CloudError);
      assert.equal(error.code, "metadata-unreachable");
      assert.equal(error.got, "none within 300 ms");
      return true;
    });
    it.imds.state.trouble = undefined;
    assert.equal(await it.metadata.get("instance-id"), "i-bp1double");
  });

  test("nobody at that address is an error", async () => {
    await using it = await service();
    await it.imds[Symbol.asyncDispose]();
    await assert.rejects(it.metadata.get("instance-id"), {
      code: "metadata-unreachable",
      got: "ECONNREFUSED",
    });
  });
});

describe("who this instance is", () => {
  test("reads every part", async () => {
    await using it = await service();
    assert.deepEqual(await readInstanceIdentity(it.metadata), {
      instanceId: "i-bp1double",
      regionId: "cn-hangzhou",
      accountId: "1234567890123456",
      instanceType: "ecs.g7.large",
      maxNetbwIngress: 2_097_152,
    });
  });

  test("does without what an older service lacks", async () => {
    await using it = await service({ keys: { "instance-id": "i-1", "region-id": "cn-beijing" } });
    assert.deepEqual(await readInstanceIdentity(it.metadata), {
      instanceId: "i-1",
      regionId: "cn-beijing",
      accountId: undefined,
      instanceType: undefined,
      maxNetbwIngress: undefined,
    });
  });

  test("is absent where the service names no instance", async () => {
    await using it = await service({ keys: {} });
    assert.equal(await readInstanceIdentity(it.metadata), undefined);
  });

  test("is not read from a page that something else shows there", async () => {
    await using it = await service({
      keys: { "instance-id": "<html>Please log in</html>", "region-id": "x" },
    });
    await assert.rejects(readInstanceIdentity(it.metadata), { code: "metadata-unreadable" });
  });
});
