import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { alarmDocument, type AlarmDocument } from "../../src/core/alarm-document.ts";
import { alarmRules } from "../../src/core/alarm-rules.ts";
import type { PostOutcome } from "../../src/agent/webhook.ts";
import { WebhookSender } from "../../src/agent/webhook-sender.ts";

const NOON_MS = Date.UTC(2026, 10, 22, 12);

function documentAt(minute: number): AlarmDocument {
  const lastStartMs = NOON_MS + minute * 60_000;
  const track = {
    state: "alarm",
    breaches: 1,
    sinceMs: lastStartMs,
    toldAtMs: lastStartMs,
    lastStartMs,
    lastValue: 2,
  } as const;
  const who = { instanceId: "i-bp1", hostname: undefined };
  return alarmDocument(alarmRules({ withSqueezed: false })[0]!, "raised", track, lastStartMs, undefined, who);
}

/** A webhook that answers as the test says, and takes all when it says nothing more. */
function world() {
  let stored = "[]";
  const it = {
    nowMs: NOON_MS + 60_000,
    answers: [] as PostOutcome[],
    bodies: [] as string[],
    logged: [] as string[],
    sender: () => {
      const note = (line: unknown): void => void it.logged.push(String(line));
      return new WebhookSender({
        post: (body) => {
          it.bodies.push(body);
          return Promise.resolve(it.answers.shift() ?? { kind: "taken" });
        },
        where: "hooks.example",
        clock: { nowMs: () => it.nowMs, monotonicMs: () => it.nowMs },
        log: { info: note, warn: note, error: note },
        shelf: { read: () => JSON.parse(stored), write: (waiting) => (stored = JSON.stringify(waiting)) },
        random: () => 1,
      });
    },
    /** @returns the seconds in which it was called. */
    async live(sender: WebhookSender, seconds: number): Promise<number[]> {
      const calls: number[] = [];
      for (let second = 0; second < seconds; second++) {
        const before = it.bodies.length;
        await sender.send();
        if (it.bodies.length > before) calls.push(second);
        it.nowMs += 1000;
      }
      return calls;
    },
  };
  return it;
}

const failed = (why: string): PostOutcome => ({ kind: "failed", why });

describe("the webhook", () => {
  test("gets a document once, and nothing while there is none", async () => {
    const it = world();
    const sender = it.sender();
    assert.deepEqual(await it.live(sender, 5), []);
    sender.add([documentAt(0)]);
    assert.deepEqual(await it.live(sender, 60), [0]);
    assert.deepEqual(JSON.parse(it.bodies[0]!), documentAt(0));
    assert.deepEqual(
      [sender.status.delivered, sender.status.waiting, sender.status.problem, it.logged],
      [1, 0, undefined, []],
    );
  });

  test("is asked again, later and later, and said to fail once", async () => {
    const it = world();
    const sender = it.sender();
    it.answers.push(failed("HTTP 500"), failed("no answer within 5 s"));
    sender.add([documentAt(0), documentAt(1)]);
    assert.deepEqual(await it.live(sender, 3), [0]);
    assert.equal(sender.status.problem?.message, "HTTP 500");
    assert.deepEqual(await it.live(sender, 60), [2, 12, 13]);
    assert.deepEqual(
      it.bodies,
      [0, 0, 0, 1].map((minute) => JSON.stringify(documentAt(minute))),
    );
    assert.equal(sender.status.problem, undefined);
    assert.deepEqual(it.logged, [
      "The webhook at hooks.example did not take an alarm, which is sent again: HTTP 500",
      "The webhook at hooks.example takes alarms again",
    ]);
  });

  test("is given up after eight tries in ten minutes, and asked for the next alarm", async () => {
    const it = world();
    const sender = it.sender();
    it.answers.push(...Array.from({ length: 8 }, () => failed("HTTP 404")));
    sender.add([documentAt(0)]);
    assert.deepEqual(await it.live(sender, 700), [0, 5, 15, 35, 75, 155, 315, 615]);
    assert.deepEqual([sender.status.givenUp, sender.status.waiting], [1, 0]);
    assert.equal(sender.status.problem?.message, "HTTP 404");
    sender.add([documentAt(11)]);
    assert.deepEqual(await it.live(sender, 5), [0]);
    assert.equal(sender.status.problem, undefined);
    assert.deepEqual(it.logged, [
      "The webhook at hooks.example did not take an alarm, which is sent again: HTTP 404",
      "The webhook at hooks.example was not told of critical alarm: HTTP 404",
      "The webhook at hooks.example takes alarms again",
    ]);
  });

  test("gets from the next process what this one could not tell, unless it is old", async () => {
    const it = world();
    const first = it.sender();
    it.answers.push(failed("ECONNREFUSED"));
    first.add([documentAt(0), documentAt(45)]);
    first.save();
    await it.live(first, 2);

    it.nowMs = NOON_MS + 62 * 60_000;
    const second = it.sender();
    await it.live(second, 3);
    assert.deepEqual(it.bodies.slice(1), [JSON.stringify(documentAt(45))]);
    assert.deepEqual([second.status.delivered, second.status.givenUp], [1, 1]);
    assert.equal(it.sender().status.waiting, 0);
  });

  test("is told all that waits before a process ends that will not come back", async () => {
    const it = world();
    const sender = it.sender();
    sender.add([documentAt(0), documentAt(1)]);
    await sender.sendAll();
    assert.equal(it.bodies.length, 2);
    it.answers.push(failed("HTTP 500"));
    sender.add([documentAt(2), documentAt(3)]);
    await sender.sendAll();
    assert.deepEqual([it.bodies.length, sender.status.waiting], [3, 2]);
  });

  test("waits no longer because the clock was set back", async () => {
    const it = world();
    const sender = it.sender();
    it.answers.push(failed("HTTP 500"));
    sender.add([documentAt(0)]);
    await it.live(sender, 1);
    it.nowMs -= 3_600_000;
    assert.deepEqual(await it.live(sender, 3), [0]);
  });
});
