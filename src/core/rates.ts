import { deltaBetween, type NoDelta, type SoftnetDelta } from "./delta.ts";
import type { SoftnetSample } from "./softnet-sample.ts";

/** Events per second of one CPU, or of all of them. A column the kernel does not print is undefined. */
export interface SoftnetRates {
  readonly processedPerSecond: number;
  readonly droppedPerSecond: number;
  readonly squeezedPerSecond: number;
  readonly receivedRpsPerSecond: number | undefined;
  readonly flowLimitPerSecond: number | undefined;
  /** Packets waiting at the later sample: a gauge. For the host, the sum over its CPUs. */
  readonly backlog: number | undefined;
}

export interface CpuRates extends SoftnetRates {
  readonly cpu: number;
}

export interface HostRates {
  readonly takenAtMs: number;
  readonly elapsedSeconds: number;
  readonly cpus: readonly CpuRates[];
  /** The sum over the CPUs: what CloudMonitor gets as `cpu=all`. */
  readonly all: SoftnetRates;
}

/** Rates between two samples, or why there are none. A CPU that just came online has no rate yet: the list is shorter. */
export function ratesBetween(before: SoftnetSample, after: SoftnetSample): HostRates | NoDelta {
  const delta = deltaBetween(before, after);
  return delta.kind === "delta" ? ratesOf(delta) : delta;
}

export function ratesOf(delta: SoftnetDelta): HostRates {
  const perSecond = (growth: number): number => growth / delta.elapsedSeconds;
  const rates = (valueOf: (values: Uint32Array) => number): SoftnetRates => ({
    processedPerSecond: perSecond(valueOf(delta.processed)),
    droppedPerSecond: perSecond(valueOf(delta.dropped)),
    squeezedPerSecond: perSecond(valueOf(delta.timeSqueeze)),
    receivedRpsPerSecond: delta.receivedRps && perSecond(valueOf(delta.receivedRps)),
    flowLimitPerSecond: delta.flowLimitCount && perSecond(valueOf(delta.flowLimitCount)),
    backlog: delta.backlogLen && valueOf(delta.backlogLen),
  });
  return {
    takenAtMs: delta.takenAtMs,
    elapsedSeconds: delta.elapsedSeconds,
    cpus: Array.from(delta.cpus, (cpu, row) => ({ cpu, ...rates((values) => values[row]!) })),
    all: rates(sumOf),
  };
}

/** Sums as a double: the growth of many CPUs together exceeds 32 bits. */
export function sumOf(values: Uint32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
