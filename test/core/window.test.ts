import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  addToWindow,
  closeWindow,
  isOver,
  mergeTallies,
  openWindow,
  statisticsOf,
} from "../../src/core/window.ts";
import { deltaOf } from "./deltas.ts";

const MINUTE = Date.UTC(2026, 10, 22, 12, 0, 0);

describe("a window", () => {
  test("sums growth exactly and keeps the peak second in the maximum", () => {
    const window = openWindow(MINUTE + 400);
    for (const dropped of [0, 0, 7200, 0]) addToWindow(window, deltaOf({ dropped: { 0: dropped, 1: 1 } }));

    const closed = closeWindow(window)!;
    const host = statisticsOf(closed.all.dropped);

    assert.equal(closed.startMs, MINUTE);
    assert.equal(host.sum, 7204);
    assert.equal(host.maximum, 7201);
    assert.equal(host.average, 1801);
    assert.equal(host.sampleCount, 4);
    assert.equal(statisticsOf(closed.cpus.get(0)!.dropped).sum, 7200);
  });

  test("a late tick changes neither the sum nor the rate of what it covers", () => {
    const punctual = openWindow(MINUTE);
    for (let i = 0; i < 4; i++) addToWindow(punctual, deltaOf({ dropped: { 0: 50 } }));
    const late = openWindow(MINUTE);
    addToWindow(late, deltaOf({ dropped: { 0: 50 } }));
    addToWindow(late, deltaOf({ dropped: { 0: 150 }, elapsedSeconds: 3 }));

    const onTime = statisticsOf(closeWindow(punctual)!.all.dropped);
    const delayed = statisticsOf(closeWindow(late)!.all.dropped);

    assert.deepEqual({ ...delayed, sampleCount: 4 }, onTime);
  });

  test("a CPU that comes in mid-minute counts its own samples only", () => {
    const window = openWindow(MINUTE);
    addToWindow(window, deltaOf({ dropped: { 0: 0 } }));
    addToWindow(window, deltaOf({ dropped: { 0: 0, 3: 9 } }));

    const cpu3 = statisticsOf(closeWindow(window)!.cpus.get(3)!.dropped);

    assert.equal(cpu3.sampleCount, 1);
    assert.equal(cpu3.average, 9);
  });

  const moments = [
    { name: "in its minute", atMs: MINUTE + 59_999, over: false },
    { name: "at the next minute", atMs: MINUTE + 60_000, over: true },
    { name: "minutes later", atMs: MINUTE + 600_000, over: true },
    { name: "before it, when the clock was set back", atMs: MINUTE - 1, over: true },
  ];
  for (const { name, atMs, over } of moments) {
    test(`is ${over ? "over" : "open"} ${name}`, () => assert.equal(isOver(openWindow(MINUTE), atMs), over));
  }

  test("without a sample says nothing", () => assert.equal(closeWindow(openWindow(MINUTE)), undefined));
});

describe("statistics", () => {
  const tallyOf = (rates: number[]) => ({
    sum: rates.reduce((a, b) => a + b, 0),
    elapsedSeconds: rates.length,
    rates,
  });

  const percentiles = [
    { rates: [5], p50: 5, p90: 5, p99: 5 },
    { rates: [1, 2], p50: 1, p90: 2, p99: 2 },
    { rates: Array.from({ length: 60 }, (_, i) => i + 1), p50: 30, p90: 54, p99: 60 },
    { rates: Array.from({ length: 300 }, (_, i) => 300 - i), p50: 150, p90: 270, p99: 297 },
  ];
  for (const { rates, ...expected } of percentiles) {
    test(`take the nearest rank of ${rates.length} samples`, () => {
      const { p50, p90, p99 } = statisticsOf(tallyOf(rates));
      assert.deepEqual({ p50, p90, p99 }, expected);
    });
  }

  test("of two minutes together see every sample of both", () => {
    const quiet = { dropped: tallyOf([0, 0, 0]), squeezed: tallyOf([0, 0, 0]) };
    const burst = { dropped: tallyOf([0, 900]), squeezed: tallyOf([2, 0]) };

    const both = mergeTallies(quiet, burst);

    assert.equal(statisticsOf(both.dropped).sum, 900);
    assert.equal(statisticsOf(both.dropped).average, 180);
    assert.equal(statisticsOf(both.dropped).maximum, 900);
    assert.equal(statisticsOf(both.squeezed).sampleCount, 5);
  });
});
