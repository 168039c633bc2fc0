import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type BudgetNeed, chooseBudget } from "../../../src/core/remedies/budget-choice.ts";

describe("the next netdev_budget and its time", () => {
  const rows: readonly (Partial<BudgetNeed> & {
    readonly name: string;
    readonly to: readonly (number | undefined)[];
  })[] = [
    // Measured: eight NAPIs at 307000 packets/s are cured by 600.
    { name: "is doubled", to: [600, undefined] },
    { name: "is doubled again", budget: 600, to: [1200, undefined] },
    { name: "is 1200 at most", budget: 900, to: [1200, undefined] },
    { name: "ends at 1200", budget: 1200, to: [undefined, undefined] },
    { name: "is never lowered", budget: 3000, to: [undefined, undefined] },
    { name: "gets the time that it needs, twice at most", processedPerSecond: 20_000, to: [600, 16_000] },
    {
      name: "gets no more than twice the first time",
      processedPerSecond: 20_000,
      budget: 600,
      budgetUsecs: 16_000,
      firstBudgetUsecs: 8000,
      to: [1200, undefined],
    },
    {
      name: "gets none where the CPU's time is unknown",
      processedPerSecond: 20_000,
      softirqPercent: undefined,
      to: [600, undefined],
    },
    {
      name: "gets none before Linux 4.12",
      processedPerSecond: 20_000,
      budgetUsecs: undefined,
      to: [600, undefined],
    },
    { name: "of 0, a squeeze at every poll", budget: 0, to: [2, undefined] },
  ];
  for (const { name, to, ...need } of rows) {
    test(name, () => {
      const choice = chooseBudget({
        budget: 300,
        budgetUsecs: 8000,
        firstBudgetUsecs: undefined,
        processedPerSecond: 307_000,
        softirqPercent: 80,
        ...need,
      });
      assert.deepEqual([choice.budget, choice.budgetUsecs], to);
    });
  }
});
