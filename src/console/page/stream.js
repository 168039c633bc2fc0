/** The live stream: what it brings, and whether it still brings anything. */

/** @typedef {import("../wire.ts").LiveDocument} LiveDocument */
/** @typedef {import("../wire.ts").StateDocument} StateDocument */
/** @typedef {import("../wire.ts").HistoryDocument} HistoryDocument */
/** `late`: the agent answers but takes no samples; `lost`: it does not answer. */
/** @typedef {"connecting" | "live" | "late" | "lost"} StreamStatus */

/** A browser gives up for good when the answer is no stream (the agent is full, or another program has the port now). */
const TRY_AGAIN_MS = 3000;
const LEAST_PATIENCE_MS = 4000;

export class LiveStream {
  /** @type {StreamStatus} */
  status = "connecting";
  /** By this browser's clock. */
  #lastSampleMs = performance.now();
  #patienceMs = LEAST_PATIENCE_MS;
  /** @type {EventSource} */
  #source;
  #listener;
  #lastEventId = "";

  /**
   * @param {{
   *   readonly onSample: (live: LiveDocument) => void,
   *   readonly onState: (state: StateDocument) => void,
   *   readonly onMissed: (missed: HistoryDocument) => void,
   *   readonly onStatus: (status: StreamStatus) => void,
   * }} listener
   */
  constructor(listener) {
    this.#listener = listener;
    this.#source = this.#open();
    setInterval(() => this.#watch(), 500);
  }

  /** @param {number} seconds between two samples */
  expectEvery(seconds) {
    this.#patienceMs = Math.max(LEAST_PATIENCE_MS, 3000 * seconds);
  }

  /** Since when nothing has come, in milliseconds. */
  get silentForMs() {
    return performance.now() - this.#lastSampleMs;
  }

  #open() {
    const source = new EventSource(this.#lastEventId ? `/api/live?after=${this.#lastEventId}` : "/api/live");
    source.addEventListener("sample", (event) => {
      this.#lastSampleMs = performance.now();
      this.#lastEventId = event.lastEventId;
      this.#become("live");
      this.#listener.onSample(JSON.parse(event.data));
    });
    source.addEventListener("state", (event) => this.#listener.onState(JSON.parse(event.data)));
    source.addEventListener("missed", (event) => this.#listener.onMissed(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      this.#become("lost");
      if (source.readyState !== EventSource.CLOSED) return; // It tries again by itself.
      source.close();
      setTimeout(() => (this.#source = this.#open()), TRY_AGAIN_MS);
    });
    return source;
  }

  #watch() {
    if (this.status === "live" && this.silentForMs > this.#patienceMs) this.#become("late");
    if (this.status === "connecting" && this.silentForMs > this.#patienceMs) this.#become("lost");
    if (this.status === "lost" && this.#source.readyState === EventSource.OPEN) this.#become("late");
  }

  /** @param {StreamStatus} status */
  #become(status) {
    if (this.status === status) return;
    this.status = status;
    this.#listener.onStatus(status);
  }
}
