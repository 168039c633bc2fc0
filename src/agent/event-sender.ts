import type { Logger } from "pino";

import type { Clock } from "../clock.ts";
import type { CustomEvent } from "../core/custom-event.ts";
import { eventOf } from "../core/event-content.ts";
import type { VerdictChange } from "../core/verdict-over-time.ts";
import type { CloudSink } from "./sink.ts";

interface Waiting {
  readonly event: CustomEvent;
  tries: number;
  notBeforeMs: number;
}

/** An alarm that comes later than this is news no more. */
const STALE_AFTER_MS = 900_000;
const MOST_WAITING = 20;
const PAUSE_MS = 20_000;
/** A call that may have arrived is repeated once: an alarm told twice is better than one not told. */
const MOST_AMBIGUOUS_TRIES = 2;

/** Tells CloudMonitor of changes of the verdict. What certainly did not arrive is told again until it is stale. */
export class EventSender {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #waiting: Waiting[] = [];
  #sending = false;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** @param who undefined while nobody knows who we are: there is then nobody to tell. */
  add(change: VerdictChange, atMs: number, who: { instanceId: string; groupId: number } | undefined): void {
    if (!who) return;
    this.#waiting.push({ event: eventOf(change, atMs, who), tries: 0, notBeforeMs: 0 });
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
  }

  /** Sends what waits, in the order in which it happened; returns at once when there is nothing. */
  async send(sink: CloudSink | undefined): Promise<void> {
    const next = this.#waiting[0];
    if (!sink || !next || this.#sending || this.#clock.nowMs() < next.notBeforeMs) return;
    this.#sending = true;
    try {
      next.tries++;
      const outcome = await sink.cloud.putEvents([next.event]);
      const isStale = this.#clock.nowMs() - next.event.atMs > STALE_AFTER_MS;
      const isDone =
        outcome.kind === "accepted" ||
        outcome.kind === "partly-accepted" ||
        outcome.kind === "refused" ||
        (outcome.kind === "ambiguous" && next.tries >= MOST_AMBIGUOUS_TRIES);
      if (outcome.kind !== "accepted") {
        this.#log.warn({ outcome }, `CloudMonitor did not confirm the event ${next.event.name}`);
      }
      if (isDone || isStale) this.#waiting.splice(this.#waiting.indexOf(next), 1);
      else next.notBeforeMs = this.#clock.nowMs() + PAUSE_MS;
    } finally {
      this.#sending = false;
    }
  }
}
