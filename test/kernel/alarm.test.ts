import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { alarmDimension, alarmRuleId, alarmRules } from "../../src/core/alarm-rules.ts";
import { pushDelaySeconds } from "../../src/core/push-delay.ts";
import type { Account } from "../double/account.ts";
import { call } from "../double/call.ts";
import { startCloudDouble } from "../double/cloud.ts";
import { seeded } from "../double/seeded.ts";
import { skipWithoutKernel } from "../support/kernel-tests.ts";
import { fastTime } from "./lab/fast-time.ts";
import { Lab } from "./lab/lab.ts";
import { gsoBurst } from "./lab/scenarios.ts";

const SOFTNET = fileURLToPath(new URL("../../bin/softnet.js", import.meta.url));
const USER = { accessKeyId: "storm", accessKeySecret: "storm" };
const INSTANCE_ID = promptInstance();
const NOON = "1795348800000";
/** Some 460 drops each time, at least every other second of the agent's. */
const BURSTS = 20;
const PAUSE_MS = 100;

describe("softnet run under a storm of drops", { skip: skipWithoutKernel() }, () => {
  test("calls whoever is on call once for each rule, and tells once that it is over", async (t) => {
    const account = seeded();
    putRules(account);
    const time = fastTime();
    await using cloud = await startCloudDouble({
      users: [USER],
      families: account.families,
      nowMs: time.nowMs,
    });
    const stateDir = mkdtempSync(join(tmpdir(), "softnet-storm-"));
    t.after(() => rmSync(stateDir, { recursive: true }));
    const agent = spawn(process.execPath, [SOFTNET, "run"], {
      stdio: ["ignore", "ignore", "inherit"],
      env: {
        ...process.env,
        ...time.env,
        SOFTNET_SINK: "cloudmonitor",
        SOFTNET_ENDPOINT: cloud.url,
        SOFTNET_REGION: "cn-hangzhou",
        SOFTNET_INSTANCE_ID: INSTANCE_ID,
        SOFTNET_ACCOUNT_ID: account.state.uid,
        SOFTNET_STATE_DIR: stateDir,
        SOFTNET_CONSOLE: "off",
        SOFTNET_LOG_LEVEL: "error",
        ALIBABA_CLOUD_ACCESS_KEY_ID: USER.accessKeyId,
        ALIBABA_CLOUD_ACCESS_KEY_SECRET: USER.accessKeySecret,
      },
    });
    const exited = once(agent, "exit");
    t.after(() => agent.kill("SIGKILL"));

    /** The rules' states, once the double has looked at them at the agent's time. */
    const states = (): string => {
      assert.equal(agent.exitCode, null, "the agent ended by itself");
      account.evaluate(time.nowMs());
      return [...account.state.metricRules.values()].map(({ alertState }) => alertState).join();
    };
    await Lab.during(async (lab) => {
      const { drop } = await gsoBurst.begin(lab);
      await until(
        () => states() === "ALARM,ALARM",
        60,
        () => drop(BURSTS),
      );
    });
    const isOver = (): boolean => account.events.events.some(({ name }) => name === "softnet_recovered");
    await until(() => states() === "OK,OK" && isOver(), 60);
    agent.kill("SIGTERM");
    assert.deepEqual(await exited, [0, null]);

    const { notifications } = account.outbox;
    assert.deepEqual(
      notifications.map(({ level, channel }) => `${level} ${channel}`),
      ["CRITICAL SMS", "CRITICAL Mail", "WARN SMS", "WARN Mail"],
    );
    const [critical, , warning] = notifications;
    assert.match(critical!.text, /^the kernel keeps dropping packets\ncpu=all&instanceId=i-storm\d+\n/);
    assert.match(critical!.text, /\ncurrent value: 2$/);
    assert.match(
      warning!.text,
      /^the kernel drops packets\n[^\n]+\n\$Maximum>0 \(3 in a row\)\ncurrent value: \d/,
    );

    const { events } = account.events;
    assert.equal(events.filter(({ name }) => name === "softnet_recovered").length, 1);
    assert.equal(events.at(-1)!.name, "softnet_recovered");
    assert.match(events.at(-1)!.content, new RegExp(`^${INSTANCE_ID}: no more loss`));
    const told = events.find(({ name }) => name === "softnet_critical");
    assert.match(
      told!.content,
      / drops \d[\d,]* packets\/s.* fix: sudo softnet remedy apply; evidence: cpus=/,
    );
    assert.deepEqual(account.metrics.conflicts(), []);
  });
});

/** The rules of one instance as they are defined, each with a point of its series before it. */
function putRules({ families }: Account): void {
  for (const rule of alarmRules({ withSqueezed: false })) {
    const point = {
      GroupId: "0",
      MetricName: rule.metricName,
      Dimensions: JSON.stringify({ cpu: "all", instanceId: INSTANCE_ID }),
      Type: "1",
      Period: "60",
      Time: NOON,
      Values: '{"Maximum":0}',
    };
    call(families, "PutCustomMetric", { MetricList: [point] });
    const { Code } = call(families, "PutCustomMetricRule", {
      RuleId: alarmRuleId(rule, INSTANCE_ID),
      RuleName: rule.name.en,
      MetricName: rule.metricName,
      Resources: JSON.stringify([{ groupId: 0, dimension: alarmDimension(INSTANCE_ID) }]),
      Statistics: rule.statistic,
      ComparisonOperator: rule.comparisonOperator,
      Threshold: String(rule.threshold),
      EvaluationCount: rule.evaluationCount,
      Level: rule.level,
      ContactGroups: "ops",
      SilenceTime: rule.silenceSeconds,
    });
    assert.equal(Code, "200");
  }
}

/** An instance whose turn to push comes at once. */
function promptInstance(): string {
  for (let i = 0; ; i++) if (pushDelaySeconds(`i-storm${i}`) === 0) return `i-storm${i}`;
}

async function until(
  isSo: () => boolean,
  withinSeconds: number,
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  const endMs = performance.now() + withinSeconds * 1000;
  while (!isSo()) {
    assert.ok(performance.now() < endMs, `not within ${withinSeconds} s`);
    await meanwhile();
    await sleep(PAUSE_MS);
  }
}
