import { type ActiveCpus, cpusToSend, type CpuSeriesMode, withActivityOf } from "../core/cpu-series.ts";
import { deltaBetween, type SoftnetDelta } from "../core/delta.ts";
import {
  batchesOf,
  cpuEntries,
  hostEntries,
  type MetricEntry,
  type SeriesSettings,
} from "../core/metrics.ts";
import { type HostSeverity, SEVERITY_VALUE } from "../core/finding.ts";
import type { SoftnetSample } from "../core/softnet-sample.ts";
import {
  addToWindow,
  type ClosedWindow,
  closeWindow,
  type CpuTally,
  isOver,
  mergeTallies,
  MINUTE_MS,
  minuteOf,
  openWindow,
  type OpenWindow,
} from "../core/window.ts";

const FIVE_MINUTES_MS = 300_000;

export interface AgentSettings {
  readonly cpuSeries: CpuSeriesMode;
  readonly cpuSeriesMax: number;
}

/** What the agent remembers between two ticks. Plain data, so that a restart can continue it. */
export interface AgentMemory {
  /** The last good sample; growth counts from here. */
  sample: SoftnetSample | undefined;
  window: OpenWindow | undefined;
  /** Of each sample in the open window: 0 healthy, 1 warning, 2 critical. */
  severities: number[];
  fiveMinutes: FiveMinutes | undefined;
  activeCpus: ActiveCpus;
  /** Start of the newest minute that was queued: CloudMonitor never gets a minute twice with other values. */
  lastQueuedStartMs: number;
}

/** The minutes of a 300 s period so far. */
export interface FiveMinutes {
  readonly startMs: number;
  readonly tally: CpuTally;
  readonly severities: readonly number[];
}

/** A closed minute and what is to be sent of it; one transaction keeps it all. */
export interface ClosedMinute {
  readonly window: ClosedWindow;
  /** Of each sample: 0 healthy, 1 warning, 2 critical. */
  readonly severities: readonly number[];
  readonly batches: readonly (readonly MetricEntry[])[];
}

/** The world as the agent sees it; a test hands over its own. */
export interface AgentWorld {
  /** @throws HostError when the file is torn or gone; the next tick tries again. */
  readonly takeSample: () => SoftnetSample;
  readonly judge: (delta: SoftnetDelta, sample: SoftnetSample) => HostSeverity;
  /** Shows the second that has just passed: live graphs, `/metrics`. */
  readonly show: (sample: SoftnetSample, delta: SoftnetDelta | undefined) => void;
  /** Keeps a closed minute. It is called with the memory that a restart would need. */
  readonly keep: (minute: ClosedMinute, memory: AgentMemory) => void;
  /** Who we are in CloudMonitor; undefined while nobody knows, and then nothing is queued. */
  readonly series: () => SeriesSettings | undefined;
}

export function newMemory(): AgentMemory {
  return {
    sample: undefined,
    window: undefined,
    severities: [],
    fiveMinutes: undefined,
    activeCpus: {},
    lastQueuedStartMs: 0,
  };
}

/**
 * One sample: delta, rates, verdict, and at the minute's end the window.
 *
 * A late or missed tick changes nothing but the number of samples: growth is counted from the last good sample over the time that really
 * passed.
 */
export function tick(memory: AgentMemory, world: AgentWorld, settings: AgentSettings): void {
  const sample = world.takeSample();
  const before = memory.sample;
  memory.sample = sample;
  memory.window ??= openWindow(sample.takenAtMs);

  const delta = before && deltaBetween(before, sample);
  if (delta?.kind === "delta") {
    addToWindow(memory.window, delta);
    memory.severities.push(SEVERITY_VALUE[world.judge(delta, sample)]);
    world.show(sample, delta);
  } else {
    world.show(sample, undefined);
  }
  if (isOver(memory.window, sample.takenAtMs)) turnMinute(memory, world, settings, sample.takenAtMs);
}

/**
 * Continues what a process before us left behind: the same minute of the same boot goes on as one window; an older minute
 * is closed with what it had.
 */
export function resume(
  left: AgentMemory,
  now: SoftnetSample,
  world: AgentWorld,
  settings: AgentSettings,
): AgentMemory {
  const memory = { ...left };
  const sameBoot = left.sample?.bootId !== undefined && left.sample.bootId === now.bootId;
  if (sameBoot && left.window?.startMs === minuteOf(now.takenAtMs)) return memory;
  if (memory.window) turnMinute(memory, world, settings, now.takenAtMs);
  // What was lost while nobody looked belongs to no minute that we watched.
  memory.sample = undefined;
  return memory;
}

/** Closes the open window and begins the next one at `atMs`. */
function turnMinute(memory: AgentMemory, world: AgentWorld, settings: AgentSettings, atMs: number): void {
  const closed = memory.window && closeWindow(memory.window);
  const severities = memory.severities;
  memory.window = openWindow(atMs);
  memory.severities = [];
  if (!closed) return;

  memory.activeCpus = withActivityOf(memory.activeCpus, closed);
  const series = world.series();
  const entries = series ? entriesDue(memory, closed, severities, series, settings) : [];
  world.keep({ window: closed, severities, batches: batchesOf(entries) }, memory);
}

function entriesDue(
  memory: AgentMemory,
  closed: ClosedWindow,
  severities: readonly number[],
  series: SeriesSettings,
  settings: AgentSettings,
): readonly MetricEntry[] {
  // The wall clock was set back into a minute that is queued already: its point must not change.
  if (closed.startMs <= memory.lastQueuedStartMs) return [];
  memory.lastQueuedStartMs = closed.startMs;

  const cpus = cpusToSend(settings.cpuSeries, memory.activeCpus, closed, settings.cpuSeriesMax);
  return [
    ...hostEntries({ period: "60", startMs: closed.startMs }, closed.all, severities, series),
    ...fiveMinuteEntries(memory, closed, severities, series),
    ...cpuEntries(closed, cpus, series),
  ];
}

/** Adds the minute to its 300 s period, and makes the entries of a period that is over. */
function fiveMinuteEntries(
  memory: AgentMemory,
  closed: ClosedWindow,
  severities: readonly number[],
  series: SeriesSettings,
): readonly MetricEntry[] {
  const startMs = Math.floor(closed.startMs / FIVE_MINUTES_MS) * FIVE_MINUTES_MS;
  const open = memory.fiveMinutes;
  const soFar = open?.startMs === startMs ? open : undefined;
  const period: FiveMinutes = {
    startMs,
    tally: soFar ? mergeTallies(soFar.tally, closed.all) : closed.all,
    severities: [...(soFar?.severities ?? []), ...severities],
  };
  // A period whose last minute nobody watched ends when a later one begins.
  const over = open && !soFar ? [open] : [];
  if (closed.startMs + MINUTE_MS === startMs + FIVE_MINUTES_MS) over.push(period);
  memory.fiveMinutes = over.includes(period) ? undefined : period;
  return over.flatMap((each) =>
    hostEntries({ period: "300", startMs: each.startMs }, each.tally, each.severities, series),
  );
}
