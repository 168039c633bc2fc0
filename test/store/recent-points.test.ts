import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { RecentPoints } from "../../src/store/recent-points.ts";
import { deltaOf } from "../core/deltas.ts";

const START = Date.UTC(2026, 10, 22, 12, 0, 0);
const EVERYTHING = { fromMs: 0, toMs: START * 2, maxPoints: 1e6, worst: 8, also: [] };

/** A quiet host of `cpus` CPUs, so that a CPU without growth still has a row. */
function quiet(cpus: number): Record<number, number> {
  return Object.fromEntries(Array.from({ length: cpus }, (_, cpu) => [cpu, 10]));
}

describe("recent points", () => {
  test("hold the last hour and forget what is older", () => {
    const recent = new RecentPoints();
    for (let second = 0; second < 3700; second++) {
      recent.add(deltaOf({ takenAtMs: START + second * 1000, processed: { 0: second } }));
    }
    const series = recent.read(EVERYTHING);
    assert.equal(series.timesMs.length, 3600);
    assert.equal(recent.oldestMs, START + 100_000);
    assert.equal(series.host.processed!.at(-1), 3699);
    assert.equal(series.stepMs, 0);
  });

  test("cost nothing for quiet CPUs, 57.6 kB for an active one, and at most 3.7 MB for busy ones", () => {
    const recent = new RecentPoints();
    const before = recent.bytes;
    recent.add(deltaOf({ takenAtMs: START, processed: quiet(1024) }));
    assert.equal(before, 144_000);
    assert.equal(recent.bytes, before);
    recent.add(deltaOf({ takenAtMs: START + 1000, processed: quiet(1024), dropped: { 7: 1 } }));
    assert.equal(recent.bytes, before + 57_600);
    recent.add(deltaOf({ takenAtMs: START + 2000, dropped: quiet(1024) }));
    assert.equal(recent.bytes, before + 64 * 57_600);
  });

  test("a CPU that begins to drop was quiet before, not unknown", () => {
    const recent = new RecentPoints();
    recent.add(deltaOf({ takenAtMs: START, processed: quiet(2) }));
    recent.add(deltaOf({ takenAtMs: START + 1000, processed: quiet(2), dropped: { 1: 40 } }));
    const line = recent.read(EVERYTHING).cpus[0]!;
    assert.equal(line.cpu, 1);
    assert.deepEqual([...line.dropped], [0, 40]);
    assert.deepEqual([...line.processed!], [Number.NaN, 10]);
  });

  test("a CPU that goes offline leaves a gap in its line", () => {
    const recent = new RecentPoints();
    recent.add(deltaOf({ takenAtMs: START, dropped: { 1: 1 } }));
    recent.add(deltaOf({ takenAtMs: START + 1000, processed: { 0: 1 } }));
    recent.add(deltaOf({ takenAtMs: START + 2000, dropped: { 1: 2 } }));
    assert.deepEqual([...recent.read(EVERYTHING).cpus[0]!.dropped], [1, Number.NaN, 2]);
  });

  test("rates are per second also when a tick came late, and sums are exact", () => {
    const recent = new RecentPoints();
    recent.add(deltaOf({ takenAtMs: START, dropped: { 0: 300 }, elapsedSeconds: 3 }));
    const series = recent.read(EVERYTHING);
    assert.equal(series.host.dropped[0], 100);
    assert.equal(series.droppedSum, 300);
  });

  test("samples of one second share a point, where the largest rate stands and nothing is lost from the sum", () => {
    const recent = new RecentPoints();
    const growth = [2, 50, 3, 0, 1, 0, 0, 9, 0, 0, 4];
    growth.forEach((dropped, i) => {
      recent.add(deltaOf({ takenAtMs: START + i * 100, dropped: { 0: dropped }, elapsedSeconds: 0.1 }));
    });
    const series = recent.read(EVERYTHING);
    assert.deepEqual([...series.host.dropped], [500, 40]);
    assert.equal(series.droppedSum, 69);
  });

  test("a burst of one second stands when the hour is thinned", () => {
    const recent = new RecentPoints();
    for (let second = 0; second < 3600; second++) {
      const dropped = second === 1234 ? { 5: 777 } : { 5: 0 };
      recent.add(deltaOf({ takenAtMs: START + second * 1000, dropped }));
    }
    const series = recent.read({
      ...EVERYTHING,
      fromMs: START,
      toMs: START + 3_600_000,
      maxPoints: 720,
    });
    assert.ok(series.timesMs.length <= 721, `${series.timesMs.length} points`);
    assert.equal(series.stepMs, 5000);
    assert.equal(Math.max(...series.host.dropped), 777);
    assert.deepEqual(series.peaks, [{ cpu: 5, dropped: 777, squeezed: 0 }]);
  });

  test("seconds that nobody watched are a gap", () => {
    const recent = new RecentPoints();
    for (const second of [0, 1, 2, 60, 61]) {
      recent.add(deltaOf({ takenAtMs: START + second * 1000, dropped: { 0: 1 } }));
    }
    const { timesMs, host } = recent.read(EVERYTHING);
    assert.deepEqual([...host.dropped], [1, 1, 1, Number.NaN, 1, 1]);
    assert.ok(timesMs[3]! > timesMs[2]! && timesMs[3]! < timesMs[4]!);
  });

  test("a wall clock that is set back takes the points with it that would lie in the future", () => {
    const recent = new RecentPoints();
    for (const second of [0, 1, 2, 3, 4]) {
      recent.add(deltaOf({ takenAtMs: START + second * 1000, dropped: { 0: 1 } }));
    }
    recent.add(deltaOf({ takenAtMs: START + 1500, dropped: { 0: 9 } }));
    recent.add(deltaOf({ takenAtMs: START + 2500, dropped: { 0: 9 } }));
    const { timesMs } = recent.read(EVERYTHING);
    assert.deepEqual(
      [...timesMs],
      [...timesMs].toSorted((a, b) => a - b),
    );
    assert.equal(timesMs.at(-1), START + 2500);
  });

  test("when all rings are taken, a CPU that drops takes the ring of one that was only squeezed", () => {
    const recent = new RecentPoints();
    const squeezed = Object.fromEntries(Array.from({ length: 200 }, (_, cpu) => [cpu, 1]));
    recent.add(deltaOf({ takenAtMs: START, timeSqueeze: squeezed }));
    recent.add(deltaOf({ takenAtMs: START + 1000, timeSqueeze: squeezed, dropped: { 150: 12 } }));
    const { peaks, cpus } = recent.read({ ...EVERYTHING, also: [150] });
    assert.equal(peaks.length, 64);
    assert.deepEqual(peaks[0], { cpu: 150, dropped: 12, squeezed: 1 });
    assert.deepEqual(
      [...cpus.find(({ cpu }) => cpu === 150)!.dropped],
      [Number.NaN, 12],
      "it was not kept before",
    );
  });

  test("when all rings are taken, a newcomer that is only squeezed waits for a quiet one", () => {
    const recent = new RecentPoints();
    recent.add(deltaOf({ takenAtMs: START, timeSqueeze: quiet(64) }));
    recent.add(deltaOf({ takenAtMs: START + 1000, timeSqueeze: { 99: 5 } }));
    const isDrawn = () => recent.read(EVERYTHING).peaks.some(({ cpu }) => cpu === 99);
    assert.equal(isDrawn(), false);
    recent.add(deltaOf({ takenAtMs: START + 61_000, timeSqueeze: { 99: 5 } }));
    assert.equal(isDrawn(), true);
  });
});
