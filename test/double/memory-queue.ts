import type { PushQueue, QueuedBatch } from "../../src/core/delivery.ts";
import type { MetricEntry } from "../../src/core/metrics.ts";

/** A queue that does not survive the process. */
export class MemoryQueue implements PushQueue {
  #batches: QueuedBatch[] = [];
  #nextId = 1;

  add(windowStartMs: number, batches: readonly (readonly MetricEntry[])[]): void {
    for (const entries of batches) {
      this.#batches.push({ id: this.#nextId++, windowStartMs, entries, ambiguousSends: 0 });
    }
  }

  waiting(): readonly QueuedBatch[] {
    return this.#batches.toSorted((a, b) => a.windowStartMs - b.windowStartMs || a.id - b.id);
  }

  markAmbiguous(id: number): void {
    this.#batches = this.#batches.map((batch) =>
      batch.id === id ? { ...batch, ambiguousSends: batch.ambiguousSends + 1 } : batch,
    );
  }

  remove(id: number): void {
    this.#batches = this.#batches.filter((batch) => batch.id !== id);
  }
}
