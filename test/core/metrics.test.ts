import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { cpusToSend, seriesAtMost, withActivityOf } from "../../src/core/cpu-series.ts";
import { firesOftenEnough } from "../../src/core/cron.ts";
import { batchesOf, cpuEntries, hostEntries } from "../../src/core/metrics.ts";
import { pushDelaySeconds } from "../../src/core/push-delay.ts";
import { addToWindow, type ClosedWindow, closeWindow, openWindow } from "../../src/core/window.ts";
import { parse } from "node-cron";
import { deltaOf } from "./deltas.ts";

const MINUTE = Date.UTC(2026, 10, 22, 12, 0, 0);
const SETTINGS = { instanceId: "i-bp1", groupId: 0, hostSeries: "all" } as const;

function windowOf(...seconds: Parameters<typeof deltaOf>[0][]): ClosedWindow {
  return windowAt(MINUTE, ...seconds);
}

function windowAt(startMs: number, ...seconds: Parameters<typeof deltaOf>[0][]): ClosedWindow {
  const window = openWindow(startMs);
  for (const second of seconds) addToWindow(window, deltaOf(second));
  return closeWindow(window)!;
}

describe("host entries", () => {
  test("carry sorted dimensions, the period's start in milliseconds, and whole sums", () => {
    const window = windowOf({ dropped: { 0: 3 } }, { dropped: { 0: 1, 1: 1 } });

    const [dropped, squeezed, severity] = hostEntries(
      { period: "60", startMs: MINUTE },
      window.all,
      [0, 2],
      SETTINGS,
    );

    assert.deepEqual(dropped, {
      metricName: "softnet_dropped_per_second",
      groupId: "0",
      dimensions: '{"cpu":"all","instanceId":"i-bp1"}',
      type: "1",
      period: "60",
      time: String(MINUTE),
      values:
        '{"Average":2.5,"Maximum":3,"Minimum":2,"Sum":5,"SampleCount":2,"LastValue":2,"P50":2,"P90":3,"P99":3}',
    });
    assert.equal(JSON.parse(squeezed!.values).Sum, 0);
    assert.deepEqual([JSON.parse(severity!.values).Maximum, JSON.parse(severity!.values).Average], [2, 1]);
  });

  const settings = [
    {
      hostSeries: "all",
      names: ["softnet_dropped_per_second", "softnet_squeezed_per_second", "softnet_severity"],
    },
    { hostSeries: "severity", names: ["softnet_severity"] },
    { hostSeries: "none", names: [] },
  ] as const;
  for (const { hostSeries, names } of settings) {
    test(`with SOFTNET_HOST_SERIES=${hostSeries} are ${names.length}`, () => {
      const entries = hostEntries({ period: "60", startMs: MINUTE }, windowOf({}).all, [0], {
        ...SETTINGS,
        hostSeries,
      });
      assert.deepEqual(
        entries.map(({ metricName }) => metricName),
        names,
      );
    });
  }
});

describe("CPU entries", () => {
  test("skip a CPU that was offline all minute", () => {
    const entries = cpuEntries(windowOf({ dropped: { 1: 7 } }), [1, 2], SETTINGS);
    assert.deepEqual(
      entries.map(({ metricName, dimensions }) => [metricName, dimensions]),
      [
        ["softnet_dropped_per_second", '{"cpu":"1","instanceId":"i-bp1"}'],
        ["softnet_squeezed_per_second", '{"cpu":"1","instanceId":"i-bp1"}'],
      ],
    );
  });

  test("go twenty to a call, host series first", () => {
    const window = windowOf({
      dropped: Object.fromEntries(Array.from({ length: 12 }, (_, cpu) => [cpu, 1])),
    });
    const entries = [
      ...hostEntries({ period: "60", startMs: MINUTE }, window.all, [1], SETTINGS),
      ...cpuEntries(window, [...window.cpus.keys()], SETTINGS),
    ];

    const batches = batchesOf(entries);

    assert.deepEqual(
      batches.map(({ length }) => length),
      [20, 7],
    );
    assert.equal(batches[0]![0]!.dimensions, '{"cpu":"all","instanceId":"i-bp1"}');
  });
});

describe("a CPU's own series", () => {
  const begins = [
    { name: "at its first dropped packet", seconds: [{ dropped: { 5: 1 } }], active: ["5"] },
    {
      name: "at three squeezing samples in a minute",
      seconds: [{ timeSqueeze: { 5: 1 } }, { timeSqueeze: { 5: 1 } }, { timeSqueeze: { 5: 9 } }],
      active: ["5"],
    },
    { name: "not at two", seconds: [{ timeSqueeze: { 5: 80 } }, { timeSqueeze: { 5: 1 } }], active: [] },
    { name: "not for traffic alone", seconds: [{ processed: { 5: 100_000 } }], active: [] },
  ];
  for (const { name, seconds, active } of begins) {
    test(`begins ${name}`, () =>
      assert.deepEqual(Object.keys(withActivityOf({}, windowOf(...seconds))), active));
  }

  test("keeps its zeros for a day and is then forgotten", () => {
    const begun = withActivityOf({}, windowOf({ dropped: { 5: 1 } }));
    const hoursLater = (hours: number) => windowAt(MINUTE + hours * 3_600_000, { dropped: { 5: 0 } });

    assert.deepEqual(cpusToSend("active", withActivityOf(begun, hoursLater(23)), hoursLater(23), 16), [5]);
    assert.deepEqual(cpusToSend("active", withActivityOf(begun, hoursLater(24)), hoursLater(24), 16), []);
  });

  test("is not given up for a CPU that became active later", () => {
    let active = withActivityOf({}, windowOf({ dropped: { 9: 1 } }));
    active = withActivityOf(active, windowAt(MINUTE + 60_000, { dropped: { 3: 100, 9: 1 } }));
    assert.deepEqual(cpusToSend("active", active, windowOf({}), 1), [9]);
  });

  const costs = [
    { cpuSeries: "active", possible: 4, series: 11 },
    { cpuSeries: "active", possible: 64, series: 35 },
    { cpuSeries: "none", possible: 64, series: 3 },
  ] as const;
  for (const { cpuSeries, possible, series } of costs) {
    test(`costs at most ${series} series with ${cpuSeries} on ${possible} CPUs`, () =>
      assert.equal(seriesAtMost({ cpuSeries, cpuSeriesMax: 16, hostSeries: "all" }, possible), series));
  }
});

describe("the push schedule", () => {
  const rows = [
    { cron: "* * * * *", accepted: true },
    { cron: "*/5 * * * *", accepted: true },
    { cron: "7,22,37,52 * * * *", accepted: true },
    { cron: "30 */15 * * * *", accepted: true },
    { cron: "* * * * * *", accepted: false },
    { cron: "*/16 * * * *", accepted: false },
    { cron: "0,20,40 * * * *", accepted: false },
    { cron: "0 * * * *", accepted: false },
    { cron: "* 9-17 * * *", accepted: false },
    { cron: "* * * * 1-5", accepted: false },
    { cron: "* * L * *", accepted: false },
  ];
  for (const { cron, accepted } of rows) {
    test(`${accepted ? "accepts" : "refuses"} ${cron}`, () =>
      assert.equal(firesOftenEnough(parse(cron)), accepted));
  }

  test("waits the same time for the same instance, and spreads a fleet over 45 seconds", () => {
    const delays = Array.from({ length: 1000 }, (_, i) => pushDelaySeconds(`i-bp${i}abcdefgh`));
    assert.equal(pushDelaySeconds("i-bp7abcdefgh"), delays[7]);
    assert.equal(Math.min(...delays), 0);
    assert.equal(Math.max(...delays), 44);
    const perSecond = delays.reduce(
      (counts, delay) => counts.set(delay, (counts.get(delay) ?? 0) + 1),
      new Map(),
    );
    assert.ok(Math.max(...perSecond.values()) < 50, "no second takes more than twice its share");
  });
});
