import type { Logger } from "pino";
import * as v from "valibot";

import type { Clock } from "../clock.ts";
import type { WebhookStatus } from "../console/view.ts";
import type { AlarmDocument } from "../core/alarm-document.ts";
import { postJson, type PostOutcome, webhookName } from "./webhook.ts";

/** Where documents wait for the webhook, also over a restart. */
export interface WebhookShelf {
  read(): unknown;
  write(waiting: readonly AlarmDocument[]): void;
}

const TIMEOUT_MS = 5000;
/** After 5, 10, 20, … seconds: within ten minutes. */
const TRIES = 8;
const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 300_000;
/** An alarm that comes later than this is news no more. */
const STALE_AFTER_MS = 3_600_000;
const MOST_WAITING = 50;
/** What a call that is on its way gets when the process has to stop. */
const GRACE_MS = 2000;

const storedDocuments = v.array(
  v.looseObject({ schemaVersion: v.literal(1), id: v.string(), at: v.string() }),
);

/** @param url with its secrets. */
export function openWebhook(
  url: string,
  parts: { clock: Clock; log: Pick<Logger, "info" | "warn" | "error">; shelf: WebhookShelf },
): WebhookSender {
  return new WebhookSender({
    ...parts,
    post: (body, signal) => postJson(url, body, TIMEOUT_MS, signal),
    where: webhookName(url),
  });
}

/** Tells the webhook of alarms, one after the other, each until it was taken, for a bounded time. */
export class WebhookSender {
  readonly #post: (body: string, signal: AbortSignal) => Promise<PostOutcome>;
  readonly #where: string;
  readonly #clock: Clock;
  readonly #log: Pick<Logger, "info" | "warn" | "error">;
  readonly #shelf: WebhookShelf;
  readonly #random: () => number;
  readonly #stop = new AbortController();
  readonly #waiting: AlarmDocument[];
  #tries = 0;
  #notBeforeMs = 0;
  #sending: Promise<void> | undefined;
  #delivered = 0;
  #givenUp = 0;
  #lastDeliveredAtMs: number | undefined;
  #problem: WebhookStatus["problem"];

  /** @param parts `where` names the webhook to people; `random` is from 0 to below 1. */
  constructor(parts: {
    post: (body: string, signal: AbortSignal) => Promise<PostOutcome>;
    where: string;
    clock: Clock;
    log: Pick<Logger, "info" | "warn" | "error">;
    shelf: WebhookShelf;
    random?: () => number;
  }) {
    this.#post = parts.post;
    this.#where = parts.where;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#shelf = parts.shelf;
    this.#random = parts.random ?? Math.random;
    const left = parts.shelf.read();
    this.#waiting = v.is(storedDocuments, left) ? (left as unknown[] as AlarmDocument[]) : [];
  }

  get status(): WebhookStatus {
    return {
      where: this.#where,
      delivered: this.#delivered,
      givenUp: this.#givenUp,
      waiting: this.#waiting.length,
      lastDeliveredAtMs: this.#lastDeliveredAtMs,
      problem: this.#problem,
    };
  }

  add(documents: readonly AlarmDocument[]): void {
    this.#waiting.push(...documents);
    this.#waiting.splice(0, this.#waiting.length - MOST_WAITING);
  }

  /**
   * Keeps what waits for the next process.
   *
   * @throws StoreError when the disk would not take it; it waits in memory then.
   */
  save(): void {
    this.#shelf.write(this.#waiting);
  }

  /**
   * Sends what waits, in the order in which it happened; returns at once when there is nothing, or it is not time yet.
   *
   * @throws StoreError when the disk would not take that it was sent.
   */
  async send(): Promise<void> {
    const next = this.#waiting[0];
    if (!next || this.#sending || this.#mustWait()) return;
    this.#sending = this.#sendOne(next);
    try {
      await this.#sending;
    } finally {
      this.#sending = undefined;
    }
  }

  /** Tries each that waits once, as far as one is taken: the process will not be there to try again. */
  async sendAll(): Promise<void> {
    for (let left = this.#waiting.length + 1; this.#waiting.length > 0 && this.#waiting.length < left;) {
      left = this.#waiting.length;
      await this.send();
    }
  }

  /** Ends what is on its way after a moment; it is sent again by the next process. */
  async close(): Promise<void> {
    const timer = setTimeout(() => this.#stop.abort(), GRACE_MS);
    await Promise.allSettled([this.#sending]);
    clearTimeout(timer);
  }

  #mustWait(): boolean {
    // Further off than anybody waits: the clock was set back.
    const untilMs = this.#notBeforeMs - this.#clock.nowMs();
    return untilMs > 0 && untilMs <= LONGEST_PAUSE_MS;
  }

  async #sendOne(document: AlarmDocument): Promise<void> {
    if (this.#clock.nowMs() - Date.parse(document.at) > STALE_AFTER_MS) {
      this.#giveUp(document, "it is more than an hour old");
      return;
    }
    this.#tries++;
    const outcome = await this.#post(JSON.stringify(document), this.#stop.signal);
    if (this.#stop.signal.aborted) return;
    const atMs = this.#clock.nowMs();
    if (outcome.kind === "taken") {
      this.#delivered++;
      this.#lastDeliveredAtMs = atMs;
      if (this.#problem) this.#log.info(`The webhook at ${this.#where} takes alarms again`);
      this.#problem = undefined;
      this.#remove(document);
      return;
    }
    if (!this.#problem) {
      this.#log.warn(
        `The webhook at ${this.#where} did not take an alarm, which is sent again: ${outcome.why}`,
      );
    }
    this.#problem = { atMs, message: outcome.why };
    if (this.#tries >= TRIES) this.#giveUp(document, outcome.why);
    else this.#notBeforeMs = atMs + this.#pauseMs();
  }

  /** Jittered, so that agents which failed together do not come back together. */
  #pauseMs(): number {
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#tries - 1), LONGEST_PAUSE_MS);
    return pauseMs * (0.75 + 0.25 * this.#random());
  }

  #giveUp(document: AlarmDocument, why: string): void {
    this.#givenUp++;
    this.#log.error(
      `The webhook at ${this.#where} was not told of ${document.alarm} ${document.state}: ${why}`,
    );
    this.#remove(document);
  }

  #remove(document: AlarmDocument): void {
    // It may have made room for newer ones while it was on its way.
    const at = this.#waiting.indexOf(document);
    if (at !== -1) this.#waiting.splice(at, 1);
    this.#tries = 0;
    this.#notBeforeMs = 0;
    this.save();
  }
}
