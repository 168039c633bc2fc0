/** A point's time is the start of its minute. */
const PERIOD_MS = 60_000;

/** Beyond it an agent counts as dead: its window, its delay and the cloud's own lag are well within. */
export const STALE_AFTER_MS = 5 * 60_000;

/** @param ageMs undefined where there is no point at all. */
export function isStaleAge(ageMs: number | undefined): boolean {
  return ageMs === undefined || ageMs > STALE_AFTER_MS;
}

/** Milliseconds since the end of the minute that a point speaks of. */
export function ageOfPointMs(startMs: number, nowMs: number): number {
  return Math.max(0, nowMs - startMs - PERIOD_MS);
}
