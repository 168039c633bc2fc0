import { type CpuCondition, hasRoom } from "../cpu-condition.ts";
import type { ObservedInterface } from "../observation.ts";
import { type Reach, reachOf } from "../steering.ts";
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

/** Undefined where there is no other CPU, or no interface to steer. */
export function steeringCaseOf(ofCase: Case, full: readonly CpuCondition[]): SteeringCase | undefined {
  // RPS adds one more NAPI to a CPU whose passes end because there are too many.
  const curable = full.filter(({ budgetEndsPasses }) => !budgetEndsPasses);
  if (curable.length === 0) return undefined;
  const { observation, thresholds, suffering } = ofCase;
  const isSuffering = suffering.interfaces.length > 0;
  const netInterface = isSuffering ? suffering.interfaces[0] : busiest(observation.interfaces);
  if (!netInterface || netInterface.rxQueues.length === 0) return undefined;
  const isolated = new Set(observation.settings.cpus.isolated);
  const fullCpus = idsOf(curable);
  const worst = worstOf(curable).observed;
  const cpusWithRoom = observation.cpus
    .filter(({ cpu }) => !fullCpus.includes(cpu) && !isolated.has(cpu))
    .filter((cpu) => hasRoom(cpu, worst, thresholds))
    .map(({ cpu }) => cpu);
  return {
    interface: netInterface,
    isSuffering,
    reach: reachOf(netInterface),
    fullCpus,
    fullCpusDrop: curable.some(({ drops }) => drops),
    cpusWithRoom,
  };
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

function busiest(interfaces: readonly ObservedInterface[]): ObservedInterface | undefined {
  const receiving = interfaces.filter(({ rxPacketsPerSecond }) => (rxPacketsPerSecond ?? 0) > 0);
  return receiving.sort((a, b) => b.rxPacketsPerSecond! - a.rxPacketsPerSecond!)[0];
}
