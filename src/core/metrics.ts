import { toThousandths } from "./rounding.ts";
import { type ClosedWindow, type CpuTally, statisticsOf, type Tally } from "./window.ts";

/** One entry of PutCustomMetric, every field as it goes over the wire, so that a repeat is the same bytes. */
export interface MetricEntry {
  readonly metricName: MetricName;
  /** Application group; "0" is none. */
  readonly groupId: string;
  /** A JSON object with sorted keys: CloudMonitor wants the dimensions in order. */
  readonly dimensions: string;
  /** "1": aggregated by us. Raw data ("0") is a paid feature. */
  readonly type: "1";
  /** Seconds. */
  readonly period: "60" | "300";
  /** Start of the period, epoch milliseconds. */
  readonly time: string;
  /** A JSON object of statistics. */
  readonly values: string;
}

export type MetricName = "softnet_dropped_per_second" | "softnet_squeezed_per_second" | "softnet_severity";

export interface SeriesSettings {
  readonly instanceId: string;
  readonly groupId: number;
  readonly hostSeries: "all" | "severity" | "none";
}

/** The API reference says 21 and the overview 100; both leave 20 alone. */
export const ENTRIES_PER_CALL = 20;

/** Which points of time a batch of host entries speaks of. */
export interface Period {
  readonly period: MetricEntry["period"];
  /** Epoch milliseconds. */
  readonly startMs: number;
}

/**
 * The host's series. They go first in a call: an over-full quota (206) takes what comes first.
 *
 * @param severities of each sample in the period: 0 healthy, 1 warning, 2 critical.
 */
export function hostEntries(
  at: Period,
  tally: CpuTally,
  severities: readonly number[],
  settings: SeriesSettings,
): readonly MetricEntry[] {
  const severity = () => entry("softnet_severity", "all", tallyOfGauge(severities), at, settings);
  switch (settings.hostSeries) {
    case "none":
      return [];
    case "severity":
      return [severity()];
    case "all":
      return [
        entry("softnet_dropped_per_second", "all", tally.dropped, at, settings),
        entry("softnet_squeezed_per_second", "all", tally.squeezed, at, settings),
        severity(),
      ];
  }
}

/** The series of the CPUs that get one, by `SOFTNET_CPU_SERIES`; a CPU that was offline all minute has no point. */
export function cpuEntries(
  window: ClosedWindow,
  cpus: readonly number[],
  settings: SeriesSettings,
): readonly MetricEntry[] {
  const at = { period: "60", startMs: window.startMs } as const;
  return cpus.flatMap((cpu) => {
    const tally = window.cpus.get(cpu);
    if (!tally) return [];
    return [
      entry("softnet_dropped_per_second", String(cpu), tally.dropped, at, settings),
      entry("softnet_squeezed_per_second", String(cpu), tally.squeezed, at, settings),
    ];
  });
}

/** What one PutCustomMetric call carries. */
export function batchesOf(entries: readonly MetricEntry[]): readonly (readonly MetricEntry[])[] {
  const batches: (readonly MetricEntry[])[] = [];
  for (let i = 0; i < entries.length; i += ENTRIES_PER_CALL)
    batches.push(entries.slice(i, i + ENTRIES_PER_CALL));
  return batches;
}

/** A gauge has no growth: its sum is the sum of what was seen, its average the mean of it. */
export function tallyOfGauge(values: readonly number[]): Tally {
  return {
    sum: values.reduce((sum, value) => sum + value, 0),
    elapsedSeconds: values.length,
    rates: [...values],
  };
}

function entry(
  metricName: MetricName,
  cpu: string,
  tally: Tally,
  at: Period,
  settings: SeriesSettings,
): MetricEntry {
  const statistics = statisticsOf(tally);
  return {
    metricName,
    groupId: String(settings.groupId),
    dimensions: JSON.stringify({ cpu, instanceId: settings.instanceId }),
    type: "1",
    period: at.period,
    time: String(at.startMs),
    values: JSON.stringify({
      Average: toThousandths(statistics.average),
      Maximum: toThousandths(statistics.maximum),
      Minimum: toThousandths(statistics.minimum),
      Sum: toThousandths(statistics.sum),
      SampleCount: statistics.sampleCount,
      LastValue: toThousandths(statistics.lastValue),
      P50: toThousandths(statistics.p50),
      P90: toThousandths(statistics.p90),
      P99: toThousandths(statistics.p99),
    }),
  };
}
