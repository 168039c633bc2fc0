import { type CpuCondition, hasRoom } from "../cpu-condition.ts";
import type { ObservedInterface } from "../observation.ts";
import { busiestFirst, hasRps, type Reach, reachOf } from "../steering.ts";
import { isAllElsewhere } from "../suffering.ts";
import { type Case, idsOf, sum, worstOf } from "./case.ts";

/** How packets reach the CPUs that cannot keep up, and who could help them. */
export interface SteeringCase {
  readonly interface: ObservedInterface;
  /** Its drops were seen, it brings the packets that are lost in another network namespace, or it receives the most. */
  readonly because: "suffers" | "brings" | "busiest";
  readonly reach: Reach;
  readonly fullCpus: readonly number[];
  /** The queue of one of them overflows; otherwise it may be full of what RPS makes it hand on. */
  readonly fullCpusDrop: boolean;
  /** Online, not isolated, and with room for another queue's packets. */
  readonly cpusWithRoom: readonly number[];
}

/** Undefined where there is no other CPU, or no interface to steer. */
export function steeringCaseOf(ofCase: Case, full: readonly CpuCondition[]): SteeringCase | undefined {
  const curable = curableByRps(full);
  if (curable.length === 0) return undefined;
  const { observation, suffering } = ofCase;
  const steeringBy = (netInterface: ObservedInterface, because: SteeringCase["because"]): SteeringCase => ({
    interface: netInterface,
    because,
    reach: reachOf(netInterface),
    fullCpus: idsOf(curable),
    fullCpusDrop: curable.some(({ drops }) => drops),
    cpusWithRoom: cpusWithRoomBeside(curable, ofCase),
  });
  if (isAllElsewhere(suffering)) {
    return nicsThatMayBring(sum(curable, "droppedPerSecond"), ofCase)
      .map((nic) => steeringBy(nic, "brings"))
      .find((steering) => reachesFullCpus(steering) && leftOutCpus(steering, ofCase).length > 0);
  }
  const suffers = suffering.interfaces[0];
  const netInterface = suffers ?? busiestFirst(observation.interfaces)[0];
  if (!netInterface || netInterface.rxQueues.length === 0) return undefined;
  return steeringBy(netInterface, suffers ? "suffers" : "busiest");
}

/**
 * Those that receive enough to explain the losses of another network namespace, the busiest first. A container's veth queues a packet
 * on the CPU that took it from the NIC, so that the NIC's masks spread those queues as well.
 */
function nicsThatMayBring(
  droppedPerSecond: number,
  { observation, thresholds }: Case,
): readonly ObservedInterface[] {
  return busiestFirst(observation.interfaces).filter(
    (one) =>
      one.kind === "nic" &&
      hasRps(one) &&
      one.rxPacketsPerSecond! >= droppedPerSecond * thresholds.explainedShare,
  );
}

function reachesFullCpus({ reach, fullCpus }: SteeringCase): boolean {
  return reach.cpus === undefined || fullCpus.some((cpu) => reach.cpus!.includes(cpu));
}

/** CPUs that have room and that its packets cannot reach. */
export function leftOutCpus(steering: SteeringCase, { observation }: Case): readonly number[] {
  const { interface: netInterface, reach, cpusWithRoom } = steering;
  const canBeNarrow = reach.rpsIsOn || netInterface.rxQueues.length < observation.cpus.length;
  if (!canBeNarrow || leavesReachedCpusIdle(steering)) return [];
  return cpusWithRoom.filter((cpu) => !reach.cpus?.includes(cpu));
}

/** Other CPUs could help, and only in another network namespace can anybody tell the packets to go there. */
export function isNarrowElsewhere(ofCase: Case, full: readonly CpuCondition[]): boolean {
  const curable = curableByRps(full);
  if (!isAllElsewhere(ofCase.suffering) || steeringCaseOf(ofCase, full) !== undefined) return false;
  return curable.length > 0 && cpusWithRoomBeside(curable, ofCase).length > 0;
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
