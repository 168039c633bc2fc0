import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { MetricEntry } from "../../src/core/metrics.ts";
import {
  deliver,
  type DeliveryReport,
  type DeliveryWorld,
  newDeliveryMemory,
} from "../../src/agent/delivery.ts";
import type { SeenRequest } from "../double/cloud.ts";
import { CLEAR_FAULTS, type Fault, UNCLEAR_FAULTS } from "../double/faults.ts";
import { MemoryQueue } from "../double/memory-queue.ts";
import { minuteEntries, NOON, wire } from "./setup.ts";

const MINUTE_MS = 60_000;
const WINDOWS = 600;
/** Above what a busy machine needs for an answer, so that only the double's silence is taken for one. */
const TIMEOUT_MS = 1500;
/** Silence costs its whole deadline, so it is one fault in so many. */
const SILENT_EVERY = 40;

const { stall, drip, ...quick } = UNCLEAR_FAULTS;
const SILENT: readonly Fault[] = faultsOf({ stall, drip });
const QUICK: readonly Fault[] = [
  ...faultsOf(quick),
  ...Object.entries(CLEAR_FAULTS).map(([name, how]): Fault => ({ name, how, taken: false })),
];
const CLEAR_NAMES: ReadonlySet<string> = new Set(Object.keys(CLEAR_FAULTS));

/** Each once before and once after the work was done: the caller cannot tell them apart. */
function faultsOf(hows: Readonly<Record<string, Fault["how"]>>): Fault[] {
  return Object.entries(hows).flatMap(([name, how]) => [
    { name, how, taken: false },
    { name, how, taken: true },
  ]);
}

/** One call in three fails, by a sequence that is the same in every run. */
function oneInThree(): () => Fault | undefined {
  const random = randomFrom(20_261_122);
  let faults = 0;
  return () => {
    if (random() >= 1 / 3) return undefined;
    faults++;
    return faults % SILENT_EVERY === 0
      ? SILENT[(faults / SILENT_EVERY) % SILENT.length]
      : QUICK[faults % QUICK.length];
  };
}

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What one minute sends: now and then more than one call takes. */
function batchesOfMinute(startMs: number, nth: number): readonly (readonly MetricEntry[])[] {
  return nth % 10 === 0
    ? [minuteEntries(startMs), minuteEntries(startMs, "i-bp1another")]
    : [minuteEntries(startMs)];
}

/** What the double saw of one batch, call by call: the same parameters are the same batch. */
function callsByBatch(requests: readonly SeenRequest[]): ReadonlyMap<string, readonly SeenRequest[]> {
  return Map.groupBy(requests, ({ parameters }) => parameters);
}

/** Whether the caller could not know, after this call, if it had arrived. */
function leftInDoubt({ fault }: SeenRequest): boolean {
  return fault !== undefined && !CLEAR_NAMES.has(fault);
}

describe("600 minutes through the real SDK to a cloud that fails one call in three", () => {
  test("all arrive, each with its values, and nothing is repeated without need", async () => {
    await using it = await wire({ timeoutMs: TIMEOUT_MS });
    it.cloud.failBy(oneInThree());
    const queue = new MemoryQueue();
    const memory = newDeliveryMemory();
    const clock = { nowMs: NOON };
    const world: DeliveryWorld = {
      put: (entries) => it.cloudMonitor.putMetrics(entries),
      nowMs: () => clock.nowMs,
      sleep: (ms) => {
        clock.nowMs += ms;
        return Promise.resolve();
      },
      random: randomFrom(1),
      log: { info: () => {}, warn: () => {} },
      signal: new AbortController().signal,
    };
    const reports: DeliveryReport[] = [];
    const expected = new Map<string, string>();

    for (let nth = 0; nth < WINDOWS || queue.waiting().length > 0; nth++) {
      const startMs = NOON + nth * MINUTE_MS;
      clock.nowMs = startMs + MINUTE_MS + 10_000;
      if (nth < WINDOWS) {
        const batches = batchesOfMinute(startMs, nth);
        queue.add(startMs, batches);
        for (const { metricName, dimensions, time, values } of batches.flat()) {
          expected.set(`${metricName} ${dimensions} ${time}`, values);
        }
      }
      reports.push(await deliver(queue, world, { backfillSeconds: 900 }, memory));
    }

    const sum = (count: (report: DeliveryReport) => number): number =>
      reports.reduce((total, report) => total + count(report), 0);
    const batches = callsByBatch(it.cloud.requests);

    // The faults were there: about a third of the calls, of every kind.
    const failed = it.cloud.requests.filter(({ fault }) => fault !== undefined);
    assert.ok(failed.length > it.cloud.requests.length * 0.28);
    assert.deepEqual(
      new Set(failed.map(({ fault }) => fault)),
      new Set([...QUICK, ...SILENT].map(({ name }) => name)),
    );

    // Every window arrived, with its own values and no other.
    assert.equal(
      sum(({ givenUp, refused, partlyAccepted }) => givenUp + refused + partlyAccepted),
      0,
    );
    assert.equal(
      sum(({ accepted }) => accepted),
      batches.size,
    );
    const arrived = [...it.metrics.points.values()];
    assert.deepEqual(
      new Map(
        arrived.map((point) => [`${point.metricName} ${point.dimensions} ${point.timeMs}`, point.writes[0]!]),
      ),
      expected,
    );
    assert.deepEqual(it.metrics.conflicts(), []);

    // No batch was sent again after an answer that said what became of it.
    for (const calls of batches.values()) {
      for (const call of calls.slice(0, -1)) assert.ok(call.fault !== undefined, "a repeat without need");
      assert.equal(calls.at(-1)!.fault, undefined);
    }

    // The agent's own count of its repeats is the cloud's.
    const ambiguousRepeats = [...batches.values()].flatMap((calls) =>
      calls.filter((_, i) => calls.slice(0, i).some(leftInDoubt)),
    );
    assert.equal(
      sum((report) => report.ambiguousRepeats),
      ambiguousRepeats.length,
    );
    assert.equal(
      sum((report) => report.retries),
      it.cloud.requests.length - batches.size - ambiguousRepeats.length,
    );
    assert.equal(
      sum(({ sends }) => sends),
      it.cloud.requests.length,
    );

    // What was really written twice is among what the agent counted, and not a rarity here.
    const ENTRIES_PER_BATCH = 3;
    const writtenAgain = it.metrics.repeatedWrites() / ENTRIES_PER_BATCH;
    assert.ok(writtenAgain > 0 && writtenAgain <= ambiguousRepeats.length);
  });
});
