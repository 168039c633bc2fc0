import { type CpuTime, ticksBetween } from "./cpu-time.ts";
import type { SoftnetDelta } from "./delta.ts";
import type { HostSettings } from "./host-settings.ts";
import {
  elsewhereBetween,
  type Observation,
  observationOf,
  type ObservedElsewhere,
  type Reading,
  type Step,
} from "./observation.ts";
import { sumOf } from "./rates.ts";
import { DEFAULT_THRESHOLDS, type Thresholds } from "./thresholds.ts";

/**
 * Watches one boot of a host without an end, a sample at a time, at next to no cost while nothing grows: the sums of two columns decide. Only
 * then does it ask for what a verdict needs.
 *
 *     const wanted = wantedBy(observer, delta);
 *     const observation = addStep(observer, delta, answers);   // undefined: nothing is lost
 *
 * After a reboot, or any two samples that cannot be compared, begin with a new one.
 */
export interface Observer {
  readonly thresholds: Thresholds;
  /** The last seconds, oldest first. */
  steps: Step[];
  /** Something grows in them. */
  isBusy: boolean;
  cpuTime: CpuTime | undefined;
  secondsSinceCpuTime: number;
  /** Whole readings: the last one before the steps, and those since. */
  readings: Reading[];
  secondsSinceReading: number;
  settings: HostSettings | undefined;
  secondsSinceSettings: number;
  /** What grew elsewhere between the two newest whole readings. */
  elsewhere: readonly ObservedElsewhere[];
}

/** What to read before `addStep`. Each costs more than the one before. */
export interface Wanted {
  readonly cpuTime: boolean;
  /** A whole reading, with the interfaces' counters. */
  readonly reading: boolean;
  readonly settings: boolean;
}

export interface Answers {
  readonly cpuTime: CpuTime | undefined;
  readonly reading: Reading | undefined;
  readonly settings: HostSettings | undefined;
}

/** A verdict is about these last seconds, as that of `diagnose` is by default. */
const WINDOW_SECONDS = 10;
/** While all is calm, the last known state to compare with is at most so old. */
const CALM_CPU_TIME_SECONDS = 10;
const CALM_READING_SECONDS = 60;
/** While something grows. Settings change when somebody repairs them. */
const BUSY_READING_SECONDS = 10;

export function newObserver(thresholds: Thresholds = DEFAULT_THRESHOLDS): Observer {
  return {
    thresholds,
    steps: [],
    isBusy: false,
    cpuTime: undefined,
    secondsSinceCpuTime: Number.POSITIVE_INFINITY,
    readings: [],
    secondsSinceReading: Number.POSITIVE_INFINITY,
    settings: undefined,
    secondsSinceSettings: Number.POSITIVE_INFINITY,
    elsewhere: [],
  };
}

/** What the observer needs to know about the step that ends now. */
export function wantedBy(observer: Observer, delta: SoftnetDelta): Wanted {
  const isBusy = growsIn([...observer.steps.map((step) => step.delta), delta], observer.thresholds);
  const { elapsedSeconds } = delta;
  const becomesBusy = isBusy && !observer.isBusy;
  const every = isBusy ? BUSY_READING_SECONDS : CALM_READING_SECONDS;
  return {
    cpuTime: isBusy || observer.secondsSinceCpuTime + elapsedSeconds >= CALM_CPU_TIME_SECONDS,
    reading: becomesBusy || observer.secondsSinceReading + elapsedSeconds >= every,
    settings:
      becomesBusy || (isBusy && observer.secondsSinceSettings + elapsedSeconds >= BUSY_READING_SECONDS),
  };
}

/**
 * Takes in the sample that ends now, and what was read for it.
 *
 * @param answers to what was wanted; more does no harm, and less makes the observation poorer.
 * @returns what the last seconds show; undefined while nothing grows in them.
 */
export function addStep(observer: Observer, delta: SoftnetDelta, answers: Answers): Observation | undefined {
  const { cpuTime, reading, settings } = answers;
  const isTicksOfStep = observer.secondsSinceCpuTime === 0;
  observer.secondsSinceCpuTime += delta.elapsedSeconds;
  observer.secondsSinceReading += delta.elapsedSeconds;
  observer.secondsSinceSettings += delta.elapsedSeconds;

  observer.steps.push({
    delta,
    ticks: cpuTime && observer.cpuTime && ticksBetween(observer.cpuTime, cpuTime),
    ticksGoFurther: !isTicksOfStep,
  });
  while (secondsOf(observer.steps.slice(1)) >= WINDOW_SECONDS) observer.steps.shift();

  if (cpuTime) {
    observer.cpuTime = cpuTime;
    observer.secondsSinceCpuTime = 0;
  }
  if (reading) takeReading(observer, reading);
  if (settings) {
    observer.settings = settings;
    observer.secondsSinceSettings = 0;
  }

  observer.isBusy = growsIn(
    observer.steps.map((step) => step.delta),
    observer.thresholds,
  );
  if (!observer.isBusy || observer.settings === undefined) return undefined;
  return observationOf(observer.steps, observer.readings[0], observer.readings.at(-1), observer.settings);
}

/** Drops at all, or squeezes that are more than noise. */
function growsIn(deltas: readonly SoftnetDelta[], thresholds: Thresholds): boolean {
  let [dropped, squeezed, seconds] = [0, 0, 0];
  for (const delta of deltas) {
    dropped += sumOf(delta.dropped);
    squeezed += sumOf(delta.timeSqueeze);
    seconds += delta.elapsedSeconds;
  }
  return dropped > 0 || squeezed >= thresholds.squeezesWorthMentionPerSecond * seconds;
}

/** Of the readings before the steps, only the last one matters: what grew since then grew in the steps. */
function takeReading(observer: Observer, reading: Reading): void {
  const newest = observer.readings.at(-1);
  if (newest) observer.elsewhere = elsewhereBetween(newest, reading);
  const beganMs = reading.softnet.monotonicMs - secondsOf(observer.steps) * 1000;
  const within = observer.readings.filter(({ softnet }) => softnet.monotonicMs > beganMs);
  const before = observer.readings.filter(({ softnet }) => softnet.monotonicMs <= beganMs).slice(-1);
  observer.readings = [...before, ...within, reading];
  observer.secondsSinceReading = 0;
}

function secondsOf(steps: readonly Step[]): number {
  return steps.reduce((seconds, { delta }) => seconds + delta.elapsedSeconds, 0);
}
