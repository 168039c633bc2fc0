import { setTimeout as wait } from "node:timers/promises";

/** The SDK's own timers get this much to fire first, because only they close the connection. */
const MARGIN_MS = 250;

/**
 * What was answered, or `late` after the timeout and a margin.
 *
 * The SDK's timeout does not always fire: a timer left behind on a kept connection cancels it.
 */
export async function withinDeadline<T>(answered: Promise<T>, timeoutMs: number, late: T): Promise<T> {
  const done = new AbortController();
  try {
    return await Promise.race([answered, wait(timeoutMs + MARGIN_MS, late, { signal: done.signal })]);
  } finally {
    done.abort();
  }
}
