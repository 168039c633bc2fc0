import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { AGENT_OPTIONS } from "../src/config.ts";
import { UsageError } from "../src/errors.ts";
import { nonEmpty, oneOf, type OptionTable, readOptions, wholeNumber } from "../src/options.ts";

const TABLE = {
  for: {
    flag: "for",
    env: "SOFTNET_FOR_SECONDS",
    ...wholeNumber({ min: 1, max: 60 }),
    fallback: 10,
    help: { en: "", zh: "" },
  },
  sink: { flag: "sink", ...oneOf(["auto", "local"]), fallback: "auto", help: { en: "", zh: "" } },
  instance: { flag: "instance", repeatable: true, ...nonEmpty("an id"), help: { en: "", zh: "" } },
  yes: { flag: "yes", isSwitch: true, help: { en: "", zh: "" } },
} as const satisfies OptionTable;

describe("options", () => {
  const accepted = [
    { name: "fall back", args: [], env: {}, read: { for: 10, sink: "auto", instance: [], yes: false } },
    {
      name: "take the environment before the fallback",
      args: [],
      env: { SOFTNET_FOR_SECONDS: "20" },
      read: { for: 20, sink: "auto", instance: [], yes: false },
    },
    {
      name: "take the flag before the environment",
      args: ["--for", "30"],
      env: { SOFTNET_FOR_SECONDS: "20" },
      read: { for: 30, sink: "auto", instance: [], yes: false },
    },
    {
      name: "hold an empty variable for one that is not set",
      args: [],
      env: { SOFTNET_FOR_SECONDS: "" },
      read: { for: 10, sink: "auto", instance: [], yes: false },
    },
    {
      name: "collect what may be repeated",
      args: ["--instance", "i-1", "--instance=i-2", "--yes"],
      env: {},
      read: { for: 10, sink: "auto", instance: ["i-1", "i-2"], yes: true },
    },
  ];
  for (const { name, args, env, read } of accepted) {
    test(name, () => assert.deepEqual(readOptions(TABLE, args, env), read));
  }

  const refused = [
    { args: ["--fro", "3"], env: {}, code: "unknown-flag", where: "command line", got: "--fro" },
    { args: ["--for", "0"], env: {}, code: "bad-value", where: "--for", got: '"0"' },
    { args: ["--for", "61"], env: {}, code: "bad-value", where: "--for", got: '"61"' },
    { args: ["--for", "1e1"], env: {}, code: "bad-value", where: "--for", got: '"1e1"' },
    { args: ["--for", "-5"], env: {}, code: "bad-value", where: "--for", got: '"-5"' },
    { args: ["--for="], env: {}, code: "bad-value", where: "--for", got: "an empty value" },
    { args: ["--for"], env: {}, code: "bad-value", where: "--for", got: "nothing" },
    { args: ["--for", "--yes"], env: {}, code: "bad-value", where: "--for", got: "--yes" },
    { args: ["--for", "5", "--for", "6"], env: {}, code: "repeated-flag", where: "--for", got: "2 times" },
    { args: ["--yes=no"], env: {}, code: "bad-value", where: "--yes", got: "no" },
    { args: ["extra"], env: {}, code: "unexpected-argument", where: "command line", got: "extra" },
    {
      args: [],
      env: { SOFTNET_FOR_SECONDS: "soon" },
      code: "bad-value",
      where: "SOFTNET_FOR_SECONDS",
      got: '"soon"',
    },
  ];
  for (const { args, env, ...complaint } of refused) {
    test(`refuse ${[...args, ...Object.values(env)].join(" ")}`, () => {
      assert.throws(
        () => readOptions(TABLE, args, env),
        (error: unknown) => {
          assert.ok(error instanceof UsageError);
          const { code, where, got, expected } = error;
          assert.deepEqual({ code, where, got }, complaint);
          assert.notEqual(expected, "");
          return true;
        },
      );
    });
  }
});

describe("a flag that may stand alone", () => {
  const table = {
    policy: {
      flag: "policy",
      bare: "all",
      ...oneOf(["all", "agent"]),
      fallback: undefined,
      help: { en: "", zh: "" },
    },
    yes: { flag: "yes", isSwitch: true, help: { en: "", zh: "" } },
  } as const satisfies OptionTable;
  const rows = [
    { args: [], policy: undefined },
    { args: ["--policy"], policy: "all" },
    { args: ["--policy", "--yes"], policy: "all" },
    { args: ["--policy", "agent", "--yes"], policy: "agent" },
    { args: ["--policy=agent"], policy: "agent" },
  ] as const;
  for (const { args, policy } of rows) {
    test(`${args.join(" ") || "nothing"} means ${policy}`, () =>
      assert.deepEqual(readOptions(table, args, {}), { policy, yes: args.includes("--yes" as never) }));
  }

  test("refuses what it does not know", () => {
    assert.throws(() => readOptions(table, ["--policy", "nobody"], {}), UsageError);
  });
});

describe("the agent's configuration", () => {
  const read = (env: Record<string, string>) => readOptions(AGENT_OPTIONS, [], env);

  test("has the documented defaults", () => {
    const config = read({});
    assert.deepEqual(
      [config.sampleSeconds, config.pushCron, config.sink, config.cpuSeries, config.cpuSeriesMax],
      [1, "* * * * *", "auto", "active", 16],
    );
    assert.deepEqual(config.console, { host: "127.0.0.1", port: 9417 });
    assert.deepEqual(
      [config.groupId, config.stateMb, config.backfillSeconds, config.hostSeries],
      [0, 64, 900, "all"],
    );
  });

  const values = [
    { env: { SOFTNET_CONSOLE: "off" }, name: "console", value: undefined },
    { env: { SOFTNET_CONSOLE: "[::1]:80" }, name: "console", value: { host: "::1", port: 80 } },
    { env: { SOFTNET_CONSOLE: "localhost:0" }, name: "console", value: { host: "localhost", port: 0 } },
    { env: { SOFTNET_ENDPOINT: "metrics.cn-hangzhou.aliyuncs.com" }, name: "endpoint" },
    { env: { SOFTNET_ENDPOINT: "http://127.0.0.1:8080" }, name: "endpoint" },
    { env: { SOFTNET_ENDPOINT: "https://proxy.example.com" }, name: "endpoint" },
    { env: { SOFTNET_WEBHOOK: "https://hooks.example/robot?token=1" }, name: "webhook" },
    { env: { SOFTNET_WEBHOOK: "http://localhost:8080/hook" }, name: "webhook" },
    { env: { SOFTNET_REGION: "cn-hangzhou" }, name: "region" },
  ] as const;
  for (const { env, name, ...rest } of values) {
    test(`takes ${Object.entries(env).flat().join("=")}`, () =>
      assert.deepEqual(read(env)[name], "value" in rest ? rest.value : Object.values(env)[0]));
  }

  const refusals = [
    { SOFTNET_CONSOLE: "0.0.0.0:9417" },
    { SOFTNET_CONSOLE: "127.0.0.1" },
    { SOFTNET_CONSOLE: "127.0.0.1:70000" },
    { SOFTNET_CONSOLE: "example.com:80" },
    { SOFTNET_ENDPOINT: "http://metrics.cn-hangzhou.aliyuncs.com" },
    { SOFTNET_ENDPOINT: "ftp://127.0.0.1" },
    { SOFTNET_ENDPOINT: "a b" },
    { SOFTNET_WEBHOOK: "hooks.example" },
    { SOFTNET_WEBHOOK: "http://hooks.example/robot" },
    { SOFTNET_SAMPLE_SECONDS: "0" },
    { SOFTNET_SAMPLE_SECONDS: "11" },
    { SOFTNET_SINK: "prometheus" },
    { SOFTNET_REGION: "Hang Zhou" },
    { SOFTNET_INSTANCE_ID: "i,1" },
    { SOFTNET_INSTANCE_ID: "i-1 i-2" },
    { SOFTNET_STATE_MB: "1" },
    { SOFTNET_IMDS: "https://100.100.100.200" },
  ];
  for (const env of refusals) {
    test(`refuses ${Object.entries(env).flat().join("=")}`, () => assert.throws(() => read(env), UsageError));
  }

  test("does not repeat a secret that it refuses", () => {
    assert.throws(
      () => read({ SOFTNET_WEBHOOK: "http://hooks.example/robot?token=s3cr3t" }),
      (error) => error instanceof UsageError && !/s3cr3t|hooks/.test(error.message + JSON.stringify(error)),
    );
  });
});
