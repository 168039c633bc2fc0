import { sumOf } from "./rates.ts";
import type { SoftnetDelta } from "./delta.ts";

export const MINUTE_MS = 60_000;

/** What one window says of one series, in the words of CloudMonitor's aggregated data. */
export interface SeriesStatistics {
  /** Exact growth of the counter over the window. */
  readonly sum: number;
  /** `sum` ÷ elapsed seconds. */
  readonly average: number;
  readonly sampleCount: number;
  /** The remaining ones are over the per-sample rates, so that the peak second of a burst is in `maximum`. */
  readonly minimum: number;
  readonly maximum: number;
  readonly lastValue: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** The growth of one counter, sample by sample. Plain data: it goes to the state file as it is. */
export interface Tally {
  sum: number;
  elapsedSeconds: number;
  /** Per-sample rates, oldest first. */
  rates: number[];
}

export interface CpuTally {
  dropped: Tally;
  squeezed: Tally;
}

/** A window that is still open. Plain data, so that a restart within the minute continues it. */
export interface OpenWindow {
  /** Start of its wall-clock minute, epoch milliseconds. */
  readonly startMs: number;
  readonly all: CpuTally;
  /** Keyed by CPU id as text, as JSON does. */
  readonly cpus: Record<string, CpuTally>;
}

export interface ClosedWindow {
  readonly startMs: number;
  readonly elapsedSeconds: number;
  /** Sum over the CPUs. */
  readonly all: CpuTally;
  readonly cpus: ReadonlyMap<number, CpuTally>;
}

export function openWindow(atMs: number): OpenWindow {
  return { startMs: minuteOf(atMs), all: emptyCpuTally(), cpus: {} };
}

export function minuteOf(atMs: number): number {
  return Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
}

/** A window ends at the first sample at or after the next minute, and also when the wall clock was set back before it. */
export function isOver(window: OpenWindow, atMs: number): boolean {
  return minuteOf(atMs) !== window.startMs;
}

/** Adds the growth between two samples to the window that was open when the later one was taken. */
export function addToWindow(window: OpenWindow, delta: SoftnetDelta): void {
  const { elapsedSeconds } = delta;
  add(window.all.dropped, sumOf(delta.dropped), elapsedSeconds);
  add(window.all.squeezed, sumOf(delta.timeSqueeze), elapsedSeconds);
  for (let row = 0; row < delta.cpus.length; row++) {
    const tally = (window.cpus[delta.cpus[row]!] ??= emptyCpuTally());
    add(tally.dropped, delta.dropped[row]!, elapsedSeconds);
    add(tally.squeezed, delta.timeSqueeze[row]!, elapsedSeconds);
  }
}

/** Undefined when the window holds no sample: there is nothing to say about that minute. */
export function closeWindow(window: OpenWindow): ClosedWindow | undefined {
  if (window.all.dropped.rates.length === 0) return undefined;
  return {
    startMs: window.startMs,
    elapsedSeconds: window.all.dropped.elapsedSeconds,
    all: window.all,
    cpus: new Map(Object.entries(window.cpus).map(([cpu, tally]) => [Number(cpu), tally])),
  };
}

/** Two periods as one: growth adds up exactly, and the percentiles see every sample of both. */
export function mergeTallies(earlier: CpuTally, later: CpuTally): CpuTally {
  return {
    dropped: merge(earlier.dropped, later.dropped),
    squeezed: merge(earlier.squeezed, later.squeezed),
  };
}

/** @throws RangeError for a tally without a sample, which no closed window holds. */
export function statisticsOf(tally: Tally): SeriesStatistics {
  const sorted = tally.rates.toSorted((a, b) => a - b);
  return {
    sum: tally.sum,
    average: tally.sum / tally.elapsedSeconds,
    sampleCount: sorted.length,
    minimum: nearestRank(sorted, 0),
    maximum: nearestRank(sorted, 100),
    lastValue: tally.rates.at(-1) ?? 0,
    p50: nearestRank(sorted, 50),
    p90: nearestRank(sorted, 90),
    p99: nearestRank(sorted, 99),
  };
}

/** The nearest-rank percentile: always a rate that was really seen. */
function nearestRank(sorted: readonly number[], percent: number): number {
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  const value = sorted[rank - 1];
  if (value === undefined) throw new RangeError("A percentile of no samples");
  return value;
}

function merge(earlier: Tally, later: Tally): Tally {
  return {
    sum: earlier.sum + later.sum,
    elapsedSeconds: earlier.elapsedSeconds + later.elapsedSeconds,
    rates: [...earlier.rates, ...later.rates],
  };
}

function emptyCpuTally(): CpuTally {
  return { dropped: emptyTally(), squeezed: emptyTally() };
}

function emptyTally(): Tally {
  return { sum: 0, elapsedSeconds: 0, rates: [] };
}

function add(tally: Tally, growth: number, elapsedSeconds: number): void {
  tally.sum += growth;
  tally.elapsedSeconds += elapsedSeconds;
  tally.rates.push(growth / elapsedSeconds);
}
