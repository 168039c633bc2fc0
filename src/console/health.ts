import type { ConsoleView } from "./view.ts";

/** A sample may be late by a busy machine's second or two before it counts as missing. */
const LEAST_PATIENCE_SECONDS = 5;

export type Health =
  | { readonly healthy: true; readonly sampleAgeSeconds: number }
  | { readonly healthy: false; readonly reason: string };

/** Whether the agent does its work: samples are fresh. It says nothing about packets. */
export function healthOf(view: ConsoleView, nowMs: number): Health {
  const latest = view.latest();
  const { sampleEverySeconds, sampleProblem } = view.status();
  const because = sampleProblem ? `: ${sampleProblem.message}` : "";
  if (!latest) return { healthy: false, reason: `no sample yet${because}` };
  const ageSeconds = Math.max(0, (nowMs - latest.sample.takenAtMs) / 1000);
  const patienceSeconds = Math.max(LEAST_PATIENCE_SECONDS, 3 * sampleEverySeconds);
  if (ageSeconds > patienceSeconds) {
    return { healthy: false, reason: `the last sample is ${ageSeconds.toFixed(1)} s old${because}` };
  }
  return { healthy: true, sampleAgeSeconds: ageSeconds };
}
