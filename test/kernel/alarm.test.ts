import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import type { AlarmDocument } from "../../src/core/alarm-document.ts";
import { pushDelaySeconds } from "../../src/core/push-delay.ts";
import { openAccount } from "../double/account.ts";
import { startCloudDouble } from "../double/cloud.ts";
import { skipWithoutKernel } from "../support/kernel-tests.ts";
import { runSoftnet } from "../support/run-softnet.ts";
import { fastTime } from "./lab/fast-time.ts";
import { Lab } from "./lab/lab.ts";
import { gsoBurst } from "./lab/scenarios.ts";

const SOFTNET = fileURLToPath(new URL("../../bin/softnet.js", import.meta.url));
const USER = { accessKeyId: "storm", accessKeySecret: "storm" };
const INSTANCE_ID = promptInstance();
/** Some 460 drops each time, at least every other second of the agent's. */
const BURSTS = 20;
const PAUSE_MS = 100;

describe("a storm of drops on the real kernel", { skip: skipWithoutKernel() }, () => {
  test("calls whoever is on call once for each rule, and its end is told once", async (t) => {
    const account = openAccount();
    const time = fastTime();
    await using cloud = await startCloudDouble({
      users: [USER],
      families: account.families,
      nowMs: time.nowMs,
    });
    await using webhook = await startWebhook();
    const stateDir = mkdtempSync(join(tmpdir(), "softnet-storm-"));
    t.after(() => rmSync(stateDir, { recursive: true }));
    const env = {
      SOFTNET_ENDPOINT: cloud.url,
      SOFTNET_STS_ENDPOINT: cloud.url,
      SOFTNET_REGION: "cn-hangzhou",
      ALIBABA_CLOUD_ACCESS_KEY_ID: USER.accessKeyId,
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: USER.accessKeySecret,
    };
    const who = ["--mail", "ops@example.com", "--phone", "86-13800138000"];
    const applied = await runSoftnet(["alarms", "apply", "--yes", "--instance", INSTANCE_ID, ...who], {
      env,
    });
    assert.equal(applied.code, 0, applied.stderr);
    account.activate("softnet_oncall", "Mail");
    account.activate("softnet_oncall", "SMS");

    const agent = spawn(process.execPath, [SOFTNET, "run"], {
      stdio: ["ignore", "ignore", "inherit"],
      env: {
        ...process.env,
        ...time.env,
        ...env,
        SOFTNET_SINK: "cloudmonitor",
        SOFTNET_INSTANCE_ID: INSTANCE_ID,
        SOFTNET_ACCOUNT_ID: account.state.uid,
        SOFTNET_WEBHOOK: webhook.url,
        SOFTNET_STATE_DIR: stateDir,
        SOFTNET_CONSOLE: "off",
        SOFTNET_LOG_LEVEL: "error",
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
    const isOver = (): boolean =>
      account.events.events.some(({ name }) => name === "softnet_recovered") &&
      webhook.documents.filter(({ state }) => state === "recovered").length >= 2;
    await until(() => states() === "OK,OK" && isOver(), 60);
    agent.kill("SIGTERM");
    assert.deepEqual(await exited, [0, null]);

    const { notifications } = account.outbox;
    assert.deepEqual(
      notifications.map(({ level, channel, address }) => `${level} ${channel} ${address}`),
      [
        "CRITICAL SMS 86-13800138000",
        "CRITICAL Mail ops@example.com",
        "WARN SMS 86-13800138000",
        "WARN Mail ops@example.com",
      ],
    );
    const [critical, , warning] = notifications;
    assert.match(
      critical!.text,
      /^softnet i-storm\d+ cn-hangzhou the kernel keeps dropping packets 内核持续丢包\n/,
    );
    assert.match(critical!.text, /\ncpu=all&instanceId=i-storm\d+\n.*\ncurrent value: 2$/);
    assert.match(warning!.text, /^softnet i-storm\d+ cn-hangzhou the kernel drops packets 内核丢弃数据包\n/);
    assert.match(warning!.text, /\n\$Maximum>0 \(3 in a row\)\ncurrent value: \d/);
    for (const { subject } of notifications) {
      assert.match(
        subject,
        /i-storm\d+ cn-hangzhou: packets are lost .*Mend: sudo softnet remedy apply.*丢包/,
      );
    }

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

    assert.deepEqual(webhook.documents.map(({ alarm, state }) => `${alarm} ${state}`).sort(), [
      "critical alarm",
      "critical recovered",
      "dropped alarm",
      "dropped recovered",
    ]);
    const raised = webhook.documents.find(({ alarm }) => alarm === "critical")!;
    assert.equal(raised.instanceId, INSTANCE_ID);
    assert.match(raised.summary.en, / drops \d/);
    assert.equal(raised.fix, "sudo softnet remedy apply");
  });
});

/** Where the agent itself tells of its alarms. */
async function startWebhook() {
  const documents: AlarmDocument[] = [];
  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    documents.push((await json(request)) as AlarmDocument);
    response.end();
  }
  const server = createServer((request, response) => void take(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    documents: documents as readonly AlarmDocument[],
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
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
