import type { ClosedWindow } from "./window.ts";

/** Which CPUs get series of their own; every one of them counts against the account's quota. */
export type CpuSeriesMode = "active" | "all" | "none";

/** The CPUs worth a series, by id as text. Plain data, kept in the state file. */
export type ActiveCpus = Readonly<
  Record<string, { readonly beganMs: number; readonly lastActiveMs: number }>
>;

/** One squeeze may be chance; this many squeezing samples in a minute begin a series. */
const SQUEEZING_SAMPLES_TO_BEGIN = 3;
const FORGOTTEN_AFTER_MS = 24 * 3_600_000;

/**
 * A CPU's series begins at its first dropped packet or at its third squeezing sample in a minute, keeps its zeros, and ends after a day of them.
 */
export function withActivityOf(active: ActiveCpus, window: ClosedWindow): ActiveCpus {
  const next: Record<string, ActiveCpus[string]> = {};
  for (const [cpu, series] of Object.entries(active)) {
    if (window.startMs - series.lastActiveMs < FORGOTTEN_AFTER_MS) next[cpu] = series;
  }
  for (const [cpu, { dropped, squeezed }] of window.cpus) {
    const series = next[cpu];
    const squeezingSamples = squeezed.rates.filter((rate) => rate > 0).length;
    const begins = dropped.sum > 0 || squeezingSamples >= SQUEEZING_SAMPLES_TO_BEGIN;
    if (begins || (series && squeezed.sum > 0)) {
      next[cpu] = { beganMs: series?.beganMs ?? window.startMs, lastActiveMs: window.startMs };
    }
  }
  return next;
}

/**
 * The CPUs to send, at most `most`. Where more are active, those that began first stay: a series that comes and goes costs quota
 * and draws no graph.
 */
export function cpusToSend(
  mode: CpuSeriesMode,
  active: ActiveCpus,
  window: ClosedWindow,
  most: number,
): readonly number[] {
  switch (mode) {
    case "none":
      return [];
    case "all":
      return [...window.cpus.keys()].toSorted((a, b) => a - b).slice(0, most);
    case "active":
      return Object.keys(active)
        .map(Number)
        .toSorted((a, b) => active[a]!.beganMs - active[b]!.beganMs || a - b)
        .slice(0, most)
        .toSorted((a, b) => a - b);
  }
}

/** The most series that a configuration can take of the account's quota: three of the host, two of each CPU. */
export function seriesAtMost(
  settings: {
    readonly cpuSeries: CpuSeriesMode;
    readonly cpuSeriesMax: number;
    readonly hostSeries: "all" | "severity" | "none";
  },
  possibleCpus: number,
): number {
  const host = { all: 3, severity: 1, none: 0 }[settings.hostSeries];
  const cpus = settings.cpuSeries === "none" ? 0 : Math.min(settings.cpuSeriesMax, possibleCpus);
  return host + 2 * cpus;
}
