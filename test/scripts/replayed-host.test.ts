import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";

import { ReplayedHost } from "../../scripts/replayed-host.ts";
import { deltaBetween } from "../../src/core/delta.ts";
import { sumOf } from "../../src/core/rates.ts";
import type { SoftnetSample } from "../../src/core/softnet-sample.ts";
import { parseCapture, readCapture } from "../../src/host/capture.ts";
import { readCpuTime } from "../../src/host/cpu-time.ts";
import { readInteger, readText } from "../../src/host/host.ts";
import { readSoftnetStat } from "../../src/host/softnet-stat.ts";

const story = readCapture(join(import.meta.dirname, "../fixtures/incidents/story.capture"));
const RX_DROPPED = "/sys/class/net/softnet-b0/statistics/rx_dropped";

/** A replay whose clock the test moves, and the samples that somebody takes of it. */
function replayOf(capture = story, startMs = 0) {
  const clock = { ms: 50_000, nowMs: () => 0, monotonicMs: () => clock.ms };
  const host = new ReplayedHost(capture, clock, startMs);
  const sampleAfter = (ms: number): SoftnetSample => {
    clock.ms += ms;
    return readSoftnetStat(host, { takenAtMs: 0, monotonicMs: clock.ms });
  };
  return { host, sampleAfter };
}

function dropsBetween(before: SoftnetSample, after: SoftnetSample): number {
  const delta = deltaBetween(before, after);
  assert.ok(delta.kind === "delta", delta.kind);
  return sumOf(delta.dropped);
}

const roundMs = story.snapshots.at(-1)!.monotonicMs - story.snapshots[0].monotonicMs;
const dropsOfRound = dropsBetween(
  readSoftnetStat(story.snapshots[0], story.snapshots[0]),
  readSoftnetStat(story.snapshots.at(-1)!, story.snapshots.at(-1)!),
);

describe("a replayed host", () => {
  test("loses in each round what was lost when it was recorded", () => {
    const { sampleAfter } = replayOf();
    let before = sampleAfter(0);
    for (let round = 0; round < 5; round++) {
      const after = sampleAfter(roundMs);
      assert.equal(dropsBetween(before, after), dropsOfRound);
      before = after;
    }
  });

  test("loses it however often somebody looks, and never much more in a second than was recorded", () => {
    const { sampleAfter } = replayOf();
    const samples = Array.from({ length: 701 }, (_, i) => sampleAfter(i === 0 ? 0 : roundMs / 350));
    const drops = samples.slice(1).map((after, i) => dropsBetween(samples[i]!, after));
    assert.equal(
      drops.reduce((sum, one) => sum + one, 0),
      2 * dropsOfRound,
    );
    const recorded = story.snapshots
      .slice(1)
      .map((after, i) =>
        dropsBetween(
          readSoftnetStat(story.snapshots[i]!, story.snapshots[i]!),
          readSoftnetStat(after, after),
        ),
      );
    const mostOfSecond = Math.max(...recorded);
    for (let i = 16; i < drops.length; i++) {
      const second = drops.slice(i - 16, i).reduce((sum, one) => sum + one, 0);
      assert.ok(second <= mostOfSecond * 1.1, `${second} in a second, recorded were ${mostOfSecond}`);
    }
  });

  test("begins where it is told to", () => {
    const late = replayOf(story, 8000);
    const early = replayOf().sampleAfter(8000);
    assert.deepEqual(late.sampleAfter(0).words, early.words);
  });

  test("counts on in every file that counts, and leaves names and settings alone", () => {
    const { host, sampleAfter } = replayOf();
    const [dropped, ticks] = [readInteger(host, RX_DROPPED)!, readCpuTime(host)!.total[1]!];
    const interrupts = readText(host, "/proc/interrupts");
    sampleAfter(3 * roundMs);
    const last = story.snapshots.at(-1)!;
    const grown = readInteger(last, RX_DROPPED)! - readInteger(story.snapshots[0], RX_DROPPED)!;
    assert.ok(grown > 0);
    assert.equal(readInteger(host, RX_DROPPED)! - dropped, 3 * grown);
    const spent = readCpuTime(last)!.total[1]! - readCpuTime(story.snapshots[0])!.total[1]!;
    assert.ok(spent > 0);
    assert.equal(readCpuTime(host)!.total[1]! - ticks, 3 * spent);
    assert.equal(readText(host, "/proc/interrupts")?.split("\n").length, interrupts?.split("\n").length);
    const backlog = "/proc/sys/net/core/netdev_max_backlog";
    assert.equal(readText(host, backlog), readText(story.snapshots[0], backlog));
    assert.deepEqual(host.list("/sys/class/net"), story.snapshots[0].list("/sys/class/net"));
  });

  test("wraps at 32 bits as the kernel does, and takes gauges as they were", () => {
    const row = (processed: string, backlog: string): string =>
      ` ${processed} ${"00000000 ".repeat(10)}${backlog} 00000000`;
    const text = [
      "softnet-capture 1",
      `@snapshot 0 1\n@file /proc/net/softnet_stat\n${row("fffffff0", "00000007")}`,
      `@snapshot 0 2\n@file /proc/net/softnet_stat\n${row("00000010", "00000009")}`,
      "@end",
    ].join("\n");
    const { sampleAfter } = replayOf(parseCapture(Buffer.from(text), "x"));
    const words = [0, 500, 1000].map((ms) => sampleAfter(ms)).map((sample) => [...sample.words]);
    assert.deepEqual(
      words.map(([processed]) => processed),
      [0xffff_fff0, 0, 0x20],
    );
    assert.deepEqual(
      words.map((sample) => sample[11]),
      [7, 7, 7],
    );
  });
});
