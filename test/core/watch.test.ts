import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { Reading } from "../../src/core/observation.ts";
import {
  cpusInSight,
  frameBetween,
  type Troubles,
  troublesWith,
  type WatchFrame,
} from "../../src/core/watch.ts";
import { sampleOf } from "./samples.ts";

type Rows = Parameters<typeof sampleOf>[0];

/** A reading of counters, with the ticks of softirq out of 100 each second that a CPU spent. */
function readingOf(rows: Rows, second: number, softirq?: Readonly<Record<number, number>>): Reading {
  const cpus = Object.keys(softirq ?? {}).map(Number);
  const ticks = (of: (cpu: number) => number): Float64Array => Float64Array.from(cpus, of);
  return {
    softnet: sampleOf(rows, { takenAtMs: second * 1000, monotonicMs: 1000 + second * 1000 }),
    cpuTime: softirq && {
      cpus: Uint32Array.from(cpus),
      softirq: ticks((cpu) => softirq[cpu]! * second),
      steal: ticks(() => 10 * second),
      idle: ticks((cpu) => (90 - softirq[cpu]!) * second),
      total: ticks(() => 100 * second),
    },
    interfaces: undefined,
    elsewhere: undefined,
    netRx: undefined,
    interrupts: undefined,
  };
}

function frameOf(before: Reading, after: Reading): WatchFrame {
  const frame = frameBetween(before, after);
  assert.ok(frame.kind === "frame", frame.kind);
  return frame;
}

/** One second in which the given CPUs of 256 dropped and squeezed; all process as many packets as their number says. */
function secondOf(
  at: number,
  dropped: Readonly<Record<number, number>>,
  squeezed: Readonly<Record<number, number>> = {},
): WatchFrame {
  const rows: Rows = Object.fromEntries(
    Array.from({ length: 256 }, (_, cpu) => [
      cpu,
      { processed: cpu, dropped: dropped[cpu] ?? 0, timeSqueeze: squeezed[cpu] ?? 0 },
    ]),
  );
  const none: Rows = Object.fromEntries(Array.from({ length: 256 }, (_, cpu) => [cpu, {}]));
  return frameOf(readingOf(none, at - 1), readingOf(rows, at));
}

describe("a frame", () => {
  test("has the rates and the time of each CPU, and of all", () => {
    const frame = frameOf(
      readingOf({ 0: {}, 2: {} }, 0, { 0: 0, 2: 0 }),
      readingOf({ 0: { processed: 100 }, 2: { dropped: 6, timeSqueeze: 4 } }, 2, { 0: 20, 2: 80 }),
    );
    assert.deepEqual(
      frame.cpus.map(({ cpu, processedPerSecond, droppedPerSecond, load }) => ({
        cpu,
        processedPerSecond,
        droppedPerSecond,
        softirqPercent: load?.softirqPercent,
      })),
      [
        { cpu: 0, processedPerSecond: 50, droppedPerSecond: 0, softirqPercent: 20 },
        { cpu: 2, processedPerSecond: 0, droppedPerSecond: 3, softirqPercent: 80 },
      ],
    );
    assert.deepEqual([frame.dropped, frame.squeezed], [6, 4]);
    assert.deepEqual(frame.all.load, { softirqPercent: 50, stealPercent: 10, idlePercent: 40 });
  });

  test("has no load where there is no /proc/stat", () => {
    const frame = frameOf(readingOf({ 0: {} }, 0), readingOf({ 0: {} }, 1));
    assert.equal(frame.all.load, undefined);
    assert.equal(frame.cpus[0]!.load, undefined);
  });

  test("says which CPUs came and went", () => {
    const frame = frameOf(readingOf({ 0: {}, 1: {} }, 0), readingOf({ 0: {}, 5: {} }, 1));
    assert.deepEqual([frame.appeared, frame.left], [[5], [1]]);
  });

  test("is none over a reboot", () => {
    const before = readingOf({ 0: {} }, 5);
    const after = { ...before, softnet: { ...before.softnet, bootId: "boot-2" } };
    assert.deepEqual(frameBetween(before, after), { kind: "rebooted" });
  });
});

describe("on a screen of ten rows, 256 CPUs", () => {
  const inSight = (troubles: Troubles, frame: WatchFrame): number[] =>
    cpusInSight(frame, troubles, 10).map(({ cpu }) => cpu);
  const seen = (...frames: readonly WatchFrame[]): Troubles => frames.reduce(troublesWith, new Map());

  const busiest = [246, 247, 248, 249, 250, 251, 252, 253, 254, 255];
  test("are the busiest while nothing is lost", () => {
    const calm = secondOf(1, {});
    assert.deepEqual(inSight(seen(calm), calm), busiest);
  });

  test("are the ones that drop, then those that squeeze, then the busiest", () => {
    const frame = secondOf(1, { 3: 1, 77: 9000 }, { 5: 800 });
    assert.deepEqual(inSight(seen(frame), frame), [3, 5, 77, ...busiest.slice(3)]);
  });

  test("prefer the worst where even the bad ones are too many", () => {
    const frame = secondOf(1, Object.fromEntries(Array.from({ length: 100 }, (_, cpu) => [cpu, cpu + 1])));
    assert.deepEqual(inSight(seen(frame), frame), [90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
  });

  test("keep one that drops in bursts between them, and forget it half a minute later", () => {
    const burst = secondOf(1, { 7: 500 });
    const [soon, late] = [secondOf(20, {}), secondOf(40, {})];
    assert.ok(inSight(seen(burst, soon), soon).includes(7));
    assert.ok(!inSight(seen(burst, soon, late), late).includes(7));
  });

  test("are all in sight where there is room for them", () => {
    const frame = secondOf(1, { 3: 1 });
    assert.equal(cpusInSight(frame, new Map(), 256).length, 256);
  });
});
