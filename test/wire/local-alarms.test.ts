import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempDisposableSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, mock, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { pino } from "pino";

import { ReplayedHost } from "../../scripts/replayed-host.ts";
import { AlarmWatch } from "../../src/agent/alarm-watch.ts";
import { AGENT_OPTIONS } from "../../src/config.ts";
import type { AlarmDocument } from "../../src/core/alarm-document.ts";
import { alarmRules } from "../../src/core/alarm-rules.ts";
import { DriftWatch } from "../../src/agent/drift-watch.ts";
import { readCapture } from "../../src/host/capture.ts";
import { IncidentRecorder } from "../../src/agent/incidents.ts";
import { Judge } from "../../src/agent/judge.ts";
import { readOptions } from "../../src/options.ts";
import { startAgent } from "../../src/agent/service.ts";
import { RecentPoints } from "../../src/store/recent-points.ts";
import { Store } from "../../src/store/store.ts";
import { WebhookSender } from "../../src/agent/webhook-sender.ts";
import { postJson } from "../../src/agent/webhook.ts";

const NOON_MS = Date.UTC(2026, 10, 22, 12);
const INCIDENT = join(import.meta.dirname, "../fixtures/incidents/story.capture");

/** A webhook that refuses as often as the test says, and lists what it took with the second of the agent's life. */
async function webhook(refusals: number) {
  const taken: { second: number; document: AlarmDocument }[] = [];
  let refused = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const takes = refused >= refusals;
      if (takes) {
        taken.push({
          second: (Date.now() - NOON_MS) / 1000,
          document: JSON.parse(Buffer.concat(chunks).toString()),
        });
      } else {
        refused++;
      }
      response.writeHead(takes ? 200 : 500).end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    taken,
    refused: () => refused,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  };
}

/**
 * The whole agent on a recorded incident that comes again and again, in a time that the test lets pass. The recording can be stopped: nothing
 * is lost from then on.
 */
class Life {
  readonly #dir = mkdtempDisposableSync(join(tmpdir(), "softnet-alarms-"));
  readonly #store = new Store({ dir: this.#dir.path, limitMb: 64, notice: console.error });
  readonly #url: string;
  readonly #host: ReplayedHost;
  readonly #clock = { nowMs: () => Date.now(), monotonicMs: () => Date.now() - NOON_MS + 1_000_000 };
  #stoppedAtMs: number | undefined;
  #stop = new AbortController();
  #ended: Promise<void> | undefined;
  #onItsWay: Promise<unknown> | undefined;

  constructor(url: string) {
    this.#url = url;
    const { nowMs, monotonicMs } = this.#clock;
    this.#host = new ReplayedHost(readCapture(INCIDENT), {
      nowMs,
      monotonicMs: () => this.#stoppedAtMs ?? monotonicMs(),
    });
  }

  start(): void {
    const store = this.#store;
    const [host, clock] = [this.#host, this.#clock];
    const log = pino({ level: "silent" });
    const shelf = (key: string) => ({
      read: () => store.values.read(key),
      write: (value: unknown) => store.values.write(key, value),
    });
    const sender = new WebhookSender({
      post: (body, signal) => (this.#onItsWay = postJson(this.#url, body, 5000, signal)),
      where: "the test",
      clock,
      log,
      shelf: shelf("webhook"),
    });
    this.#stop = new AbortController();
    this.#ended = startAgent(
      {
        host,
        clock,
        config: readOptions(AGENT_OPTIONS, ["--sink", "local", "--instance-id", "i-bp1"], {}),
        store,
        stateDir: this.#dir.path,
        recent: new RecentPoints(),
        judge: new Judge(host),
        incidents: new IncidentRecorder({
          host,
          clock,
          shelf: { read: () => [], write: () => {} },
          dir: join(this.#dir.path, "captures"),
        }),
        drift: new DriftWatch({ host, dir: "/var/lib/softnet-remedy", log }),
        alarms: new AlarmWatch({ rules: alarmRules({ withSqueezed: false }), shelf: shelf("alarms"), log }),
        webhook: sender,
        findSink: () => Promise.resolve({ missing: { en: "a test", zh: "测试" } }),
        possibleCpus: 2,
        log,
        say: () => {},
      },
      this.#stop.signal,
    ).ended;
  }

  /** Lets so many seconds pass, and whatever is on its way arrive. */
  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      mock.timers.tick(1000);
      await this.#onItsWay;
      await turn();
    }
  }

  calm(): void {
    this.#stoppedAtMs = this.#clock.monotonicMs();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#store[Symbol.dispose]();
    this.#dir.remove();
  }
}

const told = ({ document }: { document: AlarmDocument }): string[] => [
  document.level,
  document.state,
  document.since.slice(11, 19),
  document.at.slice(11, 19),
];

describe("an agent without a cloud", () => {
  test("tells the webhook of a loss, and of its end, each once", async (t) => {
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: NOON_MS });
    t.after(() => mock.timers.reset());
    await using hook = await webhook(0);
    await using life = new Life(hook.url);
    life.start();
    await life.pass(60);
    assert.deepEqual(hook.taken.map(told), [["CRITICAL", "alarm", "12:00:00", "12:01:00"]]);
    const { document } = hook.taken[0]!;
    assert.equal(document.instanceId, "i-bp1");
    assert.equal(document.finding, "cpu-bottleneck");
    assert.match(document.summary.en, /^i-bp1: the kernel keeps dropping packets\. CPU 1 .*drops/);
    assert.match(document.summary.zh, /^i-bp1：内核持续丢包。CPU 1/);
    assert.ok(Number(document.evidence["droppedPerSecond"]) > 0);
    assert.equal(document.fix, "sudo softnet remedy apply");

    await life.pass(120);
    assert.deepEqual(hook.taken.slice(1).map(told), [["WARN", "alarm", "12:00:00", "12:03:00"]]);
    await life.pass(60);
    life.calm();
    await life.pass(600);
    assert.deepEqual(hook.taken.slice(2).map(told), [
      ["WARN", "recovered", "12:00:00", "12:05:00"],
      // The verdict is held for five minutes after the last loss.
      ["CRITICAL", "recovered", "12:00:00", "12:11:00"],
    ]);
    for (const { second, document: each } of hook.taken) {
      assert.ok(second - (Date.parse(each.at) - NOON_MS) / 1000 <= 2, "within two seconds");
    }
  });

  test("tells once what a webhook that fails twice takes the third time, and nothing again after a restart", async (t) => {
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: NOON_MS });
    t.after(() => mock.timers.reset());
    await using hook = await webhook(2);
    await using life = new Life(hook.url);
    life.start();
    await life.pass(63);
    assert.deepEqual([hook.refused(), hook.taken.length], [1, 0]);
    await life.stop();
    await life.pass(2);
    life.start();
    await life.pass(55);
    assert.equal(hook.refused(), 2);
    assert.deepEqual(hook.taken.map(told), [["CRITICAL", "alarm", "12:00:00", "12:01:00"]]);
    await life.stop();
    life.start();
    await life.pass(120);
    assert.deepEqual(hook.taken.slice(1).map(told), [["WARN", "alarm", "12:00:00", "12:03:00"]]);
  });
});
