import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { deltaBetween } from "../../src/core/delta.ts";
import type { SoftnetSample } from "../../src/core/softnet-sample.ts";
import type { Host } from "../../src/host/host.ts";
import { readSoftnetStat } from "../../src/host/softnet-stat.ts";
import { Judge, type Judgement } from "../../src/agent/judge.ts";

const hex = (value: number): string => value.toString(16).padStart(8, "0");

/** A machine of one CPU that lives a second at a time. */
class Life {
  readonly files = new Map<string, string>();
  readonly read: string[] = [];
  readonly judge: Judge;
  #second = 0;
  #dropped = 0;
  #softirq = 0;
  #sample: SoftnetSample | undefined;

  constructor() {
    this.judge = new Judge(this.host);
    this.boot("first");
  }

  get host(): Host {
    return {
      read: (path) => {
        this.read.push(path);
        const text = this.files.get(path);
        return text === undefined ? undefined : new TextEncoder().encode(text);
      },
      list: (dir) => (dir === "/proc/sys/net/core" ? ["netdev_max_backlog"] : []),
    };
  }

  boot(id: string): void {
    [this.#second, this.#dropped, this.#softirq] = [0, 0, 0];
    this.files.set("/proc/sys/kernel/random/boot_id", id);
    this.files.set("/proc/sys/net/core/netdev_max_backlog", "1000\n");
    this.#sample = this.#pass({});
  }

  live(seconds: number, how: { dropped?: number; softirqPercent?: number } = {}): Judgement {
    let judgement: Judgement | undefined;
    for (let i = 0; i < seconds; i++) {
      const before = this.#sample!;
      const sample = this.#pass(how);
      const delta = deltaBetween(before, sample);
      assert.ok(delta.kind === "delta");
      judgement = this.judge.judge(delta, sample);
    }
    return judgement!;
  }

  #pass({ dropped = 0, softirqPercent = 0 }): SoftnetSample {
    this.#second++;
    this.#dropped += dropped;
    this.#softirq += softirqPercent;
    const zeros = `${hex(0)} `.repeat(9);
    this.files.set(
      "/proc/net/softnet_stat",
      `${hex(this.#second)} ${hex(this.#dropped)} ${zeros}${hex(0)} ${hex(0)}\n`,
    );
    const idle = this.#second * 100 - this.#softirq;
    this.files.set("/proc/stat", `cpu0 0 0 0 ${idle} 0 0 ${this.#softirq} 0\n`);
    const moment = { takenAtMs: 1_700_000_000_000 + this.#second * 1000, monotonicMs: this.#second * 1000 };
    this.#sample = readSoftnetStat(this.host, moment);
    return this.#sample;
  }
}

describe("a judge", () => {
  test("calls a calm host healthy and reads next to nothing", () => {
    const life = new Life();
    life.live(1);
    life.read.length = 0;
    const { severity, verdict, observation, change } = life.live(9);
    assert.deepEqual(
      [severity, verdict.findings, observation, change],
      ["healthy", [], undefined, undefined],
    );
    // The sample itself is two files; nothing else was read.
    assert.deepEqual([...new Set(life.read)].sort(), [
      "/proc/net/softnet_stat",
      "/proc/sys/kernel/random/boot_id",
    ]);
  });

  test("raises an overload within three seconds, with the evidence", () => {
    const life = new Life();
    life.live(30);
    const { severity, change } = life.live(3, { dropped: 500, softirqPercent: 99 });
    assert.equal(severity, "critical");
    assert.equal(change?.event, "softnet_critical");
    assert.equal(change.episode.verdict.findings[0]!.code, "cpu-bottleneck");
  });

  test("recovers after five minutes, and says what was wrong", () => {
    const life = new Life();
    life.live(30);
    life.live(5, { dropped: 500, softirqPercent: 30 });
    assert.equal(life.live(309).change, undefined);
    const { change, severity } = life.live(1);
    assert.equal(severity, "healthy");
    assert.equal(change?.event, "softnet_recovered");
    assert.equal(change.episode.verdict.findings[0]!.code, "backlog-too-small");
  });

  test("does not carry a verdict over a reboot", () => {
    const life = new Life();
    life.live(5, { dropped: 500 });
    life.boot("second");
    assert.equal(life.live(1).severity, "healthy");
  });

  test("judges on without the files that vanish", () => {
    const life = new Life();
    life.live(5);
    life.files.delete("/proc/stat");
    life.files.delete("/proc/sys/net/core/netdev_max_backlog");
    const { verdict } = life.live(5, { dropped: 500 });
    assert.equal(verdict.findings[0]!.code, "backlog-too-small");
  });
});
