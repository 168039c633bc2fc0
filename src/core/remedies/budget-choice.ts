/** What `netdev_budget` and `netdev_budget_usecs` should become; undefined stays as it is. */
export interface BudgetChoice {
  readonly budget: number | undefined;
  readonly budgetUsecs: number | undefined;
}

export interface BudgetNeed {
  readonly budget: number;
  /** Undefined before Linux 4.12. */
  readonly budgetUsecs: number | undefined;
  /** What it was before a remedy first changed it. */
  readonly firstBudgetUsecs: number | undefined;
  /** Of the CPU that is squeezed the most. */
  readonly processedPerSecond: number;
  readonly softirqPercent: number | undefined;
}

/** A longer pass keeps other softirqs and programs waiting, so there is an end to it. */
const MOST_PACKETS = 1200;
const MOST_TIMES_USECS = 2;

/** Twice the packets, and the time for them where the longer pass would run out of it; each within its bound. Never lower than it is. */
export function chooseBudget(need: BudgetNeed): BudgetChoice {
  const doubled = Math.min(Math.max(need.budget, 1) * 2, MOST_PACKETS);
  const budget = doubled > need.budget ? doubled : undefined;
  return { budget, budgetUsecs: budget === undefined ? undefined : usecsFor(budget, need) };
}

function usecsFor(budget: number, need: BudgetNeed): number | undefined {
  const { budgetUsecs, firstBudgetUsecs, processedPerSecond, softirqPercent } = need;
  if (budgetUsecs === undefined || softirqPercent === undefined || processedPerSecond <= 0) return undefined;
  const usecsOfPass = (budget / processedPerSecond) * (softirqPercent / 100) * 1_000_000;
  if (usecsOfPass <= budgetUsecs) return undefined;
  const to = (firstBudgetUsecs ?? budgetUsecs) * MOST_TIMES_USECS;
  return to > budgetUsecs ? to : undefined;
}
