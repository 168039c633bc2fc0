import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { ratesBetween } from "../src/core/rates.ts";
import { readCapture } from "../src/host/capture.ts";
import { readSoftnetStat } from "../src/host/softnet-stat.ts";
import { Replay } from "../src/replay.ts";

const STORY = fileURLToPath(new URL("fixtures/incidents/story.capture", import.meta.url));

describe("a replayed capture", () => {
  const capture = readCapture(STORY);
  const world = {
    nowMs: () => 1_000_000 + world.passedMs,
    monotonicMs: () => 5_000 + world.passedMs,
    passedMs: 0,
  };
  const replay = new Replay(capture, world);
  const sampleAt = (seconds: number) => {
    world.passedMs = seconds * 1000;
    return readSoftnetStat(replay, {
      takenAtMs: replay.clock.nowMs(),
      monotonicMs: replay.clock.monotonicMs(),
    });
  };
  const recorded = (index: number) =>
    readSoftnetStat(capture.snapshots[index]!, {
      takenAtMs: 0,
      monotonicMs: capture.snapshots[index]!.monotonicMs,
    });

  test("gives the recorded rates, however late a sample comes within its second", () => {
    const original = ratesBetween(recorded(10), recorded(11));
    // The two lie in the same half-shifted second: nothing has passed.
    assert.deepEqual(ratesBetween(sampleAt(9.9), sampleAt(10.2)), { kind: "no-time-passed" });
    const next = ratesBetween(sampleAt(10.2), sampleAt(11.1));
    assert.ok("all" in next && "all" in original);
    assert.deepEqual(
      next.cpus.map(({ droppedPerSecond }) => Math.round(droppedPerSecond)),
      original.cpus.map(({ droppedPerSecond }) => Math.round(droppedPerSecond)),
    );
  });

  test("begins anew as another boot", () => {
    const before = sampleAt(1);
    const after = sampleAt(1 + capture.snapshots.length);
    assert.notEqual(after.bootId, before.bootId);
    assert.deepEqual(ratesBetween(before, after), { kind: "rebooted" });
    assert.deepEqual(after.words, before.words);
  });
});
