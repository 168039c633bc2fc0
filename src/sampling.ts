import { setTimeout as wait } from "node:timers/promises";

import type { Clock } from "./clock.ts";
import type { Reading } from "./core/observation.ts";
import { HostError } from "./errors.ts";
import type { CapturedHost } from "./host/capture.ts";
import type { Host } from "./host/host.ts";
import { takeReading } from "./host/reading.ts";

/** Often enough to tell a burst from an overload, and seldom enough to cost nothing: counters grow exactly in between. */
const SAMPLE_EVERY_MS = 1000;

export interface SamplingWorld {
  readonly clock: Clock;
  /** Rejects when the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Watches a machine for so many seconds.
 *
 * @param onProgress hears of each passed second.
 * @returns a series whose first and last reading are whole, shorter when the signal aborted.
 * @throws HostError when the counters cannot be read at the beginning or at the end; a torn reading in between is left out.
 */
export async function sampleMachine(
  host: Host,
  forSeconds: number,
  signal: AbortSignal,
  world: SamplingWorld,
  onProgress: (passedSeconds: number) => void,
): Promise<readonly Reading[]> {
  const { clock } = world;
  const moment = (): { takenAtMs: number; monotonicMs: number } => ({
    takenAtMs: clock.nowMs(),
    monotonicMs: clock.monotonicMs(),
  });
  const beganMs = clock.monotonicMs();
  const readings = [takeReading(host, moment(), "all")];
  for (let second = 1; second <= forSeconds; second++) {
    onProgress(second - 1);
    // From the beginning and not from the last reading, so that no delay adds up.
    const dueMs = beganMs + second * SAMPLE_EVERY_MS;
    await world.wait(Math.max(0, dueMs - clock.monotonicMs()), signal).catch(ignoreAbort);
    if (signal.aborted) return readings;
    if (second === forSeconds) {
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

/** The series that a capture holds. */
export function readingsOfCapture(snapshots: readonly CapturedHost[]): readonly Reading[] {
  return snapshots.map((snapshot, i) =>
    takeReading(snapshot, snapshot, i === 0 || i === snapshots.length - 1 ? "all" : "counters"),
  );
}

export async function waitUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal });
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === "AbortError")) throw error;
}
