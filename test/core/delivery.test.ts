import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { deliveryOrder, type QueuedBatch } from "../../src/core/delivery.ts";

const NOON = Date.UTC(2026, 10, 22, 12, 0, 0);

function batch(id: number, minutesBeforeNoon: number): QueuedBatch {
  return { id, windowStartMs: NOON - minutesBeforeNoon * 60_000, entries: [], ambiguousSends: 0 };
}

function idsOf(waiting: readonly QueuedBatch[], nowMs = NOON, backfillSeconds = 900) {
  const { send, giveUp } = deliveryOrder(waiting, nowMs, backfillSeconds);
  return { send: send.map(({ id }) => id), giveUp: giveUp.map(({ id }) => id) };
}

describe("the order of delivery", () => {
  const rows: { name: string; waiting: QueuedBatch[]; send: number[]; giveUp: number[] }[] = [
    { name: "nothing waits", waiting: [], send: [], giveUp: [] },
    {
      name: "the newest window goes first, then the oldest",
      waiting: [batch(1, 4), batch(2, 3), batch(3, 2), batch(4, 1)],
      send: [4, 1, 2, 3],
      giveUp: [],
    },
    {
      name: "the batches of one window keep their order, host series first",
      waiting: [batch(1, 2), batch(2, 2), batch(3, 1), batch(4, 1)],
      send: [3, 4, 1, 2],
      giveUp: [],
    },
    {
      name: "a window that ended longer ago than the backfill is given up",
      waiting: [batch(1, 17), batch(2, 16), batch(3, 1)],
      send: [3, 2],
      giveUp: [1],
    },
    {
      name: "when all are too old none is the newest",
      waiting: [batch(1, 30), batch(2, 29)],
      send: [],
      giveUp: [1, 2],
    },
  ];
  for (const { name, waiting, send, giveUp } of rows) {
    test(name, () => assert.deepEqual(idsOf(waiting), { send, giveUp }));
  }

  test("a push every 15 minutes, delayed by the longest jitter, gives up none of its windows", () => {
    const quarter = Array.from({ length: 15 }, (_, i) => batch(i, 15 - i));
    assert.deepEqual(idsOf(quarter, NOON + 44_000).giveUp, []);
  });
});
