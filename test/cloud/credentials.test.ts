import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { agentCredentials, environmentCredentials, roleCredentials } from "../../src/cloud/credentials.ts";
import { instanceMetadata } from "../../src/cloud/instance-metadata.ts";
import { UsageError } from "../../src/errors.ts";
import { type ImdsState, type RoleCredentials, startImdsDouble } from "../double/imds.ts";

const NOON = Date.UTC(2026, 10, 22, 12);
const MINUTE_MS = 60_000;
const SIX_HOURS_MS = 6 * 3_600_000;

function roleKey(n: number, expiresAtMs: number): RoleCredentials {
  return {
    AccessKeyId: `STS.key${n}`,
    AccessKeySecret: `secret${n}`,
    SecurityToken: `token${n}`,
    Expiration: new Date(expiresAtMs).toISOString(),
  };
}

async function instance(start: Partial<ImdsState> = {}) {
  const clock = { nowMs: NOON };
  const imds = await startImdsDouble(
    { role: { name: "softnet-role", credentials: roleKey(1, NOON + SIX_HOURS_MS) }, ...start },
    () => clock.nowMs,
  );
  const metadata = instanceMetadata({ baseUrl: imds.url, timeoutMs: 300, nowMs: () => clock.nowMs });
  const provide = roleCredentials(metadata, () => clock.nowMs);
  return { clock, imds, metadata, provide, [Symbol.asyncDispose]: () => imds[Symbol.asyncDispose]() };
}

function fetches(requests: readonly string[]): number {
  return requests.filter(
    (request) => request === "GET /latest/meta-data/ram/security-credentials/softnet-role",
  ).length;
}

describe("credentials of the environment", () => {
  const ID = "ALIBABA_CLOUD_ACCESS_KEY_ID";
  const SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
  const TOKEN = "ALIBABA_CLOUD_SECURITY_TOKEN";

  test("a pair is a user's key", () => {
    assert.deepEqual(environmentCredentials({ [ID]: "a", [SECRET]: "b" }), {
      accessKeyId: "a",
      accessKeySecret: "b",
      securityToken: undefined,
    });
  });

  test("with a token they are temporary, and a line's end is no part of them", () => {
    assert.deepEqual(environmentCredentials({ [ID]: "STS.a\n", [SECRET]: " b", [TOKEN]: "c\n" }), {
      accessKeyId: "STS.a",
      accessKeySecret: "b",
      securityToken: "c",
    });
  });

  for (const env of [{}, { [ID]: "", [SECRET]: "" }, { [TOKEN]: "alone" }]) {
    test(`${JSON.stringify(env)} holds none`, () => assert.equal(environmentCredentials(env), undefined));
  }

  const WRONG: readonly { env: Record<string, string>; code: string }[] = [
    { env: { [ID]: "a" }, code: "incomplete-credentials" },
    { env: { [SECRET]: "b" }, code: "incomplete-credentials" },
    { env: { [ID]: "a", [SECRET]: "two words" }, code: "bad-value" },
  ];
  for (const { env, code } of WRONG) {
    test(`${JSON.stringify(Object.keys(env))} is refused as ${code}, without showing a value`, () => {
      assert.throws(
        () => environmentCredentials(env),
        (error) => {
          assert.ok(error instanceof UsageError && error.code === code);
          assert.doesNotMatch(error.message, /two words/);
          return true;
        },
      );
    });
  }
});

describe("credentials of the instance's role", () => {
  test("are fetched once and used for a while", async () => {
    await using it = await instance();
    const first = await it.provide();
    assert.deepEqual(first, { accessKeyId: "STS.key1", accessKeySecret: "secret1", securityToken: "token1" });
    it.clock.nowMs += 14 * MINUTE_MS;
    assert.equal(await it.provide(), first);
    assert.equal(fetches(it.imds.requests), 1);
  });

  test("first calls at the same time share one fetch", async () => {
    await using it = await instance();
    const all = await Promise.all([it.provide(), it.provide(), it.provide()]);
    assert.deepEqual(
      all.map((credentials) => credentials?.accessKeyId),
      ["STS.key1", "STS.key1", "STS.key1"],
    );
    assert.equal(fetches(it.imds.requests), 1);
  });

  test("are renewed long before their end", async () => {
    await using it = await instance({
      role: { name: "softnet-role", credentials: roleKey(1, NOON + 20 * MINUTE_MS) },
    });
    await it.provide();
    it.clock.nowMs += 6 * MINUTE_MS;
    it.imds.state.role!.credentials = roleKey(2, NOON + SIX_HOURS_MS);
    assert.equal((await it.provide())?.accessKeyId, "STS.key2");
  });

  test("a rotation is noticed within a quarter of an hour", async () => {
    await using it = await instance();
    await it.provide();
    it.imds.state.role!.credentials = roleKey(2, NOON + SIX_HOURS_MS);
    it.clock.nowMs += 15 * MINUTE_MS;
    assert.equal((await it.provide())?.accessKeyId, "STS.key2");
  });

  test("another role is noticed within a quarter of an hour", async () => {
    await using it = await instance();
    await it.provide();
    it.imds.state.role = { name: "another-role", credentials: roleKey(3, NOON + SIX_HOURS_MS) };
    it.clock.nowMs += 15 * MINUTE_MS;
    assert.equal((await it.provide())?.accessKeyId, "STS.key3");
  });

  test("a detached role leaves none, and one that is attached again is found at once", async () => {
    await using it = await instance();
    await it.provide();
    const { role } = it.imds.state;
    it.imds.state.role = undefined;
    it.clock.nowMs += 15 * MINUTE_MS;
    assert.equal(await it.provide(), undefined);
    it.imds.state.role = role;
    assert.equal((await it.provide())?.accessKeyId, "STS.key1");
  });

  test("what the cloud refused is fetched anew at once", async () => {
    await using it = await instance();
    const first = await it.provide();
    it.imds.state.role!.credentials = roleKey(2, NOON + SIX_HOURS_MS);
    assert.equal((await it.provide(first))?.accessKeyId, "STS.key2");
  });

  test("a service that is silent for a while takes nothing away, until they run out", async () => {
    await using it = await instance({
      role: { name: "softnet-role", credentials: roleKey(1, NOON + 30 * MINUTE_MS) },
    });
    await it.provide();
    it.imds.state.trouble = "error";
    it.clock.nowMs += 28 * MINUTE_MS;
    assert.equal((await it.provide())?.accessKeyId, "STS.key1");
    it.clock.nowMs += 2 * MINUTE_MS;
    await assert.rejects(it.provide(), { code: "metadata-unreadable" });
  });

  test("a failure is not remembered", async () => {
    await using it = await instance({ trouble: "error" });
    await assert.rejects(it.provide(), { code: "metadata-unreadable" });
    it.imds.state.trouble = undefined;
    assert.equal((await it.provide())?.accessKeyId, "STS.key1");
  });

  test("a clock that was set back does not keep them", async () => {
    await using it = await instance();
    await it.provide();
    it.imds.state.role!.credentials = roleKey(2, NOON + SIX_HOURS_MS);
    it.clock.nowMs -= MINUTE_MS;
    assert.equal((await it.provide())?.accessKeyId, "STS.key2");
  });

  test("an answer that is none is an error without a secret in it", async () => {
    await using it = await instance({
      role: { name: "softnet-role", credentials: { ...roleKey(1, NOON), Code: "Failed" } },
    });
    await assert.rejects(it.provide(), (error: Error) => {
      assert.match(error.message, /RAM role softnet-role/);
      assert.doesNotMatch(error.message, /secret1|token1|STS/);
      return true;
    });
  });
});

describe("the agent's credentials", () => {
  test("are those of the environment where there are any, and then nobody asks the service", async () => {
    await using it = await instance();
    const env = { ALIBABA_CLOUD_ACCESS_KEY_ID: "a", ALIBABA_CLOUD_ACCESS_KEY_SECRET: "b" };
    assert.equal((await agentCredentials(env, it.metadata)())?.accessKeyId, "a");
    assert.deepEqual(it.imds.requests, []);
  });

  test("are the role's otherwise", async () => {
    await using it = await instance();
    assert.equal((await agentCredentials({}, it.metadata, () => NOON)())?.accessKeyId, "STS.key1");
  });
});
