import { cpuMaskText } from "./cpu-mask.ts";
import type { Measure, Proof } from "./proof.ts";
import type { QueueCost } from "./remedies/backlog-choice.ts";
import type { Bandwidth } from "./remedies/bandwidth.ts";
import type { ConflictCode } from "./remedies/conflicts.ts";
import type { NoUseCode } from "./remedies/part.ts";
import { failureKey, type RepairResult, type TriedChange } from "./remedy-audit.ts";
import type { Drift, JournaledValue } from "./remedy-journal.ts";
import type { FileStep, RemedyPlan } from "./remedy-plan.ts";
import type { ValueChange } from "./remedy-script.ts";
import type { Language, Text } from "./text.ts";
import { CONF_PATH } from "./tuning-files.ts";

/** The document of `remedy plan --json`; public. */
export interface PlanDocument {
  readonly schemaVersion: 1;
  readonly steps: readonly StepDocument[];
  readonly cannotHelp: readonly { readonly code: NoUseCode; readonly what: string; readonly why: string }[];
  /** A shell command. */
  readonly undo: string;
  readonly conflicts: readonly {
    readonly code: ConflictCode;
    readonly where: string;
    readonly text: string;
  }[];
  readonly notes: readonly string[];
  readonly advice: string | null;
  readonly bandwidth: Bandwidth;
}

export interface StepDocument {
  readonly kind: "sysctl" | "rps" | "file";
  readonly target: string;
  /** As the kernel prints it; null for what is not there. */
  readonly from: string | null;
  readonly to: string;
  readonly why: string;
  readonly cost: QueueCost | null;
}

export const UNDO_COMMAND = "sudo softnet remedy undo";

export function planDocument(plan: RemedyPlan, lang: Language): PlanDocument {
  return {
    schemaVersion: 1,
    steps: stepDocuments(plan, lang),
    cannotHelp: plan.cannotHelp.map(({ code, what, why }) => ({ code, what: what[lang], why: why[lang] })),
    undo: UNDO_COMMAND,
    conflicts: plan.conflicts.map(({ code, where, text }) => ({ code, where, text: text[lang] })),
    notes: plan.notes.map((note) => note[lang]),
    advice: plan.advice?.[lang] ?? null,
    bandwidth: plan.bandwidth,
  };
}

function stepDocuments({ values, files }: RemedyPlan, lang: Language): readonly StepDocument[] {
  return [
    ...values.map((step) => {
      const { kind, target, from, to } = changeDocument(step);
      return { kind, target, from, to, why: step.why[lang], cost: step.cost };
    }),
    ...files.map(({ kind, path, from, to, why }: FileStep) => ({
      kind,
      target: path,
      from,
      to,
      why: why[lang],
      cost: null,
    })),
  ];
}

/** The words that a change goes by, in documents and in the audit. */
export function changeDocument(change: ValueChange): TriedChange {
  const key = failureKey(change);
  if (change.kind === "sysctl") {
    const { name, from, to } = change;
    return { kind: "sysctl", target: `net.core.${name}`, from: String(from), to: String(to), key };
  }
  const { device, queue, from, to, possibleCpus } = change;
  return {
    kind: "rps",
    target: maskPath(device, queue),
    from: cpuMaskText(from, possibleCpus),
    to: cpuMaskText(to, possibleCpus),
    key,
  };
}

/** Queues of an interface that change alike, as one. */
export interface AlikeChanges {
  readonly kind: "sysctl" | "rps";
  /** As people call it: `eth0 rps_cpus`. */
  readonly target: string;
  readonly from: string;
  readonly to: string;
  readonly times: number;
  readonly why: Text;
  readonly cost: QueueCost | null;
}

export function alikeChanges({ values }: RemedyPlan): readonly AlikeChanges[] {
  const groups = new Map<string, AlikeChanges>();
  for (const step of values) {
    const { kind, target, from, to } = changeDocument(step);
    const name = step.kind === "rps" ? `${step.device} rps_cpus` : target;
    const key = `${name} ${from} ${to}`;
    const times = (groups.get(key)?.times ?? 0) + 1;
    groups.set(key, { kind, target: name, from, to, times, why: step.why, cost: step.cost });
  }
  return [...groups.values()];
}

function maskPath(device: string, queue: number): string {
  return `/sys/class/net/${device}/queues/rx-${queue}/rps_cpus`;
}

/** The document of `remedy apply --json`; public. */
export interface ApplyDocument {
  readonly schemaVersion: 1;
  readonly result: RepairResult;
  readonly plan: PlanDocument;
  readonly before: Measure;
  readonly after: Measure | null;
  /** What the last look showed; null where nothing was changed. */
  readonly proof: Proof | null;
  /** What is set now and was not before. */
  readonly changes: readonly {
    readonly kind: string;
    readonly target: string;
    readonly from: string | null;
    readonly to: string;
  }[];
  readonly persisted: boolean;
}

export interface ApplyOutcome {
  readonly result: RepairResult;
  readonly plan: RemedyPlan;
  readonly before: Measure;
  /** Undefined where nothing was changed. */
  readonly after: Measure | undefined;
  readonly proof: Proof | undefined;
  readonly persisted: boolean;
}

export function applyDocument(outcome: ApplyOutcome, lang: Language): ApplyDocument {
  const { result, plan, persisted } = outcome;
  const isSet = result === "kept" || result === "unproven";
  const kept = persisted ? plan : { ...plan, files: [] };
  return {
    schemaVersion: 1,
    result,
    plan: planDocument(plan, lang),
    before: rounded(outcome.before),
    after: outcome.after ? rounded(outcome.after) : null,
    proof: outcome.proof ?? null,
    changes: isSet
      ? stepDocuments(kept, lang).map(({ kind, target, from, to }) => ({ kind, target, from, to }))
      : [],
    persisted,
  };
}

function rounded({ lostPerMillion, squeezedPerMillion, packetsPerSecond }: Measure): Measure {
  const round = (value: number): number => Math.round(value * 1000) / 1000;
  return {
    lostPerMillion: round(lostPerMillion),
    squeezedPerMillion: round(squeezedPerMillion),
    packetsPerSecond: round(packetsPerSecond),
  };
}

/** A value of the journal by the same words. */
export function journaledDocument(
  value: JournaledValue,
  possibleCpus: number | undefined,
): { readonly kind: "sysctl" | "rps"; readonly target: string; readonly from: string; readonly to: string } {
  if (value.kind === "sysctl") {
    const { name, original, set } = value;
    return { kind: "sysctl", target: `net.core.${name}`, from: String(original), to: String(set) };
  }
  const { device, queue, original, set } = value;
  return {
    kind: "rps",
    target: maskPath(device, queue),
    from: cpuMaskText(original, possibleCpus),
    to: cpuMaskText(set, possibleCpus),
  };
}

/** What is found in the place of what was set or written, and how to mend it; public. */
export interface DriftDocument {
  readonly kind: "sysctl" | "rps" | "file";
  readonly target: string;
  /** A value, a line, or a checksum with the number of bytes. */
  readonly expected: string;
  /** Null where there is nothing. */
  readonly found: string | null;
  /** A shell command. */
  readonly mend: string;
}

export function driftDocument(drift: Drift, possibleCpus: number | undefined): DriftDocument {
  switch (drift.kind) {
    case "value": {
      const { value, found } = drift;
      const { kind, target, to } = journaledDocument(value, possibleCpus);
      return {
        kind,
        target,
        expected: to,
        found: typeof found === "bigint" ? cpuMaskText(found, possibleCpus) : String(found),
        mend: kind === "sysctl" ? `sudo sysctl -w ${target}=${to}` : `echo ${to} | sudo tee ${target}`,
      };
    }
    case "line": {
      const expected = `net.core.${drift.line.name} = ${drift.line.set}`;
      return {
        kind: "file",
        target: CONF_PATH,
        expected,
        found: drift.found ?? null,
        // The last line that sets a key counts.
        mend: `echo '${expected}' | sudo tee -a ${CONF_PATH}`,
      };
    }
    case "file":
      return {
        kind: "file",
        target: drift.file.path,
        expected: `checksum ${drift.file.checksum}`,
        found: drift.found === undefined ? null : `checksum ${drift.found}`,
        // What was in it is noted nowhere: everything goes back, and a new apply writes it again.
        mend: `${UNDO_COMMAND} --force`,
      };
  }
}
