import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { type CpuTicks, growthBetween, readCounters, sumOfTicks } from "./counters.ts";

/** A run under more of it does not count. */
export const MOST_FOREIGN_PERCENT = 20;

const QUIET_IDLE_PERCENT = 80;
const QUIET_SECONDS = 5;

/** The waiting that all scenarios of one test file share: a machine that never rests must not hold up the tests for long. */
let patienceSeconds = 120;

/** Waits until the machine was at least 80 % idle for five seconds. @returns whether that came to pass. */
export async function becomesQuiet(): Promise<boolean> {
  const readings = [readCounters()];
  for (;;) {
    await sleep(1000);
    readings.push(readCounters());
    if (readings.length > QUIET_SECONDS) {
      const before = readings.shift()!;
      if (idlePercent(growthBetween(before, readings.at(-1)!)) >= QUIET_IDLE_PERCENT) return true;
      if (--patienceSeconds <= 0) return false;
    }
  }
}

function idlePercent(growth: readonly { readonly ticks: CpuTicks }[]): number {
  let idle = 0;
  let all = 0;
  for (const { ticks } of growth) {
    idle += ticks.idle;
    all += sumOfTicks(ticks);
  }
  return (100 * idle) / Math.max(1, all);
}

/** CPU time that is not the scenario's, from when this was made until it is asked. */
export class ForeignLoad {
  readonly #ticksAtStart = ticksOfOthers();
  readonly #stealAtStart = stealTicks();
  readonly #startedAt = performance.now();

  /** As a share of all CPUs' time. */
  percent(): number {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const ticks = ticksOfOthers() - this.#ticksAtStart + stealTicks() - this.#stealAtStart;
    return (100 * ticks) / TICKS_PER_SECOND / seconds / readCounters().length;
  }
}

/** USER_HZ, in which `/proc` counts CPU time on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/**
 * What all processes but this one and its descendants have used so far, their ended children included. `ksoftirqd` works for
 * the scenario; so does what other processes' time holds of interrupting softirqs, which therefore counts too high, if at all.
 */
function ticksOfOthers(): number {
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => readProcess(Number(pid)) ?? []);
  const ours = new Set([process.pid]);
  // Ascending by pid is not by age, so repeat until no further descendant is found.
  for (let known = 0; known < ours.size;) {
    known = ours.size;
    for (const { pid, parent } of processes) if (ours.has(parent)) ours.add(pid);
  }
  return processes
    .filter(({ pid, name }) => !ours.has(pid) && !name.startsWith("ksoftirqd/"))
    .reduce((sum, { ticks }) => sum + ticks, 0);
}

function readProcess(
  pid: number,
):
  | { readonly pid: number; readonly name: string; readonly parent: number; readonly ticks: number }
  | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined; // It ended between the listing and now.
  }
  // The name, in parentheses, may itself hold anything.
  const name = text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"));
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid, name, parent: Number(fields[1]), ticks };
}

function stealTicks(): number {
  return readCounters().reduce((sum, { ticks }) => sum + ticks.steal, 0);
}
