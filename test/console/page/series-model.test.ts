import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { SeriesModel } from "../../../src/console/page/series-model.js";
import type { HistoryDocument, LiveDocument } from "../../../src/console/wire.ts";

const START = Date.UTC(2026, 10, 22, 12, 0, 0);

function historyOf(history: Partial<HistoryDocument> = {}): HistoryDocument {
  return {
    schemaVersion: 1,
    fromMs: START,
    toMs: START,
    stepMs: 0,
    timesMs: [START],
    host: { dropped: [0], squeezed: [0] },
    cpus: [],
    peaks: { cpu: [], dropped: [], squeezed: [] },
    droppedSum: 0,
    squeezedSum: 0,
    ...history,
  };
}

/** A second in which CPUs dropped as many as named, of four. */
function secondOf(takenAtMs: number, droppedOf: Readonly<Record<number, number>> = {}): LiveDocument {
  const cpu = [0, 1, 2, 3];
  const dropped = cpu.map((each) => droppedOf[each] ?? 0);
  const zeros = cpu.map(() => 0);
  return {
    takenAtMs,
    elapsedSeconds: 1,
    host: { processed: 400, dropped: dropped.reduce((sum, each) => sum + each, 0), squeezed: 0 },
    cpus: { cpu, processed: cpu.map(() => 100), dropped, squeezed: zeros },
  };
}

describe("the page's series", () => {
  test("grow by a point a second, and a CPU that begins to drop was quiet before", () => {
    const model = new SeriesModel(historyOf(), 1);
    model.append(secondOf(START + 1000));
    model.append(secondOf(START + 2000, { 2: 40 }));
    assert.deepEqual(model.timesMs, [START, START + 1000, START + 2000]);
    assert.deepEqual(model.host.dropped, [0, 0, 40]);
    assert.deepEqual([...model.lines.keys()], [2]);
    assert.deepEqual(model.lines.get(2)?.dropped, [0, 0, 40]);
    assert.deepEqual(model.lines.get(2)?.processed, [null, null, 100]);
    assert.equal(model.droppedSum, 40);
    assert.deepEqual(model.peakOf("dropped"), { value: 40, atMs: START + 2000 });
  });

  test("do not take a second twice", () => {
    const model = new SeriesModel(historyOf(), 1);
    model.append(secondOf(START + 1000, { 0: 5 }));
    model.append(secondOf(START + 1000, { 0: 5 }));
    model.append(secondOf(START, { 0: 5 }));
    assert.equal(model.timesMs.length, 2);
    assert.equal(model.droppedSum, 5);
  });

  test("keep the largest second of a wider point", () => {
    const model = new SeriesModel(historyOf({ stepMs: 60_000 }), 1);
    for (const [second, dropped] of [3, 90, 7].entries()) {
      model.append(secondOf(START + second * 1000, { 1: dropped }));
    }
    model.append(secondOf(START + 60_000));
    assert.deepEqual(model.timesMs, [START, START + 60_000]);
    assert.deepEqual(model.host.dropped, [90, 0]);
    assert.deepEqual(model.lines.get(1)?.dropped, [90, 0]);
  });

  test("show a gap where no second came", () => {
    const model = new SeriesModel(historyOf(), 1);
    model.append(secondOf(START + 30_000));
    assert.deepEqual(model.host.dropped, [0, null, 0]);
  });

  test("take in what a broken stream missed, once", () => {
    const model = new SeriesModel(historyOf(), 1);
    const missed = historyOf({
      timesMs: [START + 1000, START + 2000],
      host: { dropped: [9, 0], squeezed: [0, 1], processed: [1, 2], backlog: [0, 0] },
      cpus: [{ cpu: 3, dropped: [9, 0], squeezed: [0, 1], processed: [1, 2], backlog: [0, 0] }],
      droppedSum: 9,
      squeezedSum: 1,
    });
    model.appendMissed(missed);
    assert.deepEqual(model.host.dropped, [0, 9, 0]);
    assert.deepEqual(model.lines.get(3)?.dropped, [0, 9, 0]);
    assert.equal(model.droppedSum, 9);
    assert.deepEqual(model.peaks.get(3), { cpu: 3, dropped: 9, squeezed: 1 });
  });

  test("forget what has left the range", () => {
    const model = new SeriesModel(historyOf(), 1);
    for (let second = 1; second <= 5; second++) model.append(secondOf(START + second * 1000, { 0: second }));
    model.trim(START + 4000);
    assert.deepEqual(model.host.dropped, [4, 5]);
    assert.deepEqual(model.lines.get(0)?.dropped, [4, 5]);
    model.trim(START + 60_000);
    assert.deepEqual(model.timesMs, []);
  });

  test("draw those asked for, then the worst, and not what is hardly to be seen beside them", () => {
    const peaks = { cpu: [4, 5, 6, 7], dropped: [0, 1, 30, 20], squeezed: [500, 2, 0, 90] };
    const cpus = peaks.cpu.map((cpu) => ({ cpu, dropped: [0], squeezed: [0] }));
    const model = new SeriesModel(historyOf({ cpus, peaks }), 1);
    assert.deepEqual(model.worst("dropped", 2, new Set()), [6, 7]);
    assert.deepEqual(model.worst("dropped", 9, new Set([5])), [5, 6, 7]);
    assert.deepEqual(model.worst("squeezed", 9, new Set()), [4, 7]);
  });

  test("of a month have no line of a CPU", () => {
    const model = new SeriesModel(historyOf({ stepMs: 3_600_000 }), 1, true);
    model.append(secondOf(START + 1000, { 1: 5 }));
    assert.equal(model.lines.size, 0);
    assert.deepEqual(model.peaks.get(1), { cpu: 1, dropped: 5, squeezed: 0 });
  });
});
