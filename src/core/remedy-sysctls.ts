/** The sysctls that a remedy may change. */
export const REMEDY_SYSCTLS = ["netdev_max_backlog", "netdev_budget", "netdev_budget_usecs"] as const;

export type RemedySysctl = (typeof REMEDY_SYSCTLS)[number];
