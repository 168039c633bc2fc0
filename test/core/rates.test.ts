import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type HostRates, ratesBetween, sumOf } from "../../src/core/rates.ts";
import { sampleOf } from "./samples.ts";

function ratesOf(...samples: Parameters<typeof ratesBetween>): HostRates {
  const rates = ratesBetween(...samples);
  assert.ok("cpus" in rates);
  return rates;
}

describe("rates", () => {
  test("are growth by the seconds that really passed, whatever was planned", () => {
    const before = sampleOf({ 0: { processed: 100, dropped: 0xffff_fff0, timeSqueeze: 1 } });
    const after = sampleOf(
      {
        0: {
          processed: 1100,
          dropped: 0x10,
          timeSqueeze: 6,
          receivedRps: 10,
          flowLimitCount: 5,
          backlogLen: 44,
        },
      },
      { monotonicMs: 3500 },
    );
    assert.deepEqual(ratesOf(before, after).cpus, [
      {
        cpu: 0,
        processedPerSecond: 400,
        droppedPerSecond: 12.8,
        squeezedPerSecond: 2,
        receivedRpsPerSecond: 4,
        flowLimitPerSecond: 2,
        backlog: 44,
      },
    ]);
  });

  test("of the host are the sum over its CPUs, beyond 32 bits if need be", () => {
    const { all } = ratesOf(
      sampleOf({ 0: {}, 1: {}, 2: {} }),
      sampleOf(
        {
          0: { processed: 0xffff_ffff, dropped: 1, backlogLen: 10 },
          1: { processed: 0xffff_ffff, dropped: 2 },
          2: { processed: 1, timeSqueeze: 3, backlogLen: 5 },
        },
        { monotonicMs: 2000 },
      ),
    );
    assert.equal(all.processedPerSecond, 2 * 0xffff_ffff + 1);
    assert.equal(all.droppedPerSecond, 3);
    assert.equal(all.squeezedPerSecond, 3);
    assert.equal(all.backlog, 15);
  });

  test("are missing for a CPU that just came online, and for the host count the others", () => {
    const { cpus, all } = ratesOf(
      sampleOf({ 0: { dropped: 1 } }),
      sampleOf({ 0: { dropped: 3 }, 1: { dropped: 1_000_000 } }, { monotonicMs: 2000 }),
    );
    assert.deepEqual(
      cpus.map(({ cpu }) => cpu),
      [0],
    );
    assert.equal(all.droppedPerSecond, 2);
  });

  test("of a column that the kernel does not print are undefined", () => {
    const { all } = ratesOf(
      sampleOf({ 0: {} }, { columns: 9 }),
      sampleOf({ 0: {} }, { columns: 9, monotonicMs: 2000 }),
    );
    assert.equal(all.receivedRpsPerSecond, undefined);
    assert.equal(all.flowLimitPerSecond, undefined);
    assert.equal(all.backlog, undefined);
  });

  test("are none over a reboot", () => {
    const rates = ratesBetween(
      sampleOf({ 0: {} }),
      sampleOf({ 0: {} }, { bootId: "boot-2", monotonicMs: 9 }),
    );
    assert.deepEqual(rates, { kind: "rebooted" });
  });

  test("sum as doubles", () => {
    assert.equal(sumOf(Uint32Array.of(0xffff_ffff, 0xffff_ffff)), 2 * 0xffff_ffff);
  });
});
