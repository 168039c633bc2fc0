import type { ServerResponse } from "node:http";

import { historySince, liveDocument, stateDocument } from "./documents.ts";
import type { ConsoleView } from "./view.ts";

/** A few screens and a script or two; each costs a buffer and a message a second. */
export const MOST_STREAMS = 16;

export const EVENT_STREAM_CONTENT_TYPE = "text/event-stream; charset=utf-8";

/** A reader that is this far behind does not read any more. */
const MOST_UNREAD_BYTES = 4_000_000;

/**
 * The readers of `/api/live`: server-sent events.
 *
 * `sample` is one second (its id is the sample's time), `state` what changes seldom, `missed` what a stream that was broken off has not seen: a
 * reader that comes back names the last id it got.
 */
export class LiveStreams {
  readonly #view: ConsoleView;
  readonly #streams = new Set<ServerResponse>();
  #lastTakenAtMs: number | undefined;
  #lastState = "";

  constructor(view: ConsoleView) {
    this.#view = view;
  }

  get isFull(): boolean {
    return this.#streams.size >= MOST_STREAMS;
  }

  /** @param lastEventId as the reader sent it; empty for a new one. */
  add(response: ServerResponse, lastEventId: string, nowMs: number): void {
    response.writeHead(200, { "Content-Type": EVENT_STREAM_CONTENT_TYPE });
    this.#streams.add(response);
    response.on("close", () => this.#streams.delete(response));

    // Comes back after a second rather than the browser's three.
    const messages = ["retry: 1000\n\n", message("state", JSON.stringify(stateDocument(this.#view)))];
    const lastSeenMs = /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : undefined;
    const live = liveDocument(this.#view.latest());
    if (lastSeenMs !== undefined) {
      const missed = historySince(this.#view, lastSeenMs, nowMs);
      if (missed.timesMs.length > 0) messages.push(message("missed", JSON.stringify(missed)));
    }
    if (live) messages.push(message("sample", JSON.stringify(live), live.takenAtMs));
    response.write(messages.join(""));
  }

  /** Sends what the agent's last tick brought; costs nothing while nobody looks. */
  publish(): void {
    if (this.#streams.size === 0) return;
    const messages: string[] = [];
    const state = JSON.stringify(stateDocument(this.#view));
    if (state !== this.#lastState) messages.push(message("state", state));
    this.#lastState = state;
    const live = liveDocument(this.#view.latest());
    if (live && live.takenAtMs !== this.#lastTakenAtMs) {
      messages.push(message("sample", JSON.stringify(live), live.takenAtMs));
      this.#lastTakenAtMs = live.takenAtMs;
    }
    if (messages.length === 0) return;
    const text = messages.join("");
    for (const stream of this.#streams) {
      if (stream.writableLength > MOST_UNREAD_BYTES) stream.destroy();
      else stream.write(text);
    }
  }

  close(): void {
    for (const stream of this.#streams) stream.end();
  }
}

function message(event: string, json: string, id?: number): string {
  // JSON holds no line break, so that one data line is enough.
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${json}\n\n`;
}
