import type { MetricEntry } from "./metrics.ts";
import { MINUTE_MS } from "./window.ts";

/** One PutCustomMetric call that still has to arrive. Its entries never change: a repeat is the same bytes. */
export interface QueuedBatch {
  readonly id: number;
  /** Start of the window it speaks of, epoch milliseconds. */
  readonly windowStartMs: number;
  readonly entries: readonly MetricEntry[];
  /** How often it was sent without our learning whether it arrived. */
  readonly ambiguousSends: number;
}

/** Where batches wait for the cloud; it survives the process. */
export interface PushQueue {
  add(windowStartMs: number, batches: readonly (readonly MetricEntry[])[]): void;
  /** Oldest window first, and in the order they were added within it. */
  waiting(): readonly QueuedBatch[];
  markAmbiguous(id: number): void;
  remove(id: number): void;
}

/** What became of one call. Only `ambiguous` may have arrived without our knowing. */
export type PushOutcome =
  | { readonly kind: "accepted" }
  /** CloudMonitor's 206: some entries were taken, usually because the series quota is used up. */
  | { readonly kind: "partly-accepted"; readonly reason: string }
  /** The entries themselves are wrong: sending them again cannot help. */
  | { readonly kind: "refused"; readonly code: string; readonly reason: string }
  /** Credentials, permission or clock: nothing was taken, and nothing will be until somebody mends it. */
  | { readonly kind: "denied"; readonly code: string; readonly reason: string }
  | { readonly kind: "throttled"; readonly retryAfterMs: number | undefined }
  /** It never left: no route, no name, connection refused. */
  | { readonly kind: "unsent"; readonly code: string }
  | { readonly kind: "ambiguous"; readonly reason: string };

/**
 * The order in which waiting batches are sent: the newest window first, then the oldest ones that are still wanted.
 *
 * A window's age counts from its end, so that a push every 15 minutes sends the first of its windows at all.
 *
 * @param waiting oldest window first.
 */
export function deliveryOrder(
  waiting: readonly QueuedBatch[],
  nowMs: number,
  backfillSeconds: number,
): { readonly send: readonly QueuedBatch[]; readonly giveUp: readonly QueuedBatch[] } {
  const isWanted = ({ windowStartMs }: QueuedBatch): boolean =>
    windowStartMs + MINUTE_MS >= nowMs - backfillSeconds * 1000;
  const wanted = waiting.filter(isWanted);
  const newestStartMs = wanted.at(-1)?.windowStartMs;
  return {
    send: [
      ...wanted.filter(({ windowStartMs }) => windowStartMs === newestStartMs),
      ...wanted.filter(({ windowStartMs }) => windowStartMs !== newestStartMs),
    ],
    giveUp: waiting.filter((batch) => !isWanted(batch)),
  };
}
