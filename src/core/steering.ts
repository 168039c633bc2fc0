import { cpusOfMask, type CpuMask } from "./cpu-mask.ts";
import type { CpuSets } from "./host-settings.ts";
import type { ObservedCpu, ObservedInterface } from "./observation.ts";

/** Which CPUs an interface's settings let its packets reach. */
export interface Reach {
  /** RPS spreads the packets of at least one queue. */
  readonly rpsIsOn: boolean;
  /** Ascending; undefined where a queue without RPS has interrupts that nobody can locate. */
  readonly cpus: readonly number[] | undefined;
}

export function reachOf(netInterface: ObservedInterface): Reach {
  const masks = masksOf(netInterface);
  const on = masks.filter((mask) => mask !== 0n);
  const bySteering = cpusOfMask(on.reduce((all, mask) => all | mask, 0n));
  // With RPS on all queues, the CPU that takes the interrupt only hands the packets on.
  if (on.length > 0 && on.length === masks.length) return { rpsIsOn: true, cpus: bySteering };
  const byInterrupt = netInterface.receivingCpus;
  // A single interrupt is taken by one CPU at a time, however many may take it.
  if (masks.length === 1 && byInterrupt?.length !== 1) return { rpsIsOn: false, cpus: undefined };
  return {
    rpsIsOn: on.length > 0,
    cpus: byInterrupt && [...new Set([...bySteering, ...byInterrupt])].sort((a, b) => a - b),
  };
}

/** One for each receive queue; a kernel without RPS has them at zero, in effect. */
export function masksOf({ rxQueues }: ObservedInterface): readonly CpuMask[] {
  return rxQueues.map(({ rpsCpus }) => rpsCpus ?? 0n);
}

/** Whether the kernel offers RPS for it at all. */
export function hasRps({ rxQueues }: ObservedInterface): boolean {
  return rxQueues.some(({ rpsCpus }) => rpsCpus !== undefined);
}

/** The CPUs that RPS can give packets to: the kernel leaves those that are offline or isolated out of a mask. */
export function usableCpus(cpus: CpuSets, observedCpus: readonly ObservedCpu[]): readonly number[] {
  const online = cpus.online ?? observedCpus.map(({ cpu }) => cpu);
  return online.filter((cpu) => !cpus.isolated?.includes(cpu));
}

/**
 * Those that packets reach from outside, the one that receives the most first. What a bond or a VLAN receives was steered as the NIC's
 * below it: their own masks do nothing.
 */
export function busiestFirst(interfaces: readonly ObservedInterface[]): readonly ObservedInterface[] {
  return interfaces
    .filter(({ kind }) => kind !== "loopback" && kind !== "bond" && kind !== "vlan")
    .filter(({ rxPacketsPerSecond }) => (rxPacketsPerSecond ?? 0) > 0)
    .toSorted((a, b) => b.rxPacketsPerSecond! - a.rxPacketsPerSecond!);
}
