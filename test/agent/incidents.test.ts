import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { deltaBetween } from "../../src/core/delta.ts";
import { observe } from "../../src/core/observation.ts";
import type { SoftnetSample } from "../../src/core/softnet-sample.ts";
import { verdictOf } from "../../src/core/verdict.ts";
import { parseCapture } from "../../src/host/capture.ts";
import type { Host } from "../../src/host/host.ts";
import { readHostSettings } from "../../src/host/settings.ts";
import { readSoftnetStat } from "../../src/host/softnet-stat.ts";
import { type Incident, IncidentRecorder } from "../../src/agent/incidents.ts";
import { Judge } from "../../src/agent/judge.ts";
import { readingsOfCapture } from "../../src/sampling.ts";

/** A machine of two CPUs with a backlog of 1000, CPU 1 of which drops as the test says. */
function worldOf() {
  const dir = mkdtempSync(join(tmpdir(), "softnet-incidents-"));
  let seconds = 0;
  let dropped = 0;
  const word = (value: number) => (value >>> 0).toString(16).padStart(8, "0");
  const files: Record<string, () => string> = {
    "/proc/net/softnet_stat": () =>
      [0, 1]
        .map((cpu) => {
          const words = [20_000 * seconds, cpu === 1 ? dropped : 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, cpu, 0, 0];
          return `${words.map(word).join(" ")}\n`;
        })
        .join(""),
    "/proc/sys/kernel/random/boot_id": () => "7d1f0c52-0000-4000-8000-000000000001\n",
    "/proc/sys/net/core/netdev_max_backlog": () => "1000\n",
    "/proc/stat": () =>
      [0, 1].map((cpu) => `cpu${cpu} 0 0 0 ${seconds * 70} 0 0 ${seconds * 30} 0 0 0\n`).join(""),
    "/sys/devices/system/cpu/possible": () => "0-1\n",
    "/sys/devices/system/cpu/online": () => "0-1\n",
  };
  const host: Host = {
    read: (path) => (files[path] ? new TextEncoder().encode(files[path]()) : undefined),
    list: () => [],
  };
  const clock = {
    nowMs: () => Date.UTC(2026, 10, 22, 12) + seconds * 1000,
    monotonicMs: () => 1_000_000 + seconds * 1000,
  };
  let shelved: readonly Incident[] = [];
  const recorder = new IncidentRecorder({
    host,
    clock,
    shelf: { read: () => shelved, write: (incidents) => (shelved = incidents) },
    dir,
  });
  const judge = new Judge(host);
  let before: SoftnetSample | undefined;
  return {
    dir,
    recorder,
    /** So many seconds, in each of which so much is dropped. */
    pass(count: number, dropsPerSecond: number) {
      for (let i = 0; i < count; i++) {
        seconds++;
        dropped += dropsPerSecond;
        const sample = readSoftnetStat(host, { takenAtMs: clock.nowMs(), monotonicMs: clock.monotonicMs() });
        const delta = before && deltaBetween(before, sample);
        before = sample;
        if (delta?.kind === "delta") recorder.note(delta, judge.judge(delta, sample).change);
      }
    },
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

describe("an incident", () => {
  test("is listed with a capture that gives the same verdict once more", () => {
    using world = worldOf();
    world.pass(60, 0);
    world.pass(20, 500);

    const raised = world.recorder.incidents().at(-1)!;
    assert.equal(raised.event, "softnet_warning");
    assert.equal(raised.code, "backlog-too-small");
    const { snapshots } = parseCapture(
      new TextEncoder().encode(world.recorder.readCapture(raised.capture!)),
      raised.capture!,
    );
    const observation = observe(readingsOfCapture(snapshots), readHostSettings(snapshots[0]));
    assert.ok("cpus" in observation);
    assert.deepEqual(
      verdictOf(observation).findings.map(({ code }) => code),
      ["backlog-too-small"],
    );
  });

  test("that is over is listed as recovered, newest first", () => {
    using world = worldOf();
    world.pass(20, 500);
    world.pass(400, 0);

    const events = world.recorder.incidents().map(({ event }) => event);
    assert.equal(events[0], "softnet_recovered");
    assert.equal(events.at(-1), "softnet_warning");
  });

  test("costs no reading and no file while nothing grows", () => {
    using world = worldOf();
    world.pass(600, 0);
    assert.deepEqual(world.recorder.incidents(), []);
    assert.deepEqual(readdirSync(world.dir), []);
  });

  test("keeps the newest twenty captures, and says of the others that they are gone", () => {
    using world = worldOf();
    for (let episode = 0; episode < 13; episode++) {
      world.pass(20, 500);
      world.pass(400, 0);
    }
    const incidents = world.recorder.incidents();
    assert.equal(readdirSync(world.dir).length, 20);
    assert.ok(incidents.length > 20);
    assert.deepEqual(
      incidents.flatMap(({ capture }) => capture ?? []).toSorted(),
      readdirSync(world.dir).toSorted(),
    );
  });

  test("gives out no file but its captures", () => {
    using world = worldOf();
    world.pass(60, 500);
    assert.equal(world.recorder.readCapture("../softnet.db"), undefined);
  });
});
