import type { Note } from "./text.ts";
import type { AlarmStep, Difference, RuleStep } from "../core/alarm-steps.ts";
import type { Language } from "../core/text.ts";

/** A step as `--json` shows it. */
interface StepDocument {
  readonly kind: AlarmStep["kind"];
  readonly action: AlarmStep["action"];
  /** Name or id of the thing, as the cloud knows it. */
  readonly name: string;
  readonly differences: readonly Difference[];
}

export function stepDocuments(steps: readonly AlarmStep[]): readonly StepDocument[] {
  return steps.map(({ kind, action, name, differences }) => ({ kind, action, name, differences }));
}

/** The document of every verb that plans or makes changes. */
export function changesDocument(
  result: "in-step" | "planned" | "done",
  steps: readonly AlarmStep[],
  deferred: readonly RuleStep[],
  notes: readonly Note[],
  lang: Language,
): string {
  return `${JSON.stringify({
    schemaVersion: 1,
    result,
    inStep: result !== "planned" && deferred.length === 0,
    steps: stepDocuments(steps),
    deferred: stepDocuments(deferred),
    notes: notes.map(({ text }) => text[lang]),
  })}\n`;
}
