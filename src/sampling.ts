import { setTimeout as wait } from "node:timers/promises";

import type { Clock } from "./clock.ts";
import type { Reading } from "./core/observation.ts";
import { HostError } from "./errors.ts";
import type { CapturedHost, Snapshot } from "./host/capture.ts";
import type { Host } from "./host/host.ts";
import { takeReading } from "./host/reading.ts";
import { takeFiles } from "./host/snapshot.ts";
import { readSoftnetStat } from "./host/softnet-stat.ts";

/** Often enough to tell a burst from an overload, and seldom enough to cost nothing: counters grow exactly in between. */
const SAMPLE_EVERY_MS = 1000;

export interface SamplingWorld {
  readonly clock: Clock;
  /** Comes back early when the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Watches a machine for so many seconds.
 *
 * @param onProgress hears of each passed second.
 * @param everyMs a part of a second for what changes within one, as the length of a queue.
 * @returns a series whose first and last reading are whole, shorter when the signal aborted.
 * @throws HostError when the counters cannot be read at the beginning or at the end; a torn reading in between is left out.
 */
export async function sampleMachine(
  host: Host,
  forSeconds: number,
  signal: AbortSignal,
  world: SamplingWorld,
  onProgress: (passedSeconds: number) => void,
  everyMs = SAMPLE_EVERY_MS,
): Promise<readonly Reading[]> {
  const { clock } = world;
  const moment = (): { takenAtMs: number; monotonicMs: number } => ({
    takenAtMs: clock.nowMs(),
    monotonicMs: clock.monotonicMs(),
  });
  const beganMs = clock.monotonicMs();
  const readings = [takeReading(host, moment(), "all")];
  const samples = Math.round((forSeconds * 1000) / everyMs);
  for (let sample = 1; sample <= samples; sample++) {
    onProgress(Math.floor(((sample - 1) * everyMs) / 1000));
    // From the beginning and not from the last reading, so that no delay adds up.
    const dueMs = beganMs + sample * everyMs;
    await world.wait(Math.max(0, dueMs - clock.monotonicMs()), signal);
    if (signal.aborted) return readings;
    if (sample === samples) {
      readings.push(takeReading(host, moment(), "all"));
      continue;
    }
    try {
      readings.push(takeReading(host, moment(), "counters"));
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
    }
  }
  return readings;
}

/**
 * Takes the snapshots of a capture.
 *
 * @param dueSeconds when each is due, in seconds from the first, as `snapshotTimes` has them.
 * @param onProgress hears of each second that a snapshot was taken at.
 * @returns undefined when the signal aborted: half a capture is none.
 * @throws HostError when there are no counters to take.
 */
export async function takeSnapshots(
  host: Host,
  dueSeconds: readonly number[],
  signal: AbortSignal,
  world: SamplingWorld,
  onProgress: (passedSeconds: number) => void,
): Promise<readonly Snapshot[] | undefined> {
  const { clock } = world;
  const beganMs = clock.monotonicMs();
  const snapshots: Snapshot[] = [];
  for (const [index, due] of dueSeconds.entries()) {
    await world.wait(Math.max(0, beganMs + due * 1000 - clock.monotonicMs()), signal);
    if (signal.aborted) return undefined;
    onProgress(due);
    const moment = { takenAtMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
    if (index === 0) readSoftnetStat(host, moment);
    const files = new Map(takeFiles(host, ["hot"]));
    const isEnd = index === 0 || index === dueSeconds.length - 1;
    if (isEnd) for (const [path, bytes] of takeFiles(host, ["ends"])) files.set(path, bytes);
    if (index === 0) for (const [path, bytes] of takeFiles(host, ["static"])) files.set(path, bytes);
    snapshots.push({ ...moment, files });
  }
  return snapshots;
}

/** The series that a capture holds. */
export function readingsOfCapture(snapshots: readonly CapturedHost[]): readonly Reading[] {
  return snapshots.map((snapshot, i) =>
    takeReading(snapshot, snapshot, i === 0 || i === snapshots.length - 1 ? "all" : "counters"),
  );
}

export async function waitUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
