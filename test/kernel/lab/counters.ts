import { readFileSync } from "node:fs";

/**
 * The tests' own reading of the kernel's counters. It shares no code with the product's, which it is there to check.
 */
export interface CpuCounters {
  readonly cpu: number;
  readonly processed: number;
  readonly dropped: number;
  readonly squeezed: number;
  readonly receivedRps: number;
  readonly flowLimit: number;
  /** Packets waiting: a gauge. */
  readonly backlog: number;
  /** Time since boot by `/proc/stat`, in ticks of 10 ms. */
  readonly ticks: CpuTicks;
}

export interface CpuTicks {
  readonly user: number;
  readonly system: number;
  readonly idle: number;
  readonly irq: number;
  readonly softirq: number;
  readonly steal: number;
}

export function readCounters(): readonly CpuCounters[] {
  const ticks = readTicks();
  return readFileSync("/proc/net/softnet_stat", "utf8")
    .trimEnd()
    .split("\n")
    .map((line, row) => {
      const words = line.split(/\s+/).map((word) => Number.parseInt(word, 16));
      const cpu = words[12] ?? row;
      return {
        cpu,
        processed: words[0]!,
        dropped: words[1]!,
        squeezed: words[2]!,
        receivedRps: words[9] ?? 0,
        flowLimit: words[10] ?? 0,
        backlog: words[11] ?? 0,
        ticks: ticks.get(cpu)!,
      };
    });
}

function readTicks(): ReadonlyMap<number, CpuTicks> {
  const ticks = new Map<number, CpuTicks>();
  for (const line of readFileSync("/proc/stat", "utf8").split("\n")) {
    const match = /^cpu(\d+) (.*)$/.exec(line);
    if (!match) continue;
    const [user, nice, system, idle, iowait, irq, softirq, steal] = match[2]!.split(" ").map(Number);
    ticks.set(Number(match[1]), {
      user: user! + nice!,
      system: system!,
      idle: idle! + iowait!,
      irq: irq!,
      softirq: softirq!,
      steal: steal!,
    });
  }
  return ticks;
}

/** What one CPU did between two readings. */
export interface CpuGrowth {
  readonly cpu: number;
  readonly processed: number;
  readonly dropped: number;
  readonly squeezed: number;
  readonly receivedRps: number;
  readonly flowLimit: number;
  readonly ticks: CpuTicks;
  /** Softirq and steal as a share of the CPU's time, in percent. */
  readonly softirqPercent: number;
}

export function growthBetween(
  before: readonly CpuCounters[],
  after: readonly CpuCounters[],
): readonly CpuGrowth[] {
  return after.flatMap((to) => {
    const from = before.find(({ cpu }) => cpu === to.cpu);
    if (!from) return [];
    const ticks = ticksBetween(from.ticks, to.ticks);
    return {
      cpu: to.cpu,
      processed: (to.processed - from.processed) >>> 0,
      dropped: (to.dropped - from.dropped) >>> 0,
      squeezed: (to.squeezed - from.squeezed) >>> 0,
      receivedRps: (to.receivedRps - from.receivedRps) >>> 0,
      flowLimit: (to.flowLimit - from.flowLimit) >>> 0,
      ticks,
      softirqPercent: (100 * (ticks.softirq + ticks.steal)) / Math.max(1, sumOfTicks(ticks)),
    };
  });
}

function ticksBetween(from: CpuTicks, to: CpuTicks): CpuTicks {
  return {
    user: to.user - from.user,
    system: to.system - from.system,
    idle: to.idle - from.idle,
    irq: to.irq - from.irq,
    softirq: to.softirq - from.softirq,
    steal: to.steal - from.steal,
  };
}

export function sumOfTicks(ticks: CpuTicks): number {
  return ticks.user + ticks.system + ticks.idle + ticks.irq + ticks.softirq + ticks.steal;
}

export function sumOver(
  growth: readonly CpuGrowth[],
  key: "processed" | "dropped" | "squeezed" | "flowLimit",
): number {
  return growth.reduce((sum, cpu) => sum + cpu[key], 0);
}
