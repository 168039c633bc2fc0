/** The two clocks: one says which minute it is, the other how long something took. */
export interface Clock {
  /** Wall clock, epoch milliseconds. It may step. */
  readonly nowMs: () => number;
  /** CLOCK_MONOTONIC in milliseconds: it never steps, and it is one for all processes of a boot. */
  readonly monotonicMs: () => number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => Number(process.hrtime.bigint() / 1000n) / 1000,
};

/**
 * Calls back at every multiple of `seconds` on the wall clock, so that windows end close to their minute. A call that comes late is not
 * made up for, and none overlaps the one before, because each is scheduled when that one has ended.
 *
 * @returns stops it.
 */
export function everyStep(seconds: number, clock: Clock, callback: () => void): () => void {
  const stepMs = seconds * 1000;
  let timer: NodeJS.Timeout;
  const schedule = () => {
    const untilNextMs = stepMs - (clock.nowMs() % stepMs);
    // A timer may fire a millisecond early; the next multiple would then be the one that was just served.
    timer = setTimeout(run, untilNextMs < stepMs / 2 ? untilNextMs + stepMs : untilNextMs);
  };
  const run = () => {
    try {
      callback();
    } finally {
      schedule();
    }
  };
  timer = setTimeout(run, stepMs - (clock.nowMs() % stepMs));
  return () => clearTimeout(timer);
}
