import { packetPercent } from "./cpu-condition.ts";
import type { Observation, ObservedCpu } from "./observation.ts";
import type { ValueChange } from "./remedy-script.ts";
import { DEFAULT_THRESHOLDS } from "./thresholds.ts";

/** What a proof compares; public. */
export interface Measure {
  readonly lostPerMillion: number;
  readonly squeezedPerMillion: number;
  /** Arrived: processed and lost. */
  readonly packetsPerSecond: number;
}

export function measureOf({ all }: Observation): Measure {
  return measureOfRates(all);
}

function measureOfRates(all: Observation["all"]): Measure {
  const packetsPerSecond = all.processedPerSecond + all.droppedPerSecond;
  const perMillion = (perSecond: number): number =>
    packetsPerSecond > 0 ? (perSecond / packetsPerSecond) * 1_000_000 : 0;
  return {
    lostPerMillion: perMillion(all.droppedPerSecond),
    squeezedPerMillion: perMillion(all.squeezedPerSecond),
    packetsPerSecond,
  };
}

/** What one window after the change shows. */
export type Proof =
  | "improved"
  | "not-improved"
  /** It looks improved, and a queue is filling: it may only be waiting to drop. */
  | "filling"
  /** The load is another one than before. */
  | "not-comparable"
  /** Nothing was lost or squeezed before that the change could end: no window will tell. */
  | "nothing-to-improve";

/** Improved is at most this share of before. */
const IMPROVED_SHARE = 0.5;
/** The load is comparable within these. */
const LEAST_LOAD = 0.5;
const MOST_LOAD = 2;

export function proofOf(changes: readonly ValueChange[], before: Observation, after: Observation): Proof {
  const [was, is] = [measureOf(before), measureOf(after)];
  const load = is.packetsPerSecond / was.packetsPerSecond;
  const isComparable = load >= LEAST_LOAD && load <= MOST_LOAD;
  const goals = goalsOf(changes, before);
  if (goals.length === 0) {
    return isComparable && is.lostPerMillion > 0 ? "not-improved" : "nothing-to-improve";
  }
  if (!isComparable) return "not-comparable";
  if (!goals.every((goal) => is[goal] <= was[goal] * IMPROVED_SHARE)) return "not-improved";
  // Fewer squeezes are no gain where packets are lost that were not before.
  if (is.lostPerMillion > was.lostPerMillion) return "not-improved";
  const chance = changes.some(isLongerQueue) ? LITTLE_CHANCE : CHANCE;
  if (after.cpus.some((cpu) => isFilling(cpu, after, chance))) return "filling";
  // A queue that was full early in this window dropped nothing until then, and it is the end that lasts.
  const atLast = measureOfRates(after.allOfLastThird);
  const isWorseAtLast = goals.some((goal) => atLast[goal] > was[goal] * IMPROVED_SHARE);
  return isWorseAtLast && after.cpus.some(hasNoTime) ? "filling" : "improved";
}

/** A longer queue is about lost packets, a budget about squeezes, and a mask about those where nothing is lost. */
function goalsOf(
  changes: readonly ValueChange[],
  { all }: Observation,
): readonly ("lostPerMillion" | "squeezedPerMillion")[] {
  const isBudget = (change: ValueChange): boolean => change.kind === "sysctl" && !isLongerQueue(change);
  const losses = changes.some((change) => !isBudget(change)) && all.droppedPerSecond > 0;
  const squeezes = changes.some((change) => isBudget(change) || (change.kind === "rps" && !losses));
  // One squeeze more or less is chance.
  const areMany = all.squeezedPerSecond >= DEFAULT_THRESHOLDS.squeezesWorthMentionPerSecond;
  return [
    ...(losses ? (["lostPerMillion"] as const) : []),
    ...(squeezes && areMany ? (["squeezedPerMillion"] as const) : []),
  ];
}

function isLongerQueue(change: ValueChange): boolean {
  return change.kind === "sysctl" && change.name === "netdev_max_backlog";
}

/** Below this share of the limit a queue is not worth a thought. */
const SHORT_QUEUE_SHARE = 0.1;
/**
 * Peaks of two thirds of a window differ by chance, since the gauge is seen for a moment only; one that fills from empty
 * at a constant rate is three times as long in the last third.
 */
const CHANCE = 1.2;
/** A queue that was made longer takes several windows to fill, and grows by as little as this in the last of them. */
const LITTLE_CHANCE = 1.1;
const IDLING_PERCENT = 10;
const SATURATED_PERCENT = 90;

/** One that idles has worked its queue off in between: what differs from second to second is chance. */
function hasNoTime({ load }: Pick<ObservedCpu, "load">): boolean {
  return load !== undefined && load.idlePercent < IDLING_PERCENT;
}

/** A bigger queue under overload looks like a cure for as long as it takes to fill. */
function isFilling({ backlogs, load }: ObservedCpu, { settings }: Observation, chance: number): boolean {
  if (backlogs === undefined) return load !== undefined && packetPercent(load) >= SATURATED_PERCENT;
  if (load !== undefined && !hasNoTime({ load })) return false;
  const limit = settings.sysctls.netdevMaxBacklog ?? 0;
  if (backlogs.maximumOfLastThird < limit * SHORT_QUEUE_SHARE) return false;
  return backlogs.maximumOfLastThird > backlogs.maximumOfFirstThird * chance;
}

/** What to do after so many windows. */
export type NextMove = "keep" | "take-back" | "leave-unproven" | "measure-again";

/** A queue may rise and a load may change for a while, not for ever. */
const MOST_WINDOWS = 3;

export function nextMove(proof: Proof, windows: number): NextMove {
  switch (proof) {
    case "improved":
      return "keep";
    case "not-improved":
      return "take-back";
    case "filling":
      return windows < MOST_WINDOWS ? "measure-again" : "take-back";
    case "not-comparable":
      return windows < MOST_WINDOWS ? "measure-again" : "leave-unproven";
    case "nothing-to-improve":
      return "leave-unproven";
  }
}
