import assert from "node:assert/strict";
import { mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { Store } from "../../src/store/store.ts";
import { minuteOf } from "./windows.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START = Date.UTC(2026, 10, 22, 12, 0, 0);

function emptyStore() {
  const dir = mkdtempDisposableSync(join(tmpdir(), "softnet-history-"));
  const store = new Store({ dir: dir.path, limitMb: 64, notice: assert.fail });
  return {
    history: store.history,
    [Symbol.dispose]() {
      store[Symbol.dispose]();
      dir.remove();
    },
  };
}

const MONTH_MS = 30 * 24 * HOUR_MS;
const EVERYTHING = { fromMs: START - MONTH_MS, toMs: START + MONTH_MS, maxPoints: 1e6, worst: 8, also: [] };

describe("history", () => {
  test("keeps the sums exactly and the maxima of a minute", () => {
    using store = emptyStore();
    const { history } = store;
    history.add(minuteOf(START, { dropped: { 0: 3, 1: 4_000_000_000 }, timeSqueeze: { 1: 2 } }), 2);
    assert.deepEqual(
      history.hostMinutes(START, START).map((row) => ({ ...row })),
      [
        {
          startMs: START,
          elapsedSeconds: 1,
          sampleCount: 1,
          droppedSum: 4_000_000_003,
          droppedMaximum: 4_000_000_003,
          squeezedSum: 2,
          squeezedMaximum: 2,
          severity: 2,
        },
      ],
    );
  });

  test("adds up a minute that was closed twice", () => {
    using store = emptyStore();
    const { history } = store;
    history.add(minuteOf(START, { dropped: { 0: 3 } }), 2);
    history.add(minuteOf(START, { dropped: { 0: 1, 1: 7 } }), 0);
    const [row] = history.hostMinutes(START, START);
    assert.deepEqual([row?.droppedSum, row?.droppedMaximum, row?.sampleCount, row?.severity], [11, 8, 2, 2]);
    assert.deepEqual(history.read(EVERYTHING).peaks, [
      { cpu: 1, dropped: 7, squeezed: 0 },
      { cpu: 0, dropped: 3, squeezed: 0 },
    ]);
  });

  test("keeps CPUs for 24 hours and the host for 30 days", () => {
    using store = emptyStore();
    const { history } = store;
    const ages = [31 * 24, 29 * 24, 25, 23, 0];
    for (const hours of ages) history.add(minuteOf(START - hours * HOUR_MS, { dropped: { [hours]: 1 } }), 0);
    assert.deepEqual(
      history.hostMinutes(0, START).map(({ startMs }) => (START - startMs) / HOUR_MS),
      [29 * 24, 25, 23, 0],
    );
    assert.deepEqual(
      history
        .read(EVERYTHING)
        .peaks.map(({ cpu }) => cpu)
        .toSorted((a, b) => a - b),
      [0, 23],
    );
  });

  test("a burst of one minute stands in a graph of 30 days", () => {
    using store = emptyStore();
    const { history } = store;
    const burst = 17 * 24 * 60 + 13;
    for (let minute = 0; minute < 30 * 24 * 60; minute += minute === burst - 1 ? 1 : 7) {
      history.add(minuteOf(START + minute * MINUTE_MS, minute === burst ? { dropped: { 3: 999 } } : {}), 0);
    }
    const toMs = START + 30 * 24 * HOUR_MS;
    const series = history.read({ fromMs: START, toMs, maxPoints: 720, worst: 0, also: [] });
    assert.ok(series.timesMs.length <= 722, `${series.timesMs.length} points`);
    assert.equal(Math.max(...series.host.dropped.filter((value) => value > 0)), 999);
    assert.equal(series.droppedSum, 999);
    assert.equal(series.stepMs, HOUR_MS);
  });

  test("a minute without a row of a CPU was a quiet one, and a minute without the host is a gap", () => {
    using store = emptyStore();
    const { history } = store;
    history.add(minuteOf(START), 0);
    history.add(minuteOf(START + MINUTE_MS, { timeSqueeze: { 1: 5 } }), 0);
    history.add(minuteOf(START + 9 * MINUTE_MS, { timeSqueeze: { 1: 6 } }), 0);
    const series = history.read(EVERYTHING);
    assert.deepEqual(
      [...series.timesMs],
      [0, 1, 5, 9].map((minute) => START + minute * MINUTE_MS),
    );
    assert.deepEqual([...series.cpus[0]!.squeezed], [0, 5, Number.NaN, 6]);
    assert.deepEqual([...series.host.dropped], [0, 0, Number.NaN, 0]);
  });

  test("draws the worst CPUs and those asked for, and names the peak of every one", () => {
    using store = emptyStore();
    const { history } = store;
    const dropped = Object.fromEntries(Array.from({ length: 256 }, (_, cpu) => [cpu, cpu === 97 ? 5000 : 1]));
    history.add(minuteOf(START, { dropped, timeSqueeze: { 200: 50 } }), 2);
    const series = history.read({ ...EVERYTHING, worst: 1, also: [7, 300] });
    assert.deepEqual(
      series.cpus.map(({ cpu }) => cpu),
      [7, 97, 200],
      "a CPU that never did anything has no line",
    );
    assert.equal(series.peaks.length, 256);
    assert.deepEqual(series.peaks[0], { cpu: 97, dropped: 5000, squeezed: 0 });
  });
});
