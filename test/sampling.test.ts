import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { HostError } from "../src/errors.ts";
import type { Host } from "../src/host/host.ts";
import { sampleMachine, type SamplingWorld, takeSnapshots } from "../src/sampling.ts";

const ROW = `${"00000001 ".repeat(12)}00000000\n`;

/** A clock that waiting moves; each wait comes back a little late, as timers do. */
function fakeWorld(
  onWait: (waits: number) => void = () => {},
): SamplingWorld & { readonly waitedMs: number[] } {
  let nowMs = 1000;
  const waitedMs: number[] = [];
  return {
    waitedMs,
    clock: { nowMs: () => 1_700_000_000_000 + nowMs, monotonicMs: () => nowMs },
    wait: (ms) => {
      waitedMs.push(ms);
      nowMs += ms + 5;
      onWait(waitedMs.length);
      return Promise.resolve();
    },
  };
}

/** A host whose counters read as the given texts, one after the other. */
function hostOfTexts(texts: readonly string[], read: string[] = []): Host {
  let reads = 0;
  return {
    read: (path) => {
      read.push(path);
      if (path !== "/proc/net/softnet_stat") return undefined;
      return new TextEncoder().encode(texts[Math.min(reads++, texts.length - 1)]);
    },
    list: () => [],
  };
}

describe("sampling a machine", () => {
  const forever = new AbortController().signal;

  test("reads once a second, and lateness does not add up", async () => {
    const world = fakeWorld();
    const passed: number[] = [];
    const readings = await sampleMachine(hostOfTexts([ROW]), 3, forever, world, (second) =>
      passed.push(second),
    );
    assert.deepEqual(
      readings.map(({ softnet }) => softnet.monotonicMs),
      [1000, 2005, 3005, 4005],
    );
    assert.deepEqual(world.waitedMs, [1000, 995, 995]);
    assert.deepEqual(passed, [0, 1, 2]);
  });

  test("reads interfaces and interrupts at the ends only", async () => {
    const read: string[] = [];
    await sampleMachine(hostOfTexts([ROW], read), 5, forever, fakeWorld(), () => {});
    const times = (path: string): number => read.filter((one) => one === path).length;
    assert.deepEqual(
      [times("/proc/softirqs"), times("/proc/net/snmp"), times("/proc/net/softnet_stat")],
      [2, 2, 6],
    );
  });

  test("leaves out a torn reading in the middle", async () => {
    const readings = await sampleMachine(hostOfTexts([ROW, "0000", ROW]), 3, forever, fakeWorld(), () => {});
    assert.equal(readings.length, 3);
  });

  test("says so when the first or the last reading is torn", async () => {
    for (const texts of [["0000"], [ROW, ROW, "0000"]]) {
      await assert.rejects(
        sampleMachine(hostOfTexts(texts), 2, forever, fakeWorld(), () => {}),
        HostError,
      );
    }
  });

  test("ends early when it is interrupted", async () => {
    const abort = new AbortController();
    const world = fakeWorld((waits) => {
      if (waits === 2) abort.abort("SIGINT");
    });
    const readings = await sampleMachine(hostOfTexts([ROW]), 3600, abort.signal, world, () => {});
    assert.equal(readings.length, 2);
  });
});

describe("taking the snapshots of a capture", () => {
  const forever = new AbortController().signal;

  test("is due from the first one, and lateness does not add up", async () => {
    const world = fakeWorld();
    const snapshots = await takeSnapshots(hostOfTexts([ROW]), [0, 2, 4, 5], forever, world, () => {});
    assert.deepEqual(world.waitedMs, [0, 1995, 1995, 995]);
    assert.deepEqual(
      snapshots!.map(({ monotonicMs }) => monotonicMs),
      [1005, 3005, 5005, 6005],
    );
  });

  test("reads what does not change once, and what matters from end to end twice", async () => {
    const read: string[] = [];
    await takeSnapshots(hostOfTexts([ROW], read), [0, 1, 2, 3], forever, fakeWorld(), () => {});
    const times = (path: string): number => read.filter((one) => one === path).length;
    assert.deepEqual(["/etc/os-release", "/proc/interrupts", "/proc/stat"].map(times), [1, 2, 4]);
  });

  test("takes no host without counters", async () => {
    await assert.rejects(
      takeSnapshots(hostOfTexts([""]), [0, 1], forever, fakeWorld(), () => {}),
      HostError,
    );
  });

  test("makes nothing of half a capture", async () => {
    const abort = new AbortController();
    const world = fakeWorld((waits) => {
      if (waits === 2) abort.abort("SIGINT");
    });
    const snapshots = await takeSnapshots(hostOfTexts([ROW]), [0, 1, 2, 3], abort.signal, world, () => {});
    assert.equal(snapshots, undefined);
  });
});
