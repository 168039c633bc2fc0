import { join } from "node:path";

import { StateDatabase } from "./database.ts";
import { StoredHistory } from "./history.ts";
import { StoredQueue } from "./queue.ts";
import { StoredValues } from "./values.ts";

const FILE = "softnet.db";
const MEGABYTE = 1_000_000;
const MOST_LOG_BYTES = 2 * MEGABYTE;

export interface StoreOptions {
  /** The state directory, locked by this process. */
  readonly dir: string;
  /** `SOFTNET_STATE_MB`: everything together stays below this. */
  readonly limitMb: number;
  /** One line for the log: a file was moved aside, or something was dropped for room. */
  readonly notice: (line: string) => void;
  readonly now?: () => number;
}

/** Everything the agent keeps on disk, in one file. */
export class Store implements Disposable {
  readonly queue: StoredQueue;
  readonly history: StoredHistory;
  readonly values: StoredValues;
  readonly limitBytes: number;
  readonly #database: StateDatabase;
  readonly #notice: (line: string) => void;

  /** @throws StoreError when the directory holds a file that can be neither used nor replaced. */
  constructor(options: StoreOptions) {
    this.limitBytes = options.limitMb * MEGABYTE;
    this.#notice = options.notice;
    this.#database = new StateDatabase({
      path: join(options.dir, FILE),
      notice: options.notice,
      now: options.now ?? Date.now,
    });
    this.queue = new StoredQueue(this.#database);
    this.history = new StoredHistory(this.#database);
    this.values = new StoredValues(this.#database);
  }

  /** What it all takes on disk now. */
  get bytes(): number {
    return this.#database.bytes;
  }

  /**
   * Keeps what a minute brought, in one transaction, and makes room for it.
   *
   * @param work writes to the queue, the history and the values, and does nothing else: it is run again on a fresh file when this one
   *   turns out to be damaged.
   * @throws StoreError when it could not be kept; nothing of it was then, and the agent goes on.
   */
  inOneTransaction<T>(work: () => T): T {
    return this.#database.inOneTransaction(() => {
      const result = work();
      this.#makeRoom();
      return result;
    });
  }

  [Symbol.dispose](): void {
    this.#database[Symbol.dispose]();
  }

  #makeRoom(): void {
    // The write-ahead log counts too; a small limit must leave something for the rows.
    const mostBytes = this.limitBytes - Math.min(MOST_LOG_BYTES, this.limitBytes / 2);
    if (this.#database.usedBytes <= mostBytes) return;
    while (this.#database.usedBytes > mostBytes && this.history.dropOldest());
    let batches = 0;
    while (this.#database.usedBytes > mostBytes && this.queue.length > 0) {
      batches += this.queue.dropOldestWindow();
    }
    if (batches > 0) {
      this.#notice(
        `the state limit of ${this.limitBytes / MEGABYTE} MB is reached: ${batches} of the oldest batches that waited for CloudMonitor were dropped`,
      );
    }
    this.#database.giveBackFreePages();
  }
}
