import type { PushQueue, QueuedBatch } from "../core/delivery.ts";
import type { MetricEntry } from "../core/metrics.ts";
import type { StateDatabase } from "./database.ts";

/** The push queue on disk. What is queued comes back byte for byte, also to the next process. */
export class StoredQueue implements PushQueue {
  readonly #database: StateDatabase;

  constructor(database: StateDatabase) {
    this.#database = database;
  }

  add(windowStartMs: number, batches: readonly (readonly MetricEntry[])[]): void {
    this.#database.inOneTransaction(() => {
      for (const entries of batches) {
        this.#database.run(
          "INSERT INTO queue (window_start_ms, entries) VALUES (?, ?)",
          windowStartMs,
          JSON.stringify(entries),
        );
      }
    });
  }

  waiting(): readonly QueuedBatch[] {
    const rows = this.#database.all(
      "SELECT id, window_start_ms, entries, ambiguous_sends FROM queue ORDER BY window_start_ms, id",
    ) as readonly Row[];
    return rows.map((row) => ({
      id: row.id,
      windowStartMs: row.window_start_ms,
      entries: JSON.parse(row.entries) as MetricEntry[],
      ambiguousSends: row.ambiguous_sends,
    }));
  }

  /** How many batches wait, without reading them. */
  get length(): number {
    return (this.#database.get("SELECT count(*) AS n FROM queue") as { n: number }).n;
  }

  markAmbiguous(id: number): void {
    this.#database.run("UPDATE queue SET ambiguous_sends = ambiguous_sends + 1 WHERE id = ?", id);
  }

  remove(id: number): void {
    this.#database.run("DELETE FROM queue WHERE id = ?", id);
  }

  /** Forgets the oldest window that waits. @returns how many batches it had. */
  dropOldestWindow(): number {
    return this.#database.inOneTransaction(() => {
      const before = this.length;
      this.#database.run(
        "DELETE FROM queue WHERE window_start_ms = (SELECT min(window_start_ms) FROM queue)",
      );
      return before - this.length;
    });
  }
}

interface Row {
  readonly id: number;
  readonly window_start_ms: number;
  readonly entries: string;
  readonly ambiguous_sends: number;
}
