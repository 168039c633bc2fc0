import { cpusOfMask, type CpuMask, formatCpuMask } from "../core/cpu-mask.ts";
import type { SoftnetDelta } from "../core/delta.ts";
import type { HostSettings, InterfaceSettings } from "../core/host-settings.ts";
import { sumOf } from "../core/rates.ts";
import {
  type CpuPeak,
  type Series,
  type SeriesColumns,
  type SeriesQuery,
  worstFirst,
} from "../core/series.ts";
import { version } from "../version.ts";
import type { ConsoleView, LatestSample } from "./view.ts";
import type {
  HistoryColumns,
  HistoryDocument,
  InterfaceRow,
  LiveColumns,
  LiveDocument,
  NowDocument,
  Range,
  SettingRow,
  StateDocument,
  Value,
} from "./wire.ts";

const MINUTE_MS = 60_000;
const RANGE_MS: Readonly<Record<Range, number>> = {
  now: 5 * MINUTE_MS,
  "1h": 60 * MINUTE_MS,
  "24h": 24 * 60 * MINUTE_MS,
  "30d": 30 * 24 * 60 * MINUTE_MS,
};

/** About one for each pixel of a graph on a large screen. */
const MOST_POINTS = 720;
/** More than this nobody reads on a page. */
const MOST_INCIDENTS = 20;
/** Lines of each graph; more cannot be told apart. */
const WORST_CPUS = 6;

export function nowDocument(view: ConsoleView, nowMs: number): NowDocument {
  return { schemaVersion: 1, nowMs, live: liveDocument(view.latest()) ?? null, state: stateDocument(view) };
}

/** Undefined while there is no growth to speak of. */
export function liveDocument(latest: LatestSample | undefined): LiveDocument | undefined {
  if (!latest?.delta) return undefined;
  const { delta, softirqPercent } = latest;
  const perSecond = (growth: number): number => rounded(growth / delta.elapsedSeconds);
  return {
    takenAtMs: delta.takenAtMs,
    elapsedSeconds: rounded(delta.elapsedSeconds),
    host: columnsOf(
      delta,
      (growth) => perSecond(sumOf(growth)),
      (gauge) => sumOf(gauge),
    ),
    cpus: {
      cpu: [...delta.cpus],
      ...columnsOf(
        delta,
        (growth) => Array.from(growth, perSecond),
        (gauge) => [...gauge],
      ),
      ...(softirqPercent && {
        softirqPercent: Array.from(delta.cpus, (cpu) => valueOf(softirqPercent.get(cpu) ?? Number.NaN)),
      }),
    },
  };
}

function columnsOf<T>(
  delta: SoftnetDelta,
  rate: (growth: Uint32Array) => T,
  gauge: (values: Uint32Array) => T,
): LiveColumns<T> {
  return {
    processed: rate(delta.processed),
    dropped: rate(delta.dropped),
    squeezed: rate(delta.timeSqueeze),
    ...(delta.receivedRps && { receivedRps: rate(delta.receivedRps) }),
    ...(delta.flowLimitCount && { flowLimit: rate(delta.flowLimitCount) }),
    ...(delta.backlogLen && { backlog: gauge(delta.backlogLen) }),
  };
}

export function stateDocument(view: ConsoleView): StateDocument {
  const verdict = view.verdict();
  const settings = view.settings();
  const { samples: _samples, sampleErrors: _sampleErrors, ...agent } = view.status();
  const plan = view.plan?.();
  return {
    version,
    severity: verdict?.severity ?? "measuring",
    ...(verdict?.sinceMs !== undefined && { severitySinceMs: verdict.sinceMs }),
    findings: verdict?.findings ?? [],
    cannotHelp: verdict?.cannotHelp ?? [],
    elsewhere: verdict?.elsewhere ?? [],
    ...(settings?.hostname !== undefined && { hostname: settings.hostname }),
    identity: view.identity(),
    settings: settings ? settingRows(settings) : [],
    interfaces: settings ? settings.interfaces.map(interfaceRow) : [],
    inOwnNetworkNamespace: settings?.inOwnNetworkNamespace ?? false,
    agent,
    ...(view.alarms && { alarms: view.alarms() }),
    ...(view.drift && { drift: view.drift() }),
    ...(plan && { plan }),
    ...(view.incidents && { incidents: view.incidents.list().slice(0, MOST_INCIDENTS) }),
  };
}

function settingRows(settings: HostSettings): readonly SettingRow[] {
  const { sysctls, cpus } = settings;
  const rows: readonly (readonly [string, string | number | undefined])[] = [
    ["kernel", settings.kernelRelease],
    ["cpus", cpus.online?.length ?? cpus.possible],
    ["net.core.netdev_max_backlog", sysctls.netdevMaxBacklog],
    ["net.core.netdev_budget", sysctls.netdevBudget],
    ["net.core.netdev_budget_usecs", sysctls.netdevBudgetUsecs],
    ["net.core.dev_weight", sysctls.devWeight],
    ["net.core.flow_limit_cpu_bitmap", maskText(sysctls.flowLimitCpuBitmap, settings)],
    ["net.core.rps_sock_flow_entries", sysctls.rpsSockFlowEntries],
    ["net.core.rps_default_mask", maskText(sysctls.rpsDefaultMask, settings)],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value: String(value) }]));
}

function interfaceRow(each: InterfaceSettings): InterfaceRow {
  const masks = new Set(each.rxQueues.map(({ rpsCpus }) => rpsCpus));
  const [mask] = masks;
  return {
    name: each.name,
    kind: each.kind,
    ...(each.driver !== undefined && { driver: each.driver }),
    rxQueues: each.rxQueues.length,
    rps:
      masks.size > 1
        ? "several masks"
        : mask === undefined
          ? ""
          : mask === 0n
            ? "off"
            : `0x${mask.toString(16)}`,
  };
}

function maskText(mask: CpuMask | undefined, settings: HostSettings): string | undefined {
  if (mask === undefined) return undefined;
  if (mask === 0n) return "0"; // 1024 possible CPUs would make it 287 characters of nothing.
  const highest = cpusOfMask(mask).at(-1) ?? 0;
  return formatCpuMask(mask, Math.max(settings.cpus.possible ?? 1, highest + 1));
}

/** A range that ends now. The newest ones come from memory, and from disk for as long as this process is younger than they are. */
export function historyOfRange(
  view: ConsoleView,
  range: Range,
  also: readonly number[],
  nowMs: number,
): HistoryDocument {
  const fromMs = nowMs - RANGE_MS[range];
  const query = { fromMs, toMs: nowMs, maxPoints: MOST_POINTS, worst: WORST_CPUS, also };
  switch (range) {
    case "now":
    case "1h":
      return historyDocument(recentSeries(view, query), query);
    case "24h":
      return historyDocument(view.history.read(query), query);
    case "30d": {
      const host = view.history.read({ ...query, worst: 0, also: [] });
      // Of the CPUs, only a day is kept: their peaks are those of the day.
      const { peaks } = view.history.read({ ...query, fromMs: nowMs - RANGE_MS["24h"] });
      return historyDocument({ ...host, peaks }, query);
    }
  }
}

/** What a stream missed while it was broken, sample by sample; at most an hour of it. */
export function historySince(view: ConsoleView, afterMs: number, nowMs: number): HistoryDocument {
  const fromMs = Math.max(afterMs + 1, nowMs - RANGE_MS["1h"]);
  const query = { fromMs, toMs: nowMs, maxPoints: Number.MAX_SAFE_INTEGER, worst: WORST_CPUS, also: [] };
  return historyDocument(recentSeries(view, query), query);
}

function recentSeries(view: ConsoleView, query: SeriesQuery): Series {
  const { recent, history } = view;
  const { oldestMs } = recent;
  if (oldestMs === undefined) return history.read(query);
  // A minute's row starts before its seconds: the last row that is wanted ended when the points begin.
  const toMs = oldestMs - MINUTE_MS;
  if (toMs <= query.fromMs) return recent.read(query);
  return joined(history.read({ ...query, toMs }), recent.read(query));
}

/** Two series one after the other, on one axis. A CPU without a line in one of them was quiet there. */
function joined(before: Series, after: Series): Series {
  const last = before.timesMs.at(-1);
  const first = after.timesMs[0];
  if (last === undefined || first === undefined) return last === undefined ? after : before;
  // While no agent ran, nobody counted.
  const gap = first - last > 2.5 * before.stepMs ? [last + (first - last) / 2] : [];
  const cpus = new Set([...before.cpus, ...after.cpus].map(({ cpu }) => cpu));
  const lineIn = (series: Series, cpu: number): SeriesColumns =>
    series.cpus.find((line) => line.cpu === cpu) ?? quietLine(series);
  const columns = (early: SeriesColumns, late: SeriesColumns): SeriesColumns => {
    const column = (name: keyof SeriesColumns): Float32Array =>
      Float32Array.from([
        ...(early[name] ?? unknown(before)),
        ...gap.map(() => Number.NaN),
        ...(late[name] ?? unknown(after)),
      ]);
    return {
      dropped: column("dropped"),
      squeezed: column("squeezed"),
      processed: column("processed"),
      backlog: column("backlog"),
    };
  };
  return {
    timesMs: Float64Array.from([...before.timesMs, ...gap, ...after.timesMs]),
    stepMs: after.stepMs,
    host: columns(before.host, after.host),
    cpus: [...cpus]
      .toSorted((a, b) => a - b)
      .map((cpu) => ({ cpu, ...columns(lineIn(before, cpu), lineIn(after, cpu)) })),
    peaks: joinedPeaks(before, after),
    droppedSum: before.droppedSum + after.droppedSum,
    squeezedSum: before.squeezedSum + after.squeezedSum,
  };
}

function joinedPeaks(before: Series, after: Series): readonly CpuPeak[] {
  const peaks = new Map(before.peaks.map((peak) => [peak.cpu, peak]));
  for (const peak of after.peaks) {
    const earlier = peaks.get(peak.cpu);
    peaks.set(peak.cpu, {
      cpu: peak.cpu,
      dropped: Math.max(peak.dropped, earlier?.dropped ?? 0),
      squeezed: Math.max(peak.squeezed, earlier?.squeezed ?? 0),
    });
  }
  return [...peaks.values()].toSorted(worstFirst);
}

function quietLine(series: Series): SeriesColumns {
  const quiet = series.host.dropped.map((value) => (Number.isNaN(value) ? Number.NaN : 0));
  return { dropped: quiet, squeezed: quiet, processed: undefined, backlog: undefined };
}

function unknown(series: Series): Float32Array {
  return new Float32Array(series.timesMs.length).fill(Number.NaN);
}

function historyDocument(series: Series, query: SeriesQuery): HistoryDocument {
  return {
    schemaVersion: 1,
    fromMs: query.fromMs,
    toMs: query.toMs,
    stepMs: series.stepMs,
    timesMs: [...series.timesMs],
    host: historyColumns(series.host),
    cpus: series.cpus.map((line) => ({ cpu: line.cpu, ...historyColumns(line) })),
    peaks: {
      cpu: series.peaks.map(({ cpu }) => cpu),
      dropped: series.peaks.map(({ dropped }) => rounded(dropped)),
      squeezed: series.peaks.map(({ squeezed }) => rounded(squeezed)),
    },
    droppedSum: series.droppedSum,
    squeezedSum: series.squeezedSum,
  };
}

function historyColumns(columns: SeriesColumns): HistoryColumns {
  return {
    dropped: Array.from(columns.dropped, valueOf),
    squeezed: Array.from(columns.squeezed, valueOf),
    ...(columns.processed && { processed: Array.from(columns.processed, valueOf) }),
    ...(columns.backlog && { backlog: Array.from(columns.backlog, valueOf) }),
  };
}

function valueOf(value: number): Value {
  return Number.isNaN(value) ? null : rounded(value);
}

/** At most three decimals, as in every output of ours. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
