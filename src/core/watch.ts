import { type CpuLoad, loadOf, ticksBetween } from "./cpu-time.ts";
import { deltaBetween, type NoDelta } from "./delta.ts";
import type { Reading } from "./observation.ts";
import { type CpuRates, ratesOf, type SoftnetRates, sumOf } from "./rates.ts";

/** What `watch` shows of one CPU, or of all of them. */
export interface WatchedRates extends SoftnetRates {
  /** Undefined without `/proc/stat`, and where no tick was accounted between the readings. */
  readonly load: CpuLoad | undefined;
}

export interface WatchedCpu extends CpuRates, WatchedRates {}

/** One update of the table. */
export interface WatchFrame {
  readonly kind: "frame";
  readonly takenAtMs: number;
  readonly elapsedSeconds: number;
  /** Words that the kernel prints for each CPU. */
  readonly columns: number;
  readonly all: WatchedRates;
  /** Packets and passes since the frame before, over all CPUs. */
  readonly dropped: number;
  readonly squeezed: number;
  /** Ascending. */
  readonly cpus: readonly WatchedCpu[];
  readonly appeared: readonly number[];
  readonly left: readonly number[];
}

export function frameBetween(before: Reading, after: Reading): WatchFrame | NoDelta {
  const delta = deltaBetween(before.softnet, after.softnet);
  if (delta.kind !== "delta") return delta;
  const rates = ratesOf(delta);
  const ticks = before.cpuTime && after.cpuTime ? ticksBetween(before.cpuTime, after.cpuTime) : [];
  const ticksOf = new Map(ticks.map((one) => [one.cpu, one]));
  return {
    kind: "frame",
    takenAtMs: delta.takenAtMs,
    elapsedSeconds: delta.elapsedSeconds,
    columns: after.softnet.columns,
    all: { ...rates.all, load: loadOf(ticks) },
    dropped: sumOf(delta.dropped),
    squeezed: sumOf(delta.timeSqueeze),
    cpus: rates.cpus.map((cpu) => {
      const spent = ticksOf.get(cpu.cpu);
      return { ...cpu, load: spent && loadOf([spent]) };
    }),
    appeared: delta.appeared,
    left: delta.left,
  };
}

/** The worst of a CPU in the last while. */
export interface Trouble {
  readonly seenAtMs: number;
  readonly droppedPerSecond: number;
  readonly squeezedPerSecond: number;
}

/** By CPU; one that had none is not in it. */
export type Troubles = ReadonlyMap<number, Trouble>;

/** A CPU that drops in bursts stays on the screen between them. */
const REMEMBERED_MS = 30_000;

export function troublesWith(troubles: Troubles, { cpus, takenAtMs }: WatchFrame): Troubles {
  const kept = new Map([...troubles].filter(([, { seenAtMs }]) => takenAtMs - seenAtMs < REMEMBERED_MS));
  for (const { cpu, droppedPerSecond, squeezedPerSecond } of cpus) {
    const trouble = { seenAtMs: takenAtMs, droppedPerSecond, squeezedPerSecond };
    const isAny = droppedPerSecond > 0 || squeezedPerSecond > 0;
    const worst = kept.get(cpu);
    if (isAny && (!worst || compareTroubles(trouble, worst) <= 0)) kept.set(cpu, trouble);
  }
  return kept;
}

/** Which CPUs to show where not all have a place, ascending: those in trouble, and of the others the busiest. */
export function cpusInSight({ cpus }: WatchFrame, troubles: Troubles, places: number): readonly WatchedCpu[] {
  if (cpus.length <= places) return cpus;
  const none = { seenAtMs: 0, droppedPerSecond: 0, squeezedPerSecond: 0 };
  return cpus
    .toSorted(
      (a, b) =>
        compareTroubles(troubles.get(a.cpu) ?? none, troubles.get(b.cpu) ?? none) ||
        b.processedPerSecond - a.processedPerSecond ||
        a.cpu - b.cpu,
    )
    .slice(0, Math.max(0, places))
    .sort((a, b) => a.cpu - b.cpu);
}

/** The worse one first: a lost packet outweighs any number of squeezes. */
function compareTroubles(a: Trouble, b: Trouble): number {
  return b.droppedPerSecond - a.droppedPerSecond || b.squeezedPerSecond - a.squeezedPerSecond;
}
