import { nicBypassesBacklog, RPS_ELSEWHERE } from "./cannot-help.ts";
import { cpuMaskText } from "./cpu-mask.ts";
import { flowLimitAdvice } from "./findings/flow-limit-drops.ts";
import type { Observation } from "./observation.ts";
import { asksForBacklog, backlogPart, UNLIMITED } from "./remedies/backlog.ts";
import type { Bandwidth } from "./remedies/bandwidth.ts";
import { budgetPart } from "./remedies/budget.ts";
import { type Conflict, conflictsWith } from "./remedies/conflicts.ts";
import { withoutFailed } from "./remedies/failed.ts";
import { instanceAdvice } from "./remedies/instance-advice.ts";
import {
  NOTHING,
  type NoUse,
  ofNoUse,
  type Part,
  type RemedyContext,
  type RemedyPolicy,
  type ValueStep,
} from "./remedies/part.ts";
import { rpsPart } from "./remedies/rps.ts";
import type { ConfLine, PersistSettings, SysctlChange } from "./remedy-script.ts";
import type { Text } from "./text.ts";
import { assignmentIn, CONF_PATH, RPS_PATHS, type TuningFiles } from "./tuning-files.ts";
import type { Verdict } from "./verdict.ts";

export interface FileStep {
  readonly kind: "file";
  readonly path: string;
  /** The line that it has now for our key; null for none. */
  readonly from: string | null;
  readonly to: string;
  readonly why: Text;
  readonly cost: null;
}

export interface RemedyPlan {
  readonly values: readonly ValueStep[];
  /** After the proof only. */
  readonly files: readonly FileStep[];
  readonly cannotHelp: readonly NoUse[];
  readonly conflicts: readonly Conflict[];
  /** What else should be known before it is applied. */
  readonly notes: readonly Text[];
  /** Where no setting cures it. */
  readonly advice: Text | undefined;
  readonly bandwidth: Bandwidth;
  /** What `persist` has to write; undefined where nothing shall outlive a reboot. */
  readonly persist: PersistSettings | undefined;
}

/**
 * What should change, and why. It looks at values only and changes nothing.
 *
 * @throws RangeError for a mask with a CPU beyond the possible ones; the command line has refused it before.
 */
export function planRemedy(
  observation: Observation,
  verdict: Verdict,
  policy: RemedyPolicy,
  context: RemedyContext,
): RemedyPlan {
  const request = { observation, verdict, policy, context };
  const isWanted = verdict.findings.length > 0 || policy.force;
  const parts = isWanted
    ? [backlogPart(request), rpsPart(request), budgetPart(request)].map((part) =>
        withoutFailed(part, request),
      )
    : [healthyPart(policy)];
  const values = parts.flatMap(({ steps }) => steps);
  const bypassed = asksForBacklog(request) ? nicBypassesBacklog(observation) : undefined;
  const noUses = [
    ...parts.flatMap(({ noUse }) => noUse),
    ...(bypassed ? [bypassed] : []),
    // Who names an interface has heard of it.
    ...verdict.cannotHelp.filter((one) => one !== RPS_ELSEWHERE || policy.device === undefined),
  ];
  const sysctls = values.filter((step) => step.kind === "sysctl");
  const kept = sysctls.map(({ name, to }) => ({ name, to, isKept: policy.persist }));
  const setsMasks = values.some(({ kind }) => kind === "rps");
  return {
    values,
    files: policy.persist ? fileSteps(values, context.tuning) : [],
    cannotHelp: noUses.filter(
      (one, i) => noUses.findIndex(({ code, what }) => code === one.code && what.en === one.what.en) === i,
    ),
    conflicts: context.tuning ? conflictsWith(kept, setsMasks, context.tuning) : [],
    notes: [...(isUnlimited(observation) ? [UNLIMITED] : []), ...parts.flatMap(({ notes }) => notes ?? [])],
    advice:
      instanceAdvice(observation, verdict, context.bandwidth, values.length === 0 && policy.rps !== "off") ??
      adviceOnFlowLimit(verdict),
    bandwidth: context.bandwidth,
    persist: policy.persist ? persistSettingsOf(values, context.tuning) : undefined,
  };
}

/** No remedy: whose packets are worth more, nobody here knows. */
function adviceOnFlowLimit({ findings }: Verdict): Text | undefined {
  const finding = findings.find(({ code }) => code === "flow-limit-drops");
  return finding && flowLimitAdvice(finding.evidence["flowLimitCpuBitmap"] as string | undefined);
}

function persistSettingsOf(values: readonly ValueStep[], tuning: TuningFiles | undefined): PersistSettings {
  const masks = new Map(values.flatMap((step) => (step.kind === "rps" ? [[step.device, step]] : [])));
  return {
    conf: values.filter((step) => step.kind === "sysctl").map((step) => confLine(step, tuning)),
    masks: [...masks.values()].map(({ device, to, possibleCpus }) => ({ device, mask: to, possibleCpus })),
  };
}

function isUnlimited({ settings }: Observation): boolean {
  return (settings.sysctls.netdevMaxBacklog ?? 0) < 0;
}

function healthyPart({ backlog, rps }: RemedyPolicy): Part {
  if (backlog === "auto" && typeof rps === "string") return NOTHING;
  return ofNoUse(
    "healthy",
    { en: "Any change", zh: "任何改动" },
    {
      en: "Nothing is lost here. --force plans it nevertheless.",
      zh: "这里没有丢包。使用 --force 可仍然制定计划。",
    },
  );
}

function fileSteps(values: readonly ValueStep[], tuning: TuningFiles | undefined): readonly FileStep[] {
  const sysctls = values.filter((step) => step.kind === "sysctl");
  const masks = new Map(values.flatMap((step) => (step.kind === "rps" ? [[step.device, step]] : [])));
  const table = [...masks].map(
    ([device, { to, possibleCpus }]) => `${device} ${cpuMaskText(to, possibleCpus)}`,
  );
  return [
    ...sysctls.flatMap((step) => confStep(step, tuning)),
    ...(table.length === 0 ? [] : rpsFileSteps(table.join("\n"), tuning)),
  ];
}

function confStep({ name, to }: SysctlChange, tuning: TuningFiles | undefined): readonly FileStep[] {
  const conf = tuning?.sysctl.find(({ path }) => path === CONF_PATH);
  const now = conf && assignmentIn(conf, name);
  // What it has is never lowered.
  if (now && Number.parseInt(now.value, 10) >= to) return [];
  return [
    {
      kind: "file",
      path: CONF_PATH,
      from: now?.text ?? null,
      to: `net.core.${name} = ${to}`,
      why: { en: "Keeps it over a reboot.", zh: "使其在重启后仍然有效。" },
      cost: null,
    },
  ];
}

function rpsFileSteps(table: string, tuning: TuningFiles | undefined): readonly FileStep[] {
  const textOf = (path: string): string | undefined => tuning?.rps.find((file) => file.path === path)?.text;
  const [helper, ...starters] = RPS_PATHS;
  return [helper, ...starters.filter((path) => textOf(path) === undefined)].map((path): FileStep => ({
    kind: "file",
    path,
    from: path === helper ? (tableIn(textOf(path) ?? "") ?? null) : null,
    to: table,
    why: {
      en: "Sets the masks at boot, and again for a new NIC or queue.",
      zh: "在启动时以及出现新网卡或新队列时设置掩码。",
    },
    cost: null,
  }));
}

/** The interfaces and masks of an installed helper, less the addresses. */
function tableIn(helper: string): string | undefined {
  const table = /^masks='\n(.*?)\n'$/ms.exec(helper)?.[1];
  return table
    ?.split("\n")
    .map((line) => line.split(" "))
    .map(([name, , mask]) => `${name} ${mask}`)
    .join("\n");
}

function confLine({ name, to }: SysctlChange, tuning: TuningFiles | undefined): ConfLine {
  if (tuning === undefined) return { name, to, from: undefined };
  const conf = tuning.sysctl.find(({ path }) => path === CONF_PATH);
  const value = conf && assignmentIn(conf, name)?.value;
  if (value === undefined) return { name, to, from: null };
  const from = Number.parseInt(value, 10);
  return { name, to, from: Number.isNaN(from) ? undefined : from };
}
