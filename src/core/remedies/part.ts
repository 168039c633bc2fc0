import type { Bandwidth } from "./bandwidth.ts";
import type { QueueCost } from "./backlog-choice.ts";
import type { CannotHelpCode } from "../cannot-help.ts";
import type { CpuMask } from "../cpu-mask.ts";
import type { Observation } from "../observation.ts";
import type { RememberedFailure } from "../remedy-audit.ts";
import type { ValueChange } from "../remedy-script.ts";
import type { Text } from "../text.ts";
import type { TuningFiles } from "../tuning-files.ts";
import type { Verdict } from "../verdict.ts";

/** What the operator asked for. */
export interface RemedyPolicy {
  readonly backlog: number | "auto";
  readonly rps: "auto" | "off" | CpuMask;
  /** The interface to steer; undefined is the one that suffers. */
  readonly device: string | undefined;
  /** Without a finding, and again what did not help. */
  readonly force: boolean;
  /** Also write the files by which a change outlives a reboot. */
  readonly persist: boolean;
}

/** What else a plan rests on. */
export interface RemedyContext {
  readonly bandwidth: Bandwidth;
  /** Undefined where nobody looked, as for a capture. */
  readonly tuning: TuningFiles | undefined;
  readonly failures: readonly RememberedFailure[];
  /** `netdev_budget_usecs` before the first remedy; undefined where none has changed it. */
  readonly firstBudgetUsecs: number | undefined;
}

/** Why a step is taken, and what it may cost. */
export interface Reason {
  readonly why: Text;
  readonly cost: QueueCost | null;
}

/** A value to change at run time, by the script's words, and why. */
export type ValueStep = ValueChange & Reason;

export type NoUseCode =
  | CannotHelpCode
  | "did-not-help-before"
  | "healthy"
  | "backlog-unlimited"
  | "backlog-exhausted"
  | "backlog-not-lowered"
  | "no-memory"
  | "rps-with-enough-queues"
  | "rps-already-spread"
  | "rps-already-set"
  | "no-rps"
  | "no-device"
  | "budget-exhausted";

/** A change that was thought of, and why it is not made. */
export interface NoUse {
  readonly code: NoUseCode;
  readonly what: Text;
  readonly why: Text;
}

/** What one kind of remedy comes to. */
export interface Part {
  readonly steps: readonly ValueStep[];
  readonly noUse: readonly NoUse[];
  readonly notes?: readonly Text[];
}

export const NOTHING: Part = { steps: [], noUse: [] };

/** All that a remedy is chosen by. */
export interface Request {
  readonly observation: Observation;
  readonly verdict: Verdict;
  readonly policy: RemedyPolicy;
  readonly context: RemedyContext;
}

/** Whether a finding asks for this remedy. */
export function pointsTo({ verdict }: Request, remedy: "backlog" | "rps" | "budget"): boolean {
  return verdict.findings.some((finding) => finding.remedy === remedy);
}

/** A remedy that is of no use, and nothing in its place. */
export function ofNoUse(code: NoUseCode, what: Text, why: Text): Part {
  return { steps: [], noUse: [{ code, what, why }] };
}

export const OTHER_NAMESPACE: Text = {
  en: "The setting does not exist in this network namespace. Change it on the host.",
  zh: "该参数在当前网络命名空间中不存在，请在宿主机上修改。",
};
