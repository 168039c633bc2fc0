import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { instanceMetadata } from "../../src/cloud/instance-metadata.ts";
import { operatorCredentials, operatorRegion } from "../../src/cloud/operator-credentials.ts";
import { KnownError, UsageError } from "../../src/errors.ts";
import { startImdsDouble } from "../double/imds.ts";

const PATH = "/home/op/.aliyun/config.json";
const ENV_KEYS = { ALIBABA_CLOUD_ACCESS_KEY_ID: "LTAIenv", ALIBABA_CLOUD_ACCESS_KEY_SECRET: "env-secret" };

const PROFILES = {
  current: "work",
  profiles: [
    { name: "default", mode: "AK", access_key_id: "", access_key_secret: "", region_id: "" },
    {
      name: "work",
      mode: "AK",
      access_key_id: "LTAIwork",
      access_key_secret: "work-secret",
      region_id: "cn-beijing",
      output_format: "json",
    },
    {
      name: "temporary",
      mode: "StsToken",
      access_key_id: "STS.temp",
      access_key_secret: "temp-secret",
      sts_token: "temp-token",
    },
    { name: "instance", mode: "EcsRamRole", ram_role_name: "softnet-role", region_id: "cn-shanghai" },
    {
      name: "assumed",
      mode: "RamRoleArn",
      access_key_id: "LTAIassume",
      access_key_secret: "assume-secret",
      ram_role_arn: "acs:ram::1:role/r",
    },
    { name: "half", mode: "AK", access_key_id: "LTAIhalf" },
    { name: "tokenless", mode: "StsToken", access_key_id: "STS.x", access_key_secret: "x-secret" },
    { name: "garbled", mode: "AK", access_key_id: "LTAIgarbled", access_key_secret: "garbled secret" },
  ],
};

/** Nobody listens there. */
const NO_IMDS = "http://127.0.0.1:9";

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly file?: string | undefined;
  readonly imds?: string;
}

function operator({ env = {}, file = JSON.stringify(PROFILES), imds = NO_IMDS }: Given = {}) {
  const whole = { HOME: "/home/op", ...env };
  const readFile = (path: string) => (path === PATH ? file : undefined);
  const metadata = instanceMetadata({ baseUrl: imds, timeoutMs: 300 });
  return {
    keys: async () => (await operatorCredentials(whole, metadata, readFile)())?.accessKeyId,
    region: () => operatorRegion(whole, readFile),
  };
}

describe("an operator's credentials", () => {
  const ROWS: readonly { name: string; given: Given; id: string | undefined; region: string | undefined }[] =
    [
      {
        name: "are those of the environment first",
        given: { env: ENV_KEYS },
        id: "LTAIenv",
        region: "cn-beijing",
      },
      { name: "then of the CLI's current profile", given: {}, id: "LTAIwork", region: "cn-beijing" },
      {
        name: "or of the profile that the environment names",
        given: { env: { ALIBABA_CLOUD_PROFILE: "temporary" } },
        id: "STS.temp",
        region: undefined,
      },
      {
        name: "or of the file that the environment names, where there is none",
        given: { env: { ALIBABA_CLOUD_CONFIG_FILE: "/elsewhere.json" } },
        id: undefined,
        region: undefined,
      },
      {
        name: "leave a profile aside that was never filled in",
        given: { env: { ALIBABA_CLOUD_PROFILE: "default" } },
        id: undefined,
        region: undefined,
      },
      {
        name: "leave the CLI aside where it is switched off",
        given: { env: { ALIBABA_CLOUD_CLI_PROFILE_DISABLED: "true" } },
        id: undefined,
        region: undefined,
      },
      {
        name: "may have their region from the environment",
        given: { env: { ALIBABA_CLOUD_REGION_ID: "cn-shenzhen" } },
        id: "LTAIwork",
        region: "cn-shenzhen",
      },
      { name: "are none where nobody has any", given: { file: undefined }, id: undefined, region: undefined },
    ];
  for (const { name, given, id, region } of ROWS) {
    test(name, async () => {
      // An argument that is given as undefined would be the default.
      const { keys, region: regionOf } =
        "file" in given && given.file === undefined
          ? operator({ ...given, env: { ALIBABA_CLOUD_CONFIG_FILE: "/none" } })
          : operator(given);
      assert.equal(await keys(), id);
      assert.equal(regionOf(), region);
    });
  }

  test("hold the token of a temporary profile", async () => {
    const metadata = instanceMetadata({ baseUrl: NO_IMDS, timeoutMs: 300 });
    const env = { HOME: "/home/op", ALIBABA_CLOUD_PROFILE: "temporary" };
    assert.deepEqual(await operatorCredentials(env, metadata, () => JSON.stringify(PROFILES))(), {
      accessKeyId: "STS.temp",
      accessKeySecret: "temp-secret",
      securityToken: "temp-token",
    });
  });

  for (const env of [{ ALIBABA_CLOUD_PROFILE: "instance" }, { ALIBABA_CLOUD_CLI_PROFILE_DISABLED: "TRUE" }]) {
    test(`are the role's with ${JSON.stringify(env)}`, async () => {
      await using imds = await startImdsDouble({
        role: {
          name: "softnet-role",
          credentials: {
            AccessKeyId: "STS.role",
            AccessKeySecret: "role-secret",
            SecurityToken: "role-token",
            Expiration: new Date(Date.now() + 3_600_000).toISOString(),
          },
        },
      });
      assert.equal(await operator({ env, imds: imds.url }).keys(), "STS.role");
    });
  }

  test("do not ask a metadata service that is switched off", async () => {
    await using imds = await startImdsDouble();
    const env = { ALIBABA_CLOUD_CLI_PROFILE_DISABLED: "true", ALIBABA_CLOUD_ECS_METADATA_DISABLED: "true" };
    assert.equal(await operator({ env, imds: imds.url }).keys(), undefined);
    assert.deepEqual(imds.requests, []);
  });

  const REFUSED: readonly { name: string; given: Given; code: string; says: RegExp }[] = [
    {
      name: "a mode that needs the CLI itself",
      given: { env: { ALIBABA_CLOUD_PROFILE: "assumed" } },
      code: "profile-mode-unsupported",
      says: /AK, StsToken or EcsRamRole.*ALIBABA_CLOUD_SECURITY_TOKEN.*got mode RamRoleArn/,
    },
    {
      name: "a profile that is not there",
      given: { env: { ALIBABA_CLOUD_PROFILE: "nobody" } },
      code: "unknown-profile",
      says: /a profile nobody, got profiles default, work/,
    },
    {
      name: "a named profile without any file",
      given: { env: { ALIBABA_CLOUD_PROFILE: "work", ALIBABA_CLOUD_CONFIG_FILE: "/none" } },
      code: "unknown-profile",
      says: /^\/none: expected a profile work, got no such file$/,
    },
    {
      name: "half a pair",
      given: { env: { ALIBABA_CLOUD_PROFILE: "half" } },
      code: "incomplete-credentials",
      says: /profile half/,
    },
    {
      name: "a temporary profile without its token",
      given: { env: { ALIBABA_CLOUD_PROFILE: "tokenless" } },
      code: "incomplete-credentials",
      says: /sts_token/,
    },
    {
      name: "a secret that no header can carry",
      given: { env: { ALIBABA_CLOUD_PROFILE: "garbled" } },
      code: "bad-value",
      says: /access_key_secret of profile garbled/,
    },
    {
      name: "a torn file",
      given: { file: '{"current": "wo' },
      code: "profile-unreadable",
      says: /aliyun configure/,
    },
    { name: "another file", given: { file: "[]" }, code: "profile-unreadable", says: /aliyun configure/ },
  ];
  for (const { name, given, code, says } of REFUSED) {
    test(`refuse ${name} in one line that shows no secret, and have no region then`, async () => {
      await assert.rejects(operator(given).keys(), (error) => {
        assert.ok(error instanceof UsageError && error.code === code, String(error));
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /-secret|LTAI|garbled secret|\n/);
        return true;
      });
      assert.doesNotThrow(operator(given).region);
    });
  }

  test("are not looked for in a broken profile where the environment has them", async () => {
    assert.equal(await operator({ env: ENV_KEYS, file: "{" }).keys(), "LTAIenv");
  });

  test("tell of a metadata service that answers nonsense", async () => {
    await using imds = await startImdsDouble({ trouble: "error" });
    const env = { ALIBABA_CLOUD_CLI_PROFILE_DISABLED: "true" };
    await assert.rejects(operator({ env, imds: imds.url }).keys(), KnownError);
  });
});
