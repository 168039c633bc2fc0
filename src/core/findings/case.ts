import { type CpuCondition, conditionsOf } from "../cpu-condition.ts";
import type { Evidence, Finding } from "../finding.ts";
import type { Observation } from "../observation.ts";
import { type Suffering, sufferingNames, sufferingOf } from "../suffering.ts";
import type { Thresholds } from "../thresholds.ts";

/** What every finding judges: an observation, and what is derived from it once. */
export interface Case {
  readonly observation: Observation;
  readonly thresholds: Thresholds;
  readonly cpus: readonly CpuCondition[];
  readonly suffering: Suffering;
  /** The flow limit explains the drops of the host: it is counted on the CPU that enqueues, the drop on the one that refuses. */
  readonly flowLimitDrops: boolean;
}

export function caseOf(observation: Observation, thresholds: Thresholds): Case {
  const { droppedPerSecond, flowLimitPerSecond } = observation.all;
  return {
    observation,
    thresholds,
    cpus: conditionsOf(observation, thresholds),
    suffering: sufferingOf(observation, thresholds),
    flowLimitDrops:
      droppedPerSecond > 0 &&
      flowLimitPerSecond !== undefined &&
      flowLimitPerSecond >= droppedPerSecond * thresholds.flowLimitShare,
  };
}

/** The CPUs of a finding. */
export function idsOf(cpus: readonly CpuCondition[]): readonly number[] {
  return cpus.map(({ observed }) => observed.cpu);
}

/** The CPU that loses the most, and among equals the busiest one with squeezes: its numbers stand for the finding. */
export function worstOf(cpus: readonly CpuCondition[]): CpuCondition {
  return cpus.reduce((worst, cpu) => {
    const byDrops = cpu.observed.droppedPerSecond - worst.observed.droppedPerSecond;
    const bySqueezes = cpu.observed.squeezedPerSecond - worst.observed.squeezedPerSecond;
    return byDrops > 0 || (byDrops === 0 && bySqueezes > 0) ? cpu : worst;
  });
}

export function sum(cpus: readonly CpuCondition[], rate: "droppedPerSecond" | "squeezedPerSecond"): number {
  return cpus.reduce((total, { observed }) => total + observed[rate], 0);
}

function largestDrop(cpus: readonly CpuCondition[]): number {
  return cpus.reduce((most, { observed }) => Math.max(most, observed.largestDropOfOneSample), 0);
}

/** What is not known is no evidence: the keys of undefined values are left out. */
export function evidenceOf(values: Readonly<Record<string, Evidence | undefined>>): Finding["evidence"] {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, Evidence] => entry[1] !== undefined),
  );
}

/** The numbers behind a finding about CPUs that lose packets or are squeezed. */
export function cpuEvidence(
  { observation, suffering }: Case,
  cpus: readonly CpuCondition[],
): Readonly<Record<string, Evidence | undefined>> {
  const worst = worstOf(cpus);
  const { netdevMaxBacklog } = observation.settings.sysctls;
  const names = sufferingNames(suffering);
  const dropped = sum(cpus, "droppedPerSecond");
  return {
    cpus: idsOf(cpus),
    droppedPerSecond: dropped,
    squeezedPerSecond: sum(cpus, "squeezedPerSecond"),
    worstCpu: worst.observed.cpu,
    softirqPercent: worst.load?.softirqPercent,
    stealPercent: worst.load?.stealPercent,
    idlePercent: worst.load?.idlePercent,
    netRxPerSecond: worst.observed.netRxPerSecond,
    backlogMaximumPackets: worst.observed.backlogs?.maximum,
    netdevMaxBacklogPackets: netdevMaxBacklog,
    largestDropOfOneSamplePackets: dropped > 0 ? largestDrop(cpus) : undefined,
    interfaces: dropped > 0 && names.length > 0 ? names : undefined,
  };
}
