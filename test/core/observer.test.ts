import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { CpuTime } from "../../src/core/cpu-time.ts";
import { addStep, newObserver, type Observer, type Wanted, wantedBy } from "../../src/core/observer.ts";
import { type Verdict, verdictOf } from "../../src/core/verdict.ts";
import { advance, type Course, newCourse, type VerdictChange } from "../../src/core/verdict-over-time.ts";
import { deltaOf } from "./deltas.ts";
import { eth0, readingAt, settingsOfTwoCpus } from "./readings.ts";

const HEALTHY: Verdict = {
  severity: "healthy",
  findings: [],
  losesPackets: false,
  cannotHelp: [],
  elsewhere: [],
};

/** One second of a host of two CPUs, of which the second one receives. */
interface Second {
  readonly dropped?: number;
  readonly squeezed?: number;
  readonly softirqPercent?: number;
}

/** A host that an observer watches: it keeps the totals and notes what is asked. */
class WatchedHost {
  readonly observer: Observer = newObserver();
  readonly wanted: Wanted[] = [];
  seconds = 0;
  dropped = 0;
  softirqTicks = 0;

  pass({ dropped = 0, squeezed = 0, softirqPercent = 5 }: Second): Verdict {
    this.seconds++;
    this.dropped += dropped;
    this.softirqTicks += softirqPercent;
    const delta = deltaOf({
      processed: { 0: 0, 1: 20_000 },
      dropped: { 1: dropped },
      timeSqueeze: { 1: squeezed },
    });
    const wanted = wantedBy(this.observer, delta);
    this.wanted.push(wanted);
    const observation = addStep(this.observer, delta, {
      cpuTime: wanted.cpuTime ? this.#cpuTime() : undefined,
      reading: wanted.reading
        ? readingAt(
            this.seconds,
            { 0: {}, 1: { dropped: this.dropped } },
            {
              interfaces: [
                {
                  name: "eth0",
                  rxPackets: this.seconds * 20_000,
                  rxDropped: this.dropped,
                  rxMissedErrors: 0,
                },
              ],
            },
          )
        : undefined,
      settings: wanted.settings ? { ...settingsOfTwoCpus, interfaces: [eth0] } : undefined,
    });
    return observation ? verdictOf(observation) : HEALTHY;
  }

  passMany(seconds: number, second: Second): Verdict {
    let verdict = HEALTHY;
    for (let i = 0; i < seconds; i++) verdict = this.pass(second);
    return verdict;
  }

  asked(kind: keyof Wanted): number {
    return this.wanted.filter((wanted) => wanted[kind]).length;
  }

  #cpuTime(): CpuTime {
    const total = this.seconds * 100;
    return {
      cpus: Uint32Array.of(0, 1),
      softirq: Float64Array.of(0, this.softirqTicks),
      steal: Float64Array.of(0, 0),
      idle: Float64Array.of(total, total - this.softirqTicks),
      total: Float64Array.of(total, total),
    };
  }
}

describe("an observer", () => {
  test("asks for little while nothing grows", () => {
    const host = new WatchedHost();
    host.passMany(600, {});
    assert.equal(host.asked("settings"), 0);
    assert.equal(host.asked("reading"), 10);
    assert.equal(host.asked("cpuTime"), 60);
  });

  test("asks for CPU time each second, and for the rest at times, while something grows", () => {
    const host = new WatchedHost();
    host.passMany(60, {});
    host.wanted.length = 0;
    host.passMany(20, { dropped: 10 });
    assert.equal(host.asked("cpuTime"), 20);
    assert.equal(host.asked("settings"), 2);
    assert.equal(host.asked("reading"), 2);
  });

  test("knows an overload from a burst in its second second", () => {
    const host = new WatchedHost();
    host.passMany(95, {});
    assert.equal(host.pass({ dropped: 2000, softirqPercent: 99 }).findings[0]!.code, "backlog-too-small");
    const [first, second] = host.pass({ dropped: 2000, softirqPercent: 99 }).findings;
    assert.equal(first!.code, "cpu-bottleneck");
    assert.equal(second!.code, "steering-narrow");
  });

  test("names the interface from its first second on", () => {
    const host = new WatchedHost();
    host.passMany(95, {});
    assert.match(host.pass({ dropped: 2000 }).findings[0]!.summary.en, /on eth0:/);
  });

  test("forgets a loss after ten seconds", () => {
    const host = new WatchedHost();
    host.passMany(20, {});
    host.pass({ dropped: 5 });
    assert.equal(host.passMany(9, {}).severity, "warning");
    assert.equal(host.pass({}).severity, "healthy");
  });

  test("counts a sample that came late for its whole time", () => {
    const observer = newObserver();
    const late = deltaOf({ dropped: { 1: 5 }, elapsedSeconds: 30 });
    addStep(observer, late, { cpuTime: undefined, reading: undefined, settings: settingsOfTwoCpus });
    const next = deltaOf({ dropped: { 1: 0 } });
    const none = { cpuTime: undefined, reading: undefined, settings: undefined };
    assert.equal(addStep(observer, next, none)?.sampledSeconds, 31);
  });
});

describe("a day", () => {
  const SECONDS = 86_400;

  /** Traffic of day and night, with squeezes now and then, as a busy host has them; the same each time. */
  function healthySecond(second: number): Second {
    const busy = 30 + 25 * Math.sin((second / SECONDS) * 2 * Math.PI);
    const squeezed = second % 17 === 0 ? 3 : second % 1801 === 0 ? 40 : 0;
    return { softirqPercent: Math.round(busy), squeezed };
  }

  function changesOfDay(secondOf: (second: number) => Second): readonly VerdictChange[] {
    const host = new WatchedHost();
    let course: Course = newCourse(0);
    const changes: VerdictChange[] = [];
    for (let second = 1; second <= SECONDS; second++) {
      const verdict = host.pass(secondOf(second));
      const next = advance(course, second * 1000, verdict);
      course = next.course;
      if (next.change) changes.push(next.change);
    }
    return changes;
  }

  test("of healthy traffic with occasional squeezes raises nothing", () => {
    assert.deepEqual(changesOfDay(healthySecond), []);
  });

  test("with one real minute of drops raises exactly one episode", () => {
    const noon = SECONDS / 2;
    const changes = changesOfDay((second) =>
      second > noon && second <= noon + 60
        ? { dropped: 2000, squeezed: 60, softirqPercent: 99 }
        : healthySecond(second),
    );
    assert.deepEqual(
      changes.map(({ event, from }) => [event, from]),
      [
        ["softnet_critical", "healthy"],
        ["softnet_recovered", "critical"],
      ],
    );
    const [raised, recovered] = changes;
    assert.ok(raised!.atMs <= (noon + 3) * 1000);
    assert.equal(raised!.episode.verdict.findings[0]!.code, "cpu-bottleneck");
    // Sixty seconds of drops, ten until they have left the window, five minutes of calm.
    assert.equal(recovered!.atMs, (noon + 60 + 10 + 300) * 1000);
  });
});
