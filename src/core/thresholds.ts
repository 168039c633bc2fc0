/** Every number a verdict depends on, in one place. All are rates and shares over the sampled seconds, never totals since boot. */
export interface Thresholds {
  /** Percent of softirq + steal from which a CPU has no time left for its queue. */
  readonly saturatedPercent: number;
  /** Below this percent it has time: what it drops, it drops for lack of room. Between the two nobody can tell. */
  readonly notSaturatedPercent: number;
  /** Percent of softirq + steal below which a CPU could take packets of another. */
  readonly roomBelowPercent: number;
  /** Share of the samples in which column 12 must exceed the limit for a queue that never drains. */
  readonly queueStaysFullShare: number;
  /** Fewer gauge readings than these say nothing about a queue that never drains. */
  readonly queueStaysFullSamples: number;
  /** Squeezes of a CPU below this rate are noise of a healthy one. */
  readonly squeezesWorthMentionPerSecond: number;
  /** Squeezes below this rate count as flat beside drops. */
  readonly squeezesFlatPerSecond: number;
  /** Squeezes by the packet budget below this rate harm nobody. */
  readonly budgetSqueezesPerSecond: number;
  /** Microseconds a pass may take where `netdev_budget_usecs` cannot be read. */
  readonly assumedBudgetUsecs: number;
  /** Share of the drops from which the flow limit explains them. */
  readonly flowLimitShare: number;
  /** Drops that are spread over so many samples and seconds are sustained. */
  readonly sustainedSamples: number;
  readonly sustainedSeconds: number;
  /** Share of softnet's drops from which an interface suffers. */
  readonly sufferingShare: number;
  /** Share of softnet's drops that the visible interfaces must cover; what is missing lies in another network namespace. */
  readonly explainedShare: number;
}

export const DEFAULT_THRESHOLDS: Thresholds = {
  // Measured with Linux 6.18: overloaded CPUs showed 97 to 100 % of softirq, CPUs that dropped bursts only 30 to 75 %.
  saturatedPercent: 90,
  notSaturatedPercent: 80,
  // Half of a CPU is room for another queue's packets and the work they cause.
  roomBelowPercent: 50,
  // An overloaded queue of N holds from N to 2 N packets at every look (its two halves); a burst's drains in between.
  queueStaysFullShare: 0.9,
  queueStaysFullSamples: 3,
  // "A small growth of squeeze is normal" (Red Hat, solution 1241943).
  squeezesWorthMentionPerSecond: 1,
  // netdata's alarm level, which years of its users found too strict (netdata #1076): below it, all agree that it is nothing.
  squeezesFlatPerSecond: 10,
  // The widespread PromQL rule on squeezes; eight NAPIs on one CPU measured 800/s without harm.
  budgetSqueezesPerSecond: 50,
  // Two ticks at HZ=1000, the shortest default there is: it lets time explain the most squeezes.
  assumedBudgetUsecs: 2000,
  // Measured: the flow limit's drops are counted there and in `dropped` one for one, on different CPUs; bursts of others mix in.
  flowLimitShare: 0.8,
  // Our choice: half of the ten seconds that diagnose samples. One burst is a warning only.
  sustainedSamples: 3,
  sustainedSeconds: 5,
  // Our choice: rx_dropped also counts what has nothing to do with the backlog, such as unwanted protocols.
  sufferingShare: 0.1,
  explainedShare: 0.5,
};
