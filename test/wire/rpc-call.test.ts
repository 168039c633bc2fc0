import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { readCallerIdentity } from "../../src/cloud/caller-identity.ts";
import type { Credentials } from "../../src/cloud/credentials.ts";
import { chooseEndpoint } from "../../src/cloud/endpoint.ts";
import { RefusedCall } from "../../src/cloud/refusal.ts";
import { callRpc, type RpcCall, type RpcParam } from "../../src/cloud/rpc-call.ts";
import { CloudError } from "../../src/errors.ts";
import { parseQuery } from "../double/acs3.ts";
import type { ActionFamily } from "../double/action.ts";
import { type CloudUser, startCloudDouble } from "../double/cloud.ts";
import { CLEAR_FAULTS, type Fault, UNCLEAR_FAULTS } from "../double/faults.ts";
import { credentialsOf, USER } from "./setup.ts";

interface Setup {
  readonly users?: readonly CloudUser[];
  readonly nowMs?: () => number;
  readonly answers?: ActionFamily["actions"];
  readonly credentials?: Credentials | undefined;
  readonly endpoints?: (url: string) => readonly string[];
}

/** A cloud of two products, and what an operator's verbs call it by. */
async function rpc(setup: Setup = {}) {
  const { users = [USER] } = setup;
  const cloud = await startCloudDouble({
    users,
    families: [
      {
        version: "2019-01-01",
        product: "cms",
        actions: {
          DescribeThings: () => ({ Code: "200", Success: true, Things: [1, 2] }),
          PutThing: () => ({ Code: "200", Success: true }),
          ...setup.answers,
        },
      },
      {
        version: "2015-04-01",
        product: "sts",
        actions: {
          GetCallerIdentity: () => ({
            IdentityType: "RAMUser",
            AccountId: "1234567890123456",
            Arn: "acs:ram::1234567890123456:user/operator",
          }),
        },
      },
    ],
    ...(setup.nowMs ? { nowMs: setup.nowMs } : {}),
  });
  const pauses: number[] = [];
  const access = {
    credentials: () => Promise.resolve("credentials" in setup ? setup.credentials : credentialsOf(users[0]!)),
    endpoint: chooseEndpoint(setup.endpoints?.(cloud.url) ?? [cloud.url], 1000),
    timeoutMs: 1000,
    pause: (ms: number) => Promise.resolve(pauses.push(ms)),
  };
  return {
    cloud,
    access,
    pauses,
    call: (action: string, params: Readonly<Record<string, RpcParam>> = {}, more: Partial<RpcCall> = {}) =>
      callRpc({ ...access, product: "cms", version: "2019-01-01", action, params, ...more }),
    [Symbol.asyncDispose]: () => cloud[Symbol.asyncDispose](),
  };
}

function failing(how: Fault["how"], times: number, taken = false) {
  return (nth: number): Fault | undefined => (nth < times ? { name: "fault", taken, how } : undefined);
}

async function refusalOf(called: Promise<unknown>): Promise<RefusedCall> {
  const came = await called.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(came instanceof RefusedCall, String(came));
  assert.doesNotMatch(came.message, /double-secret|\?|Signature=|string to sign/);
  return came;
}

describe("a call of any product", () => {
  test("brings the body of the answer", async () => {
    await using it = await rpc();
    assert.partialDeepStrictEqual(await it.call("DescribeThings"), { Code: "200", Things: [1, 2] });
  });

  test("spells nested parameters as the cloud does, whatever characters they hold", async () => {
    await using it = await rpc();
    await it.call("PutThing", {
      Name: "a&b=c d+e*~'()!丢包",
      Channels: { Mail: "a@b.c", SMS: undefined },
      Names: ["x", "y"],
      Rules: [{ Id: 1, On: true }],
    });
    assert.deepEqual(Object.fromEntries(parseQuery(it.cloud.requests[0]!.parameters)), {
      Name: "a&b=c d+e*~'()!丢包",
      "Channels.Mail": "a@b.c",
      "Names.1": "x",
      "Names.2": "y",
      "Rules.1.Id": "1",
      "Rules.1.On": "true",
    });
  });

  test("takes temporary credentials", async () => {
    await using it = await rpc({ users: [{ ...USER, accessKeyId: "STS.double", securityToken: "t+/==" }] });
    await it.call("DescribeThings");
    assert.match(it.cloud.requests[0]!.userAgent ?? "", /softnet-agent\/\d/);
  });

  test("passes over an endpoint that cannot be reached, and remembers the one that can", async () => {
    await using it = await rpc({ endpoints: (url) => [`https://${"x".repeat(64)}.test`, url] });
    await it.call("DescribeThings");
    await it.call("DescribeThings");
    assert.equal(it.cloud.requests.length, 2);
  });
});

describe("who signs", () => {
  test("is told by STS", async () => {
    await using it = await rpc();
    assert.deepEqual(await readCallerIdentity(it.access), {
      accountId: "1234567890123456",
      arn: "acs:ram::1234567890123456:user/operator",
      identityType: "RAMUser",
    });
  });
});

describe("a call that is refused", () => {
  test("for want of permission names the RAM action and the policy that holds it", async () => {
    await using it = await rpc({ users: [{ ...USER, allowed: [] }] });
    const refusal = await refusalOf(it.call("PutThing"));
    assert.equal(refusal.code, "not-permitted");
    assert.equal(refusal.ramAction, "cms:PutThing");
    assert.equal(
      refusal.message,
      `cms:PutThing at ${new URL(it.cloud.url).host}: expected success, got NoPermission: the RAM role or user may ` +
        "not do this: allow it cms:PutThing (softnet doctor --policy setup)",
    );
    assert.equal(it.cloud.requests.length, 1);
  });

  interface Row {
    readonly name: string;
    readonly setup?: Setup;
    readonly body?: Readonly<Record<string, unknown>>;
    readonly code: string;
    readonly cloudCode?: string;
  }
  const ROWS: readonly Row[] = [
    {
      name: "by a clock that is off",
      setup: { nowMs: () => Date.now() + 16 * 60_000 },
      code: "clock-off",
      cloudCode: "InvalidTimeStamp.Expired",
    },
    {
      name: "for a key that nobody knows",
      setup: { credentials: { ...credentialsOf(USER), accessKeyId: "LTAInobody" } },
      code: "unknown-access-key",
      cloudCode: "InvalidAccessKeyId.NotFound",
    },
    {
      name: "for a wrong secret",
      setup: { credentials: { ...credentialsOf(USER), accessKeySecret: "wrong" } },
      code: "wrong-secret",
      cloudCode: "SignatureDoesNotMatch",
    },
    {
      name: "for an old token",
      setup: { users: [{ ...USER, securityToken: "old", tokenExpiresAtMs: 0 }] },
      code: "bad-security-token",
      cloudCode: "InvalidSecurityToken.Expired",
    },
    {
      name: "in the body, for want of permission",
      body: { Code: "403", Success: false, Message: "please use ram to auth" },
      code: "not-permitted",
      cloudCode: "403",
    },
    {
      name: "in the body, with a number for a code",
      body: { Code: 404, Success: false, Message: "The group is not exists." },
      code: "cloud-refused",
      cloudCode: "404",
    },
    {
      name: "in the body, without success",
      body: { Code: "200", Success: false, Message: "it is not so" },
      code: "cloud-refused",
      cloudCode: "200",
    },
    {
      name: "in the body, without a code",
      body: { Success: "false", Message: "it is not so" },
      code: "cloud-refused",
    },
  ];
  for (const { name, setup, body, code, cloudCode } of ROWS) {
    test(`${name} is ${code}`, async () => {
      await using it = await rpc({ ...setup, ...(body ? { answers: { PutThing: () => body } } : {}) });
      const refusal = await refusalOf(it.call("PutThing"));
      assert.equal(refusal.code, code);
      assert.equal(refusal.cloudCode, cloudCode);
      assert.deepEqual(it.pauses, []);
    });
  }

  test("as an action that nobody knows is wrong-endpoint", async () => {
    await using it = await rpc();
    assert.equal((await refusalOf(it.call("PutNothing"))).code, "wrong-endpoint");
  });

  test("without credentials is never sent", async () => {
    await using it = await rpc({ credentials: undefined });
    await assert.rejects(
      it.call("PutThing"),
      (error) => error instanceof CloudError && error.code === "no-credentials",
    );
    assert.deepEqual(it.cloud.requests, []);
  });
});

describe("a call that nobody answers", () => {
  test("for want of a way there names every endpoint", async () => {
    await using it = await rpc({
      endpoints: () => [`https://${"x".repeat(64)}.test`, `https://${"y".repeat(64)}.test`],
    });
    const refusal = await refusalOf(it.call("DescribeThings"));
    assert.equal(refusal.code, "cloud-unreachable");
    assert.match(refusal.message, /x\.test and y+\.test/);
  });

  test("ends at its deadline", async () => {
    await using it = await rpc();
    it.cloud.failBy(failing("stall", 9));
    assert.equal((await refusalOf(it.call("PutThing"))).code, "cloud-silent");
    assert.equal(it.cloud.requests.length, 1);
  });
});

describe("a call that failed", () => {
  for (const [name, how] of Object.entries(CLEAR_FAULTS)) {
    test(`by ${name} was not taken, and is sent again after ever longer pauses`, async () => {
      await using it = await rpc();
      it.cloud.failBy(failing(how, 3));
      await it.call("PutThing");
      assert.equal(it.cloud.requests.length, 4);
      assert.deepEqual(it.pauses, [500, 1000, 2000]);
    });
  }

  for (const [name, how] of Object.entries(UNCLEAR_FAULTS)) {
    if (how === "stall" || how === "drip") continue;
    test(`by ${name} is sent again where it only reads`, async () => {
      await using it = await rpc();
      it.cloud.failBy(failing(how, 1, true));
      await it.call("DescribeThings");
      assert.equal(it.cloud.requests.length, 2);
    });

    test(`by ${name} is not sent again where it writes, unless the caller says that twice is once`, async () => {
      await using it = await rpc();
      it.cloud.failBy(failing(how, 1, true));
      assert.equal((await refusalOf(it.call("PutThing"))).repeat, "unclear");
      it.cloud.failBy(failing(how, 1, true));
      await it.call("PutThing", {}, { isRepeatable: true });
      assert.equal(it.cloud.requests.length, 3);
    });
  }

  test("again and again is given up", async () => {
    await using it = await rpc();
    it.cloud.failBy(failing(CLEAR_FAULTS.throttled, 99));
    assert.equal((await refusalOf(it.call("DescribeThings"))).code, "throttled");
    assert.equal(it.cloud.requests.length, 4);
  });
});
