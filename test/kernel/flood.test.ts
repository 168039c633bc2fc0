import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { pushDelaySeconds } from "../../src/core/push-delay.ts";
import { type CloudDouble, startCloudDouble } from "../double/cloud.ts";
import { customEvents } from "../double/custom-events.ts";
import { type CustomMetrics, customMetrics } from "../double/custom-metrics.ts";
import { skipWithoutKernel } from "../support/kernel-tests.ts";
import { growthBetween, readCounters, sumOver } from "./lab/counters.ts";
import { Lab } from "./lab/lab.ts";
import { gsoBurst } from "./lab/scenarios.ts";

const SOFTNET = fileURLToPath(new URL("../../bin/softnet.js", import.meta.url));
const USER = { accessKeyId: "flood", accessKeySecret: "flood" };
/** Some 12,000 drops each, within a fraction of a second. */
const BURSTS = 500;

describe("softnet run under a real flood", { skip: skipWithoutKernel() }, () => {
  test("pushes every dropped packet once, across a minute's boundary and a restart", async (t) => {
    const events = customEvents();
    const metrics = customMetrics({ edition: "pro", seriesQuota: 100 });
    await using cloud = await startCloudDouble({ users: [USER], families: [metrics, events] });
    const stateDir = mkdtempSync(join(tmpdir(), "softnet-flood-"));
    t.after(() => rmSync(stateDir, { recursive: true }));

    // True on a busy machine as well, so nobody waits for a quiet one here.
    await Lab.during(async (lab) => {
      const { drop } = await gsoBurst.begin(lab);
      // The rest of this minute must hold two starts of the agent.
      if (secondOfMinute() > 45) await minuteBegins();
      const before = readCounters();
      let dropped = 0;
      await withAgent(cloud, stateDir, async () => {
        dropped += await drop(BURSTS);
        await sleep(1500);
      });
      // Nobody looks while these are lost; the window that they belong to is continued all the same.
      dropped += await drop(BURSTS);
      await withAgent(cloud, stateDir, async () => {
        dropped += await drop(BURSTS);
        await minuteBegins();
        // Not while it pushes for the first time, which loads what it pushes with.
        await sleep(10_000);
        const peak = await drop(BURSTS);
        dropped += peak;
        await minuteBegins();
        await becomesTrue(() => windowsOf(metrics).length >= 2, 15);

        const growth = sumOver(growthBetween(before, readCounters()), "dropped");
        assert.equal(growth, dropped, "somebody else's packets were dropped too");
        const windows = windowsOf(metrics);
        assert.equal(
          windows.reduce((sum, { Sum }) => sum + Sum, 0),
          growth,
          JSON.stringify(windows),
        );
        // At worst the burst fell on two samples, a second each and a little.
        const last = windows.at(-1)!;
        assert.ok(last.Maximum > peak / 2.5 && last.Maximum <= peak * 1.1, JSON.stringify({ peak, last }));
        assert.deepEqual(metrics.conflicts(), []);
        assert.equal(metrics.repeatedWrites(), 0);
        assert.match(events.events[0]?.name ?? "no event", /^softnet_(warning|critical)$/);
      });
    });
  });
});

interface DroppedWindow {
  readonly timeMs: number;
  readonly Sum: number;
  readonly Maximum: number;
}

/** The host's minutes as CloudMonitor has them. */
function windowsOf({ points }: CustomMetrics): readonly DroppedWindow[] {
  return [...points.values()]
    .filter(({ metricName, period }) => metricName === "softnet_dropped_per_second" && period === "60")
    .filter(({ dimensions }) => dimensions.includes('"cpu":"all"'))
    .map(({ timeMs, writes }) => ({ timeMs, ...(JSON.parse(writes[0]!) as Omit<DroppedWindow, "timeMs">) }))
    .sort((a, b) => a.timeMs - b.timeMs);
}

/** Runs the agent until `work` is done, then ends it with SIGTERM. */
async function withAgent(cloud: CloudDouble, stateDir: string, work: () => Promise<void>): Promise<void> {
  const agent = spawn(process.execPath, [SOFTNET, "run"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      ...process.env,
      SOFTNET_SINK: "cloudmonitor",
      SOFTNET_ENDPOINT: cloud.url,
      SOFTNET_REGION: "cn-hangzhou",
      SOFTNET_INSTANCE_ID: promptInstance(),
      SOFTNET_ACCOUNT_ID: "1",
      SOFTNET_STATE_DIR: stateDir,
      SOFTNET_CONSOLE: "off",
      SOFTNET_LOG_LEVEL: "info",
      ALIBABA_CLOUD_ACCESS_KEY_ID: USER.accessKeyId,
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: USER.accessKeySecret,
    },
  });
  const exited = once(agent, "exit");
  const log = logOf(agent);
  try {
    await becomesTrue(() => hasSampled(agent, log), 20);
    await work();
  } finally {
    agent.kill("SIGTERM");
  }
  assert.deepEqual(await exited, [0, null], log.text);
}

/** Growth counts from the first sample on; that the counters' file is open is no sign of it, since the agent reads it once before it starts. */
function hasSampled({ exitCode }: Agent, log: { readonly text: string }): boolean {
  assert.equal(exitCode, null, `the agent ended by itself: ${log.text}`);
  return log.text.includes("First sample");
}

type Agent = ChildProcessByStdio<null, null, Readable>;

/** What the agent has logged so far. */
function logOf({ stderr }: Agent): { readonly text: string } {
  const log = { text: "" };
  stderr.setEncoding("utf8").on("data", (chunk: string) => {
    log.text += chunk;
  });
  return log;
}

/** An instance whose turn to push comes at once. */
function promptInstance(): string {
  for (let i = 0; ; i++) if (pushDelaySeconds(`i-flood${i}`) === 0) return `i-flood${i}`;
}

function secondOfMinute(): number {
  return Math.floor(Date.now() / 1000) % 60;
}

async function minuteBegins(): Promise<void> {
  await sleep(60_000 - (Date.now() % 60_000));
}

async function becomesTrue(isSo: () => boolean, withinSeconds: number): Promise<void> {
  const until = performance.now() + withinSeconds * 1000;
  while (!isSo()) {
    assert.ok(performance.now() < until, `not within ${withinSeconds} s`);
    await sleep(20);
  }
}
