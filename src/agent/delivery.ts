import { setTimeout as wait } from "node:timers/promises";

import type { Logger } from "pino";

import { deliveryOrder, type PushOutcome, type PushQueue, type QueuedBatch } from "../core/delivery.ts";
import type { MetricEntry } from "../core/metrics.ts";

/** What delivery needs of the world; a test hands over its own. */
export interface DeliveryWorld {
  readonly put: (entries: readonly MetricEntry[]) => Promise<PushOutcome>;
  readonly nowMs: () => number;
  /** Ends early, and without an error, when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log: Pick<Logger, "info" | "warn">;
  /** The process is asked to stop: no new call begins, and the one on its way gets a moment. */
  readonly signal: AbortSignal;
}

/** What one round remembers for the next. */
export interface DeliveryMemory {
  /** The cloud asked us to wait until then. */
  notBeforeMs: number;
  /** Batches that were sent and certainly not taken. */
  readonly untaken: Set<number>;
  /** Troubles that were logged, so that each is said once; one that passes may be said again when it comes back. */
  readonly said: Map<string, { readonly passes: boolean }>;
}

/** What one round did, in batches unless named otherwise. */
export interface DeliveryReport {
  accepted: number;
  partlyAccepted: number;
  refused: number;
  givenUp: number;
  /** Calls. */
  sends: number;
  /** Calls that repeated one which may have arrived. */
  ambiguousRepeats: number;
  /** Calls that repeated one which certainly was not taken. */
  retries: number;
  /** Still in the queue. */
  left: number;
  /** Why the round ended before the queue did. */
  stoppedBy: PushOutcome["kind"] | "signal" | "time" | undefined;
}

const TRIES = 3;
const SHORTEST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 2000;
/** A round ends before the next minute's begins. */
const ROUND_MS = 50_000;
/** Longer than this nobody is asked to wait in earnest. */
const LONGEST_WAIT_MS = 300_000;
/** What a call that is on its way gets when the process has to stop: less than the 5 s that stopping may take. */
const GRACE_MS = 2000;

export function newDeliveryMemory(): DeliveryMemory {
  return { notBeforeMs: 0, untaken: new Set(), said: new Map() };
}

/** Waits, but no longer than until the signal. */
export async function sleepUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/**
 * One round: sends what waits, the newest window first, and takes out of the queue what arrived or never will.
 *
 * A batch is sent again only after a call that may not have arrived, and then with the same bytes. What is sent when the process
 * dies before the queue hears of it is sent again by the next one, uncounted: CloudMonitor gets the same value for the same time twice.
 */
export async function deliver(
  queue: PushQueue,
  world: DeliveryWorld,
  settings: { readonly backfillSeconds: number },
  memory: DeliveryMemory,
): Promise<DeliveryReport> {
  const report: DeliveryReport = {
    accepted: 0,
    partlyAccepted: 0,
    refused: 0,
    givenUp: 0,
    sends: 0,
    ambiguousRepeats: 0,
    retries: 0,
    left: 0,
    stoppedBy: undefined,
  };
  const startedAtMs = world.nowMs();
  const { send, giveUp } = deliveryOrder(queue.waiting(), startedAtMs, settings.backfillSeconds);
  const round: Round = { queue, world, memory, report, endsAtMs: startedAtMs + ROUND_MS };
  for (const batch of giveUp) {
    forget(batch, round);
    report.givenUp++;
  }
  if (giveUp.length > 0) {
    const message = `Points older than ${settings.backfillSeconds} s are given up and stay in the local history`;
    sayOnce({ key: "given-up", passes: true, message }, round);
  }
  if (send.length > 0 && mustWait(memory, startedAtMs)) report.stoppedBy = "throttled";
  for (const batch of send) {
    report.stoppedBy ??= reasonToStop(round);
    if (report.stoppedBy !== undefined) break;
    settle(batch, await sendBatch(batch, round), round);
  }
  report.left = send.length - report.accepted - report.partlyAccepted - report.refused;
  return report;
}

interface Round {
  readonly queue: PushQueue;
  readonly world: DeliveryWorld;
  readonly memory: DeliveryMemory;
  readonly report: DeliveryReport;
  readonly endsAtMs: number;
}

/** Sends one batch until its fate is known, as often and as long as this round allows. @returns the last call's outcome. */
async function sendBatch(batch: QueuedBatch, round: Round): Promise<PushOutcome> {
  const { queue, world, memory, report } = round;
  let mayHaveArrived = batch.ambiguousSends > 0;
  for (let attempt = 1; ; attempt++) {
    report.sends++;
    if (mayHaveArrived) report.ambiguousRepeats++;
    else if (memory.untaken.has(batch.id)) report.retries++;

    const outcome = await outcomeOrAbort(world.put(batch.entries), world);
    if (outcome.kind === "ambiguous") {
      queue.markAmbiguous(batch.id);
      mayHaveArrived = true;
    } else if (outcome.kind === "denied" || mayPass(outcome)) {
      memory.untaken.add(batch.id);
    }
    if (attempt === TRIES || !mayPass(outcome)) return outcome;

    const pauseMs = Math.max(backoffMs(world.random()), askedToWaitMs(outcome));
    if (world.nowMs() + pauseMs >= round.endsAtMs) return outcome;
    await world.sleep(pauseMs, world.signal);
    if (world.signal.aborted) return outcome;
  }
}

/** What the outcome means for the batch and for the rest of the round. */
function settle(batch: QueuedBatch, outcome: PushOutcome, round: Round): void {
  const { report, memory, world } = round;
  switch (outcome.kind) {
    case "accepted":
      report.accepted++;
      forget(batch, round);
      sayMended(round);
      return;
    case "partly-accepted":
      report.partlyAccepted++;
      forget(batch, round);
      sayMended(round);
      break;
    case "refused":
      report.refused++;
      forget(batch, round);
      break;
    case "throttled":
      memory.notBeforeMs = world.nowMs() + askedToWaitMs(outcome);
      report.stoppedBy = outcome.kind;
      break;
    case "denied":
    case "unsent":
      report.stoppedBy = outcome.kind;
      break;
    case "ambiguous":
      break; // The next batch may fare better; the round's time bounds how often we try.
  }
  sayOnce(troubleOf(outcome), round);
}

/** What the log says of a trouble, by a key under which it is said once. */
interface Trouble {
  readonly key: string;
  /** Whether it may be said again when it comes back. */
  readonly passes: boolean;
  readonly message: string;
}

function troubleOf(outcome: Exclude<PushOutcome, { kind: "accepted" }>): Trouble {
  const key = outcome.kind;
  switch (outcome.kind) {
    case "partly-accepted":
      return { key, passes: false, message: `CloudMonitor takes a part of the points: ${outcome.reason}` };
    case "refused": {
      const message = `CloudMonitor refuses points with ${outcome.code}: ${outcome.reason}`;
      return { key: `${key} ${outcome.code}`, passes: false, message };
    }
    case "denied": {
      const message = `CloudMonitor denies points with ${outcome.code}: ${outcome.reason}`;
      return { key: `${key} ${outcome.code}`, passes: true, message };
    }
    case "throttled":
      return { key, passes: true, message: "CloudMonitor throttles this account: points wait" };
    case "unsent":
      return { key, passes: true, message: `CloudMonitor is out of reach (${outcome.code}): points wait` };
    case "ambiguous":
      return { key, passes: true, message: `CloudMonitor confirms nothing (${outcome.reason}): points wait` };
  }
}

/** Whether the same call may succeed a second later. */
function mayPass({ kind }: PushOutcome): boolean {
  return kind === "ambiguous" || kind === "throttled" || kind === "unsent";
}

function mustWait({ notBeforeMs }: DeliveryMemory, nowMs: number): boolean {
  // Further off than anybody asked for: the clock was set back.
  return nowMs < notBeforeMs && notBeforeMs <= nowMs + LONGEST_WAIT_MS;
}

function askedToWaitMs(outcome: PushOutcome): number {
  return outcome.kind === "throttled" ? Math.min(outcome.retryAfterMs ?? 0, LONGEST_WAIT_MS) : 0;
}

/** Jittered, so that agents which failed together do not come back together. */
function backoffMs(random: number): number {
  return SHORTEST_BACKOFF_MS + random * (LONGEST_BACKOFF_MS - SHORTEST_BACKOFF_MS);
}

function reasonToStop({ world, endsAtMs }: Round): "signal" | "time" | undefined {
  if (world.signal.aborted) return "signal";
  return world.nowMs() >= endsAtMs ? "time" : undefined;
}

/** A call that has not come back some moments after the stop was asked for is left behind, its fate unknown. */
function outcomeOrAbort(sent: Promise<PushOutcome>, world: DeliveryWorld): Promise<PushOutcome> {
  const done = new AbortController();
  return new Promise((resolve, reject) => {
    const leave = async (): Promise<void> => {
      await world.sleep(GRACE_MS, done.signal);
      resolve({ kind: "ambiguous", reason: "the agent was stopped while it waited for the answer" });
    };
    world.signal.addEventListener("abort", () => void leave(), { once: true, signal: done.signal });
    sent.then(resolve, reject).finally(() => done.abort());
  });
}

function forget(batch: QueuedBatch, { queue, memory }: Round): void {
  queue.remove(batch.id);
  memory.untaken.delete(batch.id);
}

/** Whoever reads the log learns each trouble once, and when it is over. */
function sayOnce({ key, passes, message }: Trouble, { memory, world }: Round): void {
  if (memory.said.has(key)) return;
  memory.said.set(key, { passes });
  world.log.warn(message);
}

function sayMended({ memory, world }: Round): void {
  const over = [...memory.said].filter(([, { passes }]) => passes);
  if (over.length === 0) return;
  for (const [key] of over) memory.said.delete(key);
  world.log.info("CloudMonitor takes points again");
}
