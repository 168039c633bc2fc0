import { type CpuCondition, hasRoom } from "../cpu-condition.ts";
import type { ObservedInterface } from "../observation.ts";
import { busiestFirst, type Reach, reachOf } from "../steering.ts";
import { type Case, idsOf, worstOf } from "./case.ts";

/** How packets reach the CPUs that cannot keep up, and who could help them. */
export interface SteeringCase {
  readonly interface: ObservedInterface;
  /** The drops of this interface were seen; otherwise it is the one that receives the most. */
  readonly isSuffering: boolean;
  readonly reach: Reach;
  readonly fullCpus: readonly number[];
  /** The queue of one of them overflows; otherwise it may be full of what RPS makes it hand on. */
  readonly fullCpusDrop: boolean;
  /** Online, not isolated, and with room for another queue's packets. */
  readonly cpusWithRoom: readonly number[];
}

/** Undefined where there is no other CPU, or no interface to steer: what is lost in another network namespace cannot be steered from here. */
export function steeringCaseOf(ofCase: Case, full: readonly CpuCondition[]): SteeringCase | undefined {
  const curable = curableByRps(full);
  if (curable.length === 0 || suffersElsewhere(ofCase)) return undefined;
  const { observation, suffering } = ofCase;
  const isSuffering = suffering.interfaces.length > 0;
  const netInterface = isSuffering ? suffering.interfaces[0] : busiestFirst(observation.interfaces)[0];
  if (!netInterface || netInterface.rxQueues.length === 0) return undefined;
  return {
    interface: netInterface,
    isSuffering,
    reach: reachOf(netInterface),
    fullCpus: idsOf(curable),
    fullCpusDrop: curable.some(({ drops }) => drops),
    cpusWithRoom: cpusWithRoomBeside(curable, ofCase),
  };
}

/** Other CPUs could help, and only in another network namespace can anybody tell the packets to go there. */
export function isNarrowElsewhere(ofCase: Case, full: readonly CpuCondition[]): boolean {
  const curable = curableByRps(full);
  return suffersElsewhere(ofCase) && curable.length > 0 && cpusWithRoomBeside(curable, ofCase).length > 0;
}

function suffersElsewhere({ suffering }: Case): boolean {
  return suffering.isElsewhere && suffering.interfaces.length === 0;
}

/** RPS adds one more NAPI to a CPU whose passes end because there are too many. */
function curableByRps(full: readonly CpuCondition[]): readonly CpuCondition[] {
  return full.filter(({ budgetEndsPasses }) => !budgetEndsPasses);
}

function cpusWithRoomBeside(
  full: readonly CpuCondition[],
  { observation, thresholds }: Case,
): readonly number[] {
  const isolated = new Set(observation.settings.cpus.isolated);
  const fullCpus = idsOf(full);
  const worst = worstOf(full).observed;
  return observation.cpus
    .filter(({ cpu }) => !fullCpus.includes(cpu) && !isolated.has(cpu))
    .filter((cpu) => hasRoom(cpu, worst, thresholds))
    .map(({ cpu }) => cpu);
}

/** Packets that reach several CPUs, fill one of them and leave another one idle: widening changes nothing then. */
export function leavesReachedCpusIdle(steering: SteeringCase): boolean {
  const { reach, fullCpus, fullCpusDrop, cpusWithRoom, interface: netInterface } = steering;
  if (fullCpus.length !== 1) return false;
  const takesInterrupts = netInterface.receivingCpus?.includes(fullCpus[0]!) ?? false;
  // RPS spreads the work behind the interrupt, and not the interrupt.
  if (reach.rpsIsOn && takesInterrupts && !fullCpusDrop) return false;
  return reach.cpus?.some((cpu) => cpusWithRoom.includes(cpu)) ?? false;
}
