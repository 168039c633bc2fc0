import type { Measure, Proof } from "./proof.ts";
import type { ValueChange } from "./remedy-script.ts";

export const AUDIT_FILE = "audit.jsonl";

/** How a run of `remedy apply` ended; public. */
export type RepairResult = "healthy" | "kept" | "unproven" | "undone" | "failed";

/** A run that came to no result: nobody agreed, a signal came, or something was in the way. */
export type BrokenOff = "declined" | "interrupted" | "broken";

/** One line of `audit.jsonl`, beside those that the scripts write about themselves. */
export interface RepairRecord {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly verb: "remedy apply";
  readonly result: RepairResult | BrokenOff;
  readonly tried: readonly TriedChange[];
  readonly before: Measure;
  /** Null where nothing was changed, or not measured again. */
  readonly after: Measure | null;
  /** What the last window showed, null where there was none. */
  readonly proof: Proof | null;
  readonly persisted: boolean;
  /** What was in the way. */
  readonly problem?: string;
}

export interface TriedChange {
  readonly kind: "sysctl" | "rps";
  /** As the plan's document says it. */
  readonly target: string;
  readonly from: string;
  readonly to: string;
  /** What is not tried again if it did not help, see `failureKey`. */
  readonly key: string;
}

/** A change that was tried, did not help, and was taken back, if that could be. */
export interface RememberedFailure {
  readonly key: string;
  readonly target: string;
  readonly time: string;
  readonly before: Measure;
  readonly after: Measure;
  readonly proof: Proof | null;
  readonly isTakenBack: boolean;
}

/** The remedies that are the same try again: another value of a sysctl, another mask of an interface. */
export function failureKey(change: ValueChange): string {
  return change.kind === "sysctl" ? change.name : `rps ${change.device}`;
}

/** Reads the runs of `remedy apply`. Lines of scripts, and lines that a full disk has cut off, are no runs. */
export function parseAudit(text: string): readonly RepairRecord[] {
  return text.split("\n").flatMap((line) => {
    const record = parsedLine(line);
    return record ? [record] : [];
  });
}

function parsedLine(line: string): RepairRecord | undefined {
  if (!line.includes('"verb":"remedy apply"')) return undefined;
  try {
    return JSON.parse(line) as RepairRecord;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What did not help the last time it was tried. */
export function failuresIn(records: readonly RepairRecord[]): readonly RememberedFailure[] {
  const failures = new Map<string, RememberedFailure>();
  for (const { time, result, tried, before, after, proof } of records) {
    for (const { key, target } of tried) {
      const isTakenBack = result === "undone";
      const hasFailed = isTakenBack || (result === "broken" && proof !== null);
      if (hasFailed && after) failures.set(key, { key, target, time, before, after, proof, isTakenBack });
      if (result === "kept") failures.delete(key);
    }
  }
  return [...failures.values()];
}
