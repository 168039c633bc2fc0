import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { deltaBetween, type SoftnetDelta } from "../../src/core/delta.ts";
import { sampleOf } from "./samples.ts";

const LATER = { monotonicMs: 2000 };

function deltaOf(before: ReturnType<typeof sampleOf>, after: ReturnType<typeof sampleOf>): SoftnetDelta {
  const delta = deltaBetween(before, after);
  assert.ok(delta.kind === "delta", delta.kind);
  return delta;
}

describe("the growth of a counter", () => {
  const rows = [
    { name: "is the difference", before: 5, after: 12, growth: 7 },
    { name: "is zero where nothing happened", before: 5, after: 5, growth: 0 },
    { name: "survives a wrap of 32 bits", before: 0xffff_fff0, after: 0x10, growth: 32 },
    { name: "survives a wrap to zero", before: 0xffff_ffff, after: 0, growth: 1 },
    { name: "may exceed 31 bits", before: 1, after: 0xffff_fff0, growth: 0xffff_ffef },
  ];
  for (const { name, before, after, growth } of rows) {
    test(name, () => {
      for (const counter of ["processed", "dropped", "timeSqueeze", "receivedRps"] as const) {
        const delta = deltaOf(
          sampleOf({ 0: { [counter]: before } }),
          sampleOf({ 0: { [counter]: after } }, LATER),
        );
        assert.deepEqual([...delta[counter]!], [growth], counter);
      }
    });
  }

  const flowLimit = [
    { name: "survives a wrap", before: 0xffff_fff0, after: 0x10, growth: 32 },
    { name: "begins anew when the bitmap is written", before: 11438, after: 0, growth: 0 },
    { name: "counts what came since the bitmap was written", before: 11438, after: 40, growth: 40 },
  ];
  for (const { name, before, after, growth } of flowLimit) {
    test(`of the flow limit ${name}`, () => {
      const delta = deltaOf(
        sampleOf({ 0: { flowLimitCount: before } }),
        sampleOf({ 0: { flowLimitCount: after } }, LATER),
      );
      assert.deepEqual([...delta.flowLimitCount!], [growth]);
    });
  }
});

describe("a delta", () => {
  test("takes the backlog as it is at the later sample: a gauge", () => {
    const delta = deltaOf(sampleOf({ 0: { backlogLen: 900 } }), sampleOf({ 0: { backlogLen: 3 } }, LATER));
    assert.deepEqual([...delta.backlogLen!], [3]);
  });

  test("takes its time from the clock that never steps", () => {
    const delta = deltaOf(
      sampleOf({ 0: {} }, { takenAtMs: 100_000, monotonicMs: 1000 }),
      sampleOf({ 0: {} }, { takenAtMs: 40_000, monotonicMs: 3500 }),
    );
    assert.equal(delta.elapsedSeconds, 2.5);
    assert.equal(delta.takenAtMs, 40_000);
  });

  test("compares CPUs by their id when one went and one came", () => {
    const delta = deltaOf(
      sampleOf({ 0: { processed: 1 }, 1: { processed: 1000 }, 2: { processed: 20 } }),
      sampleOf({ 0: { processed: 2 }, 2: { processed: 25 }, 7: { processed: 9999 } }, LATER),
    );
    assert.deepEqual([...delta.cpus], [0, 2]);
    assert.deepEqual([...delta.processed], [1, 5]);
    assert.deepEqual(delta.appeared, [7]);
    assert.deepEqual(delta.left, [1]);
  });

  const widths = [
    { columns: 9, receivedRps: false, flowLimitCount: false, backlogLen: false },
    { columns: 10, receivedRps: true, flowLimitCount: false, backlogLen: false },
    { columns: 11, receivedRps: true, flowLimitCount: true, backlogLen: false },
    { columns: 12, receivedRps: true, flowLimitCount: true, backlogLen: false },
    { columns: 13, receivedRps: true, flowLimitCount: true, backlogLen: true },
    { columns: 18, receivedRps: true, flowLimitCount: true, backlogLen: true },
  ];
  for (const { columns, ...printed } of widths) {
    test(`of ${columns} columns has what these say, and no more`, () => {
      const delta = deltaOf(sampleOf({ 0: {} }, { columns }), sampleOf({ 0: {} }, { columns, ...LATER }));
      assert.deepEqual(
        {
          receivedRps: delta.receivedRps !== undefined,
          flowLimitCount: delta.flowLimitCount !== undefined,
          backlogLen: delta.backlogLen !== undefined,
        },
        printed,
      );
    });
  }

  const incomparable = [
    { name: "another boot", before: {}, after: { bootId: "boot-2", ...LATER }, kind: "rebooted" },
    {
      name: "an uptime that fell, without a boot id",
      before: { bootId: undefined },
      after: { bootId: undefined, monotonicMs: 10 },
      kind: "rebooted",
    },
    { name: "the same moment", before: {}, after: {}, kind: "no-time-passed" },
    {
      name: "an earlier moment of the same boot",
      before: {},
      after: { monotonicMs: 10 },
      kind: "no-time-passed",
    },
    { name: "another width", before: {}, after: { columns: 13, ...LATER }, kind: "columns-changed" },
  ];
  for (const { name, before, after, kind } of incomparable) {
    test(`is not made over ${name}`, () => {
      assert.equal(deltaBetween(sampleOf({ 0: {} }, before), sampleOf({ 0: {} }, after)).kind, kind);
    });
  }
});
