import type { Text } from "./text.ts";

/** What we see. The set is closed and public; a new code must break the build wherever it has to be handled. */
export type FindingCode =
  | "backlog-too-small"
  | "cpu-bottleneck"
  | "budget-too-small"
  | "flow-limit-drops"
  | "steering-narrow"
  | "single-flow"
  | "virtual-path";

/** A reason explains a warning or a critical finding and never stands alone. */
export type FindingSeverity = "warning" | "critical" | "reason";

/** Which change the finding points to; null where none of ours helps. */
export type RemedyKind = "backlog" | "rps" | "budget" | "instance";

export interface Finding {
  readonly code: FindingCode;
  readonly severity: FindingSeverity;
  /** 0 to 1. */
  readonly confidence: number;
  readonly summary: Text;
  /** The numbers and names that led here; the keys are public and carry their unit. */
  readonly evidence: Readonly<Record<string, Evidence>>;
  readonly remedy: RemedyKind | null;
}

export type Evidence = number | string | boolean | readonly number[] | readonly string[];

/** What goes to CloudMonitor as `softnet_severity`. */
export const SEVERITY_VALUE = { healthy: 0, warning: 1, critical: 2 } as const;

export type HostSeverity = keyof typeof SEVERITY_VALUE;

export function severityOf(findings: readonly Finding[]): HostSeverity {
  if (findings.some(({ severity }) => severity === "critical")) return "critical";
  return findings.length > 0 ? "warning" : "healthy";
}
