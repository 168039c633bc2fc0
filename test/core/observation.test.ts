import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type Observation, observe, type Reading } from "../../src/core/observation.ts";
import { eth0, readingAt, settingsOfTwoCpus } from "./readings.ts";

function observed(readings: readonly Reading[], settings = settingsOfTwoCpus): Observation {
  const observation = observe(readings, settings);
  assert.equal(observation.kind, "observation");
  return observation;
}

describe("an observation", () => {
  test("has mean rates and the peak of one sample", () => {
    const { all, cpus, sampledSeconds, samples } = observed([
      readingAt(0, { 0: { processed: 100 }, 1: {} }),
      readingAt(1, { 0: { processed: 200, dropped: 30 }, 1: { squeezed: 2 } }),
      readingAt(4, { 0: { processed: 500, dropped: 40 }, 1: { squeezed: 2, backlog: 7 } }),
    ]);
    assert.deepEqual([sampledSeconds, samples], [4, 2]);
    assert.equal(all.processedPerSecond, 100);
    assert.equal(all.droppedPerSecond, 10);
    assert.equal(all.squeezedPerSecond, 0.5);
    assert.equal(all.backlog, 7);
    assert.equal(all.flowLimitPerSecond, 0);
    assert.equal(cpus[0]!.droppedPerSecond, 10);
    assert.equal(cpus[0]!.largestDropOfOneSample, 30);
    assert.deepEqual([cpus[0]!.droppingSamples, cpus[0]!.droppingSeconds], [2, 4]);
    assert.deepEqual([cpus[1]!.droppingSamples, cpus[1]!.squeezedPerSecond], [0, 0.5]);
  });

  test("counts a wrapped counter on", () => {
    const { all } = observed([
      readingAt(0, { 0: { processed: 0xffff_fff0 } }),
      readingAt(1, { 0: { processed: 0x10 } }),
    ]);
    assert.equal(all.processedPerSecond, 32);
  });

  test("has a CPU's load over all samples, and over those in which it dropped", () => {
    const { cpus } = observed([
      readingAt(0, { 0: {} }),
      readingAt(1, { 0: { softirq: 10, total: 100 } }),
      readingAt(2, { 0: { softirq: 105, steal: 5, total: 200, dropped: 50 } }),
      readingAt(3, { 0: { softirq: 110, steal: 5, total: 300, dropped: 50 } }),
      readingAt(4, { 0: { softirq: 120, steal: 8, total: 400, dropped: 50 } }),
    ]);
    assert.deepEqual(cpus[0]!.load, { softirqPercent: 30, stealPercent: 2, idlePercent: 68 });
    assert.deepEqual(cpus[0]!.loadWhileDropping, { softirqPercent: 95, stealPercent: 5, idlePercent: 0 });
  });

  test("has no load without /proc/stat", () => {
    const without = { cpuTime: undefined };
    const { cpus } = observed([
      readingAt(0, { 0: {} }, without),
      readingAt(1, { 0: { dropped: 1 } }, without),
    ]);
    assert.deepEqual([cpus[0]!.load, cpus[0]!.loadWhileDropping], [undefined, undefined]);
  });

  test("tells what the host lost at last", () => {
    const dropped = [0, 5, 5, 5, 5, 25, 65];
    const { all, allOfLastThird } = observed(
      dropped.map((count, second) => readingAt(second, { 0: { dropped: count }, 1: {} })),
    );
    assert.equal(Math.round(all.droppedPerSecond * 6), 65);
    assert.equal(allOfLastThird.droppedPerSecond, 30);
  });

  test("follows the queue through its thirds", () => {
    const lengths = [0, 10, 20, 1500, 900, 1200, 1001];
    const { cpus } = observed(lengths.map((backlog, second) => readingAt(second, { 0: { backlog } })));
    assert.deepEqual(cpus[0]!.backlogs, {
      maximum: 1500,
      maximumOfFirstThird: 20,
      maximumOfLastThird: 1200,
      shareAboveLimit: 3 / 6,
      samples: 6,
    });
  });

  for (const [limit, share] of [
    [-1, 0],
    [undefined, 0],
    [1000, 1],
  ] as const) {
    test(`a queue of 1500 is above a limit of ${limit} in ${share * 100} % of the samples`, () => {
      const sysctls = { ...settingsOfTwoCpus.sysctls, netdevMaxBacklog: limit };
      const { cpus } = observed([readingAt(0, { 0: {} }), readingAt(1, { 0: { backlog: 1500 } })], {
        ...settingsOfTwoCpus,
        sysctls,
      });
      assert.equal(cpus[0]!.backlogs!.shareAboveLimit, share);
    });
  }

  test("has a CPU that came late with the rates of its own seconds", () => {
    const { cpus } = observed([
      readingAt(0, { 0: {} }),
      readingAt(1, { 0: {}, 1: { processed: 1000 } }),
      readingAt(2, { 0: {}, 1: { processed: 1500 } }),
    ]);
    assert.deepEqual(
      cpus.map(({ cpu, processedPerSecond }) => [cpu, processedPerSecond]),
      [
        [0, 0],
        [1, 500],
      ],
    );
  });

  test("does not forget the drops of a CPU that went offline", () => {
    const { cpus } = observed([
      readingAt(0, { 0: {}, 1: {} }),
      readingAt(1, { 0: {}, 1: { dropped: 5 } }),
      readingAt(2, { 0: {} }),
    ]);
    assert.equal(cpus[1]!.droppedPerSecond, 5);
  });

  test("begins anew at a reboot", () => {
    const { all, samples } = observed([
      readingAt(500, { 0: { dropped: 900 } }),
      readingAt(501, { 0: { dropped: 1900 } }),
      readingAt(10, { 0: { dropped: 3 } }, { bootId: "next" }),
      readingAt(11, { 0: { dropped: 5 } }, { bootId: "next" }),
    ]);
    assert.deepEqual([all.droppedPerSecond, samples], [2, 1]);
  });

  const impossible: readonly { why: string; readings: readonly Reading[] }[] = [
    { why: "too-few-readings", readings: [] },
    { why: "too-few-readings", readings: [readingAt(0, { 0: {} })] },
    { why: "no-time-passed", readings: [readingAt(5, { 0: {} }), readingAt(5, { 0: {} })] },
    {
      why: "rebooted",
      readings: [
        readingAt(5, { 0: {} }),
        readingAt(6, { 0: {} }),
        readingAt(1, { 0: {} }, { bootId: "next" }),
      ],
    },
  ];
  for (const { why, readings } of impossible) {
    test(`of ${readings.length} readings says ${why}`, () => {
      assert.equal(observe(readings, settingsOfTwoCpus).kind, why);
    });
  }
});

describe("an interface", () => {
  const settings = { ...settingsOfTwoCpus, interfaces: [eth0] };
  const counters = (rxPackets: number, rxDropped: number | undefined, rxMissedErrors = 0) => ({
    interfaces: [{ name: "eth0", rxPackets, rxDropped, rxMissedErrors }],
  });

  test("has its share of what softnet dropped", () => {
    const { interfaces } = observed(
      [
        readingAt(0, { 0: {} }, counters(1000, 50)),
        readingAt(1, { 0: { dropped: 10 } }, { interfaces: undefined }),
        readingAt(2, { 0: { dropped: 40 } }, counters(1500, 80, 4)),
      ],
      settings,
    );
    const [seen] = interfaces;
    assert.equal(seen!.rxPacketsPerSecond, 250);
    assert.equal(seen!.rxDroppedPerSecond, 15);
    assert.equal(seen!.rxMissedPerSecond, 2);
    assert.equal(seen!.shareOfDropped, 0.75);
  });

  test("has no share of nothing", () => {
    const { interfaces } = observed(
      [readingAt(0, { 0: {} }, counters(0, 0)), readingAt(1, { 0: {} }, counters(10, 10))],
      settings,
    );
    assert.equal(interfaces[0]!.shareOfDropped, undefined);
    assert.equal(interfaces[0]!.rxDroppedPerSecond, 10);
  });

  test("whose counters are absent, or began anew, has no rates", () => {
    const readings = [
      readingAt(0, { 0: {} }, counters(1000, undefined)),
      readingAt(1, { 0: { dropped: 1 } }, counters(10, undefined)),
    ];
    const [seen] = observed(readings, settings).interfaces;
    assert.equal(seen!.rxPacketsPerSecond, undefined);
    assert.equal(seen!.rxDroppedPerSecond, undefined);
    assert.equal(seen!.shareOfDropped, undefined);
  });

  const interrupts = (input: readonly [number, number], output: number) => ({
    interrupts: new Map([
      [41, new Map(input.map((count, cpu) => [cpu, count]))],
      [42, new Map([[1, output]])],
    ]),
  });

  test("is received where its receive interrupts went", () => {
    const { interfaces } = observed(
      [readingAt(0, { 0: {} }, interrupts([10, 10], 0)), readingAt(1, { 0: {} }, interrupts([20, 10], 500))],
      settings,
    );
    assert.deepEqual(interfaces[0]!.receivingCpus, [0]);
  });

  test("without an interrupt is received where they may go", () => {
    const { interfaces } = observed([readingAt(0, { 0: {} }), readingAt(1, { 0: {} })], settings);
    assert.deepEqual(interfaces[0]!.receivingCpus, [0, 1]);
  });
});

test("losses elsewhere are growth, the fastest first, and nothing that stood still", () => {
  const { elsewhere } = observed([
    readingAt(0, { 0: {} }, { elsewhere: { UdpRcvbufErrors: 100, TcpExtListenDrops: 5, conntrack_drop: 7 } }),
    readingAt(
      2,
      { 0: {} },
      {
        elsewhere: {
          UdpRcvbufErrors: 102,
          TcpExtListenDrops: 25,
          conntrack_drop: 7,
          TcpExtListenOverflows: 9,
        },
      },
    ),
  ]);
  assert.deepEqual(elsewhere, [
    { counter: "TcpExtListenDrops", interface: undefined, perSecond: 10 },
    { counter: "UdpRcvbufErrors", interface: undefined, perSecond: 1 },
  ]);
});

test("NET_RX counts on through a wrap", () => {
  const { cpus } = observed([
    readingAt(0, { 0: {}, 1: {} }, { netRx: new Map([[0, 0xffff_fffe]]) }),
    readingAt(
      2,
      { 0: {}, 1: {} },
      {
        netRx: new Map([
          [0, 2],
          [1, 50],
        ]),
      },
    ),
  ]);
  assert.deepEqual(
    cpus.map(({ netRxPerSecond }) => netRxPerSecond),
    [2, 0],
  );
});
