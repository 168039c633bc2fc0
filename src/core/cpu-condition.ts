import type { CpuLoad } from "./cpu-time.ts";
import type { NetSysctls } from "./host-settings.ts";
import type { Observation, ObservedCpu } from "./observation.ts";
import type { Thresholds } from "./thresholds.ts";

/** What can be said of one CPU before it is asked why. */
export interface CpuCondition {
  readonly observed: ObservedCpu;
  readonly drops: boolean;
  /** Whether the CPU had time left while it lost packets; without losses, over the whole observation. */
  readonly saturation: "free" | "unsure" | "saturated" | "unknown";
  /** The load behind `saturation`. */
  readonly load: CpuLoad | undefined;
  /** Column 12 stays above the limit: the queue never drains, so a longer one would not either. */
  readonly queueStaysFull: boolean;
  /** The squeezes that passes ended by time can explain. */
  readonly squeezesByTimePerSecond: number;
  /** More squeezes than that, and enough to care: the packet budget ends the passes. */
  readonly budgetEndsPasses: boolean;
}

export function conditionsOf(observation: Observation, thresholds: Thresholds): readonly CpuCondition[] {
  return observation.cpus.map((observed) => {
    const load = observed.loadWhileDropping ?? observed.load;
    const squeezesByTimePerSecond = squeezesByTime(observed.load, observation.settings.sysctls, thresholds);
    const { backlogs, squeezedPerSecond } = observed;
    return {
      observed,
      drops: observed.droppedPerSecond > 0,
      saturation: saturationOf(load, thresholds),
      load,
      queueStaysFull:
        backlogs !== undefined &&
        backlogs.samples >= thresholds.queueStaysFullSamples &&
        backlogs.shareAboveLimit >= thresholds.queueStaysFullShare,
      squeezesByTimePerSecond,
      budgetEndsPasses:
        squeezedPerSecond > squeezesByTimePerSecond &&
        squeezedPerSecond >= thresholds.budgetSqueezesPerSecond,
    };
  });
}

/** Softirq and what the hypervisor takes away from it. */
export function packetPercent({ softirqPercent, stealPercent }: CpuLoad): number {
  return softirqPercent + stealPercent;
}

function saturationOf(load: CpuLoad | undefined, thresholds: Thresholds): CpuCondition["saturation"] {
  if (load === undefined) return "unknown";
  const percent = packetPercent(load);
  if (percent >= thresholds.saturatedPercent) return "saturated";
  return percent < thresholds.notSaturatedPercent ? "free" : "unsure";
}

/**
 * A pass that ends by time lasts at least half of `netdev_budget_usecs`: the kernel counts it in ticks, and by default there are two of them.
 * Stolen time passes within a pass too. A CPU whose time is unknown may have spent all of it.
 */
function squeezesByTime(
  load: CpuLoad | undefined,
  { netdevBudgetUsecs }: NetSysctls,
  thresholds: Thresholds,
): number {
  const usecs = netdevBudgetUsecs ?? thresholds.assumedBudgetUsecs;
  if (usecs <= 0) return Number.POSITIVE_INFINITY;
  const secondsPerSecond = load ? packetPercent(load) / 100 : 1;
  return secondsPerSecond / (usecs / 2 / 1_000_000);
}

/** Whether a CPU could take packets of another one. */
export function hasRoom(cpu: ObservedCpu, busiest: ObservedCpu, thresholds: Thresholds): boolean {
  if (cpu.load) return packetPercent(cpu.load) < thresholds.roomBelowPercent;
  const isQuiet = cpu.droppedPerSecond === 0 && cpu.squeezedPerSecond === 0;
  return isQuiet && cpu.processedPerSecond < busiest.processedPerSecond / 2;
}
