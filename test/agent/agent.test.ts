import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  type AgentMemory,
  type AgentWorld,
  type ClosedMinute,
  newMemory,
  resume,
  tick,
} from "../../src/agent/agent.ts";
import type { MetricEntry } from "../../src/core/metrics.ts";
import type { SoftnetSample } from "../../src/core/softnet-sample.ts";
import { HostError } from "../../src/errors.ts";

const MINUTE = Date.UTC(2026, 10, 22, 12, 0, 0);
const SETTINGS = { cpuSeries: "active", cpuSeriesMax: 16 } as const;
const COLUMNS = 15;

/** A machine of two CPUs whose clocks and dropped counters the test moves. */
function fakeMachine(startMs = MINUTE) {
  const minutes: ClosedMinute[] = [];
  const machine = {
    wallMs: startMs,
    monotonicMs: 5_000,
    bootId: "boot-1",
    /** Whole counters; the kernel prints them modulo 2^32. */
    dropped: [0, 0],
    torn: false,
    minutes,
    advance(seconds: number, growth: readonly [number, number] = [0, 0]) {
      machine.wallMs += seconds * 1000;
      machine.monotonicMs += seconds * 1000;
      machine.dropped = machine.dropped.map((value, cpu) => value + growth[cpu]!);
    },
    sample(): SoftnetSample {
      const words = new Uint32Array(2 * COLUMNS);
      machine.dropped.forEach((value, cpu) => {
        words[cpu * COLUMNS + 1] = value;
        words[cpu * COLUMNS + 12] = cpu;
      });
      return {
        takenAtMs: machine.wallMs,
        monotonicMs: machine.monotonicMs,
        bootId: machine.bootId,
        columns: COLUMNS,
        cpus: Uint32Array.of(0, 1),
        words,
      };
    },
    entries: (): readonly MetricEntry[] => minutes.flatMap(({ batches }) => batches.flat()),
    hostDrops: (period = "60") =>
      machine
        .entries()
        .filter((entry) => entry.metricName === "softnet_dropped_per_second" && entry.period === period)
        .filter((entry) => entry.dimensions.includes('"cpu":"all"'))
        .map((entry) => ({ startMs: Number(entry.time), ...JSON.parse(entry.values) })),
  };
  return machine;
}

function worldOf(machine: ReturnType<typeof fakeMachine>): AgentWorld {
  return {
    takeSample: () => {
      if (machine.torn) {
        throw new HostError({
          code: "softnet-stat-unreadable",
          expected: "a row",
          got: "half of one",
          where: "line 2",
        });
      }
      return machine.sample();
    },
    judge: (delta) => (delta.dropped.some((growth) => growth > 0) ? "critical" : "healthy"),
    show: () => {},
    keep: (minute) => machine.minutes.push(minute),
    series: () => ({ instanceId: "i-bp1", groupId: 0, hostSeries: "all" }),
  };
}

/** Ticks once a second for so long, growing CPU 0's drops by what `dropsAt` says of each second. */
function run(
  memory: AgentMemory,
  machine: ReturnType<typeof fakeMachine>,
  seconds: number,
  dropsAt: (second: number) => number = () => 0,
): void {
  for (let second = 0; second < seconds; second++) {
    tick(memory, worldOf(machine), SETTINGS);
    machine.advance(1, [dropsAt(second), 0]);
  }
}

describe("the agent", () => {
  test("closes a window at the first sample at or after the minute, and loses no drop between two windows", () => {
    const machine = fakeMachine(MINUTE + 300);
    const memory = newMemory();

    run(memory, machine, 182, (second) => second % 7);

    const drops = machine.hostDrops();
    const total = Array.from({ length: 180 }, (_, second) => second % 7).reduce((a, b) => a + b, 0);
    assert.deepEqual(
      drops.map(({ startMs }) => startMs),
      [MINUTE, MINUTE + 60_000, MINUTE + 120_000],
    );
    assert.equal(
      drops.reduce((sum, point) => sum + point.Sum, 0),
      total,
    );
    assert.deepEqual(
      drops.map(({ SampleCount }) => SampleCount),
      [60, 60, 60],
    );
  });

  test("a second of burst is in the minute's maximum and in the severity", () => {
    const machine = fakeMachine();
    run(newMemory(), machine, 62, (second) => (second === 30 ? 41_185 : 0));

    assert.equal(machine.hostDrops()[0].Maximum, 41_185);
    const severity = machine.entries().find(({ metricName }) => metricName === "softnet_severity")!;
    assert.equal(JSON.parse(severity.values).Maximum, 2);
  });

  test("missed ticks change no sum and no rate but the number of samples", () => {
    const machine = fakeMachine();
    const memory = newMemory();
    run(memory, machine, 20, () => 10);
    machine.advance(15, [150, 0]);
    run(memory, machine, 27, () => 10);

    const [point] = machine.hostDrops();
    assert.equal(point.Sum, 600);
    assert.equal(point.Maximum, 10);
    assert.equal(point.Minimum, 10);
    assert.ok(point.SampleCount < 60);
  });

  test("a torn file costs a sample and nothing else", () => {
    const machine = fakeMachine();
    const memory = newMemory();
    run(memory, machine, 10, () => 5);
    machine.torn = true;
    assert.throws(() => tick(memory, worldOf(machine), SETTINGS), HostError);
    machine.torn = false;
    machine.advance(1, [5, 0]);
    run(memory, machine, 52, () => 5);

    assert.equal(machine.hostDrops()[0].Sum, 300);
  });

  test("a counter that wraps is growth, and another boot is not", () => {
    const machine = fakeMachine();
    machine.dropped = [2 ** 32 - 3, 0];
    const memory = newMemory();
    run(memory, machine, 30, (second) => (second === 10 ? 5 : 0));
    machine.bootId = "boot-2";
    machine.dropped = [1_000, 0];
    run(memory, machine, 32);

    assert.equal(machine.hostDrops()[0].Sum, 5);
  });

  test("a clock set back never sends a minute twice", () => {
    const machine = fakeMachine();
    const memory = newMemory();
    run(memory, machine, 125);
    machine.wallMs -= 120_000;
    run(memory, machine, 300);

    const starts = machine.hostDrops().map(({ startMs }) => startMs);
    assert.equal(new Set(starts).size, starts.length);
    assert.equal(machine.minutes.length > starts.length, true, "the local history keeps what is not sent");
  });

  test("sends a 300 s point of the host at every fifth minute", () => {
    const machine = fakeMachine();
    run(newMemory(), machine, 602, () => 2);

    assert.deepEqual(
      machine.hostDrops("300").map(({ startMs, Sum, SampleCount }) => ({ startMs, Sum, SampleCount })),
      [
        { startMs: MINUTE, Sum: 600, SampleCount: 300 },
        { startMs: MINUTE + 300_000, Sum: 600, SampleCount: 300 },
      ],
    );
  });

  test("sends the 300 s point of a period whose last minute nobody watched", () => {
    const machine = fakeMachine();
    const memory = newMemory();
    run(memory, machine, 130, () => 2);
    machine.advance(400);
    run(memory, machine, 70);

    assert.deepEqual(
      machine.hostDrops("300").map(({ startMs, Sum }) => ({ startMs, Sum })),
      [{ startMs: MINUTE, Sum: 260 }],
    );
  });

  test("queues nothing while nobody knows who we are, and keeps the minute all the same", () => {
    const machine = fakeMachine();
    const memory = newMemory();
    const world = { ...worldOf(machine), series: () => undefined };
    for (let second = 0; second < 62; second++) {
      tick(memory, world, SETTINGS);
      machine.advance(1);
    }
    assert.equal(machine.minutes.length, 1);
    assert.deepEqual(machine.entries(), []);
  });
});

describe("a restart", () => {
  /** What the state file gives back: plain data, written and read again. */
  const throughTheFile = (memory: AgentMemory): AgentMemory => structuredClone(memory);

  test("inside the minute continues its window, drops during the gap included", () => {
    const machine = fakeMachine();
    const before = newMemory();
    run(before, machine, 20, () => 3);
    machine.advance(10, [500, 0]);
    const after = resume(throughTheFile(before), machine.sample(), worldOf(machine), SETTINGS);
    run(after, machine, 32, () => 3);

    const points = machine.hostDrops();
    assert.equal(points.length, 1);
    assert.equal(points[0].Sum, 20 * 3 + 500 + 30 * 3);
  });

  test("in a later minute closes the old one with what it had", () => {
    const machine = fakeMachine();
    const before = newMemory();
    run(before, machine, 20, () => 3);
    machine.advance(100, [500, 0]);
    const after = resume(throughTheFile(before), machine.sample(), worldOf(machine), SETTINGS);
    run(after, machine, 62, () => 1);

    assert.deepEqual(
      machine.hostDrops().map(({ startMs, Sum }) => ({ startMs, Sum })),
      [
        { startMs: MINUTE, Sum: 57 },
        { startMs: MINUTE + 120_000, Sum: 60 },
      ],
    );
  });

  test("after a reboot in the same minute counts nothing of the other boot", () => {
    const machine = fakeMachine();
    const before = newMemory();
    run(before, machine, 20, () => 3);
    machine.bootId = "boot-2";
    machine.monotonicMs = 1_000;
    machine.dropped = [7, 0];
    machine.advance(20);
    const after = resume(throughTheFile(before), machine.sample(), worldOf(machine), SETTINGS);
    run(after, machine, 25, () => 0);

    assert.deepEqual(
      machine.hostDrops().map(({ Sum }) => Sum),
      [57],
    );
  });
});
