import { type CannotHelp, cannotHelpWith } from "./cannot-help.ts";
import { type ElsewhereNote, elsewhereNotes } from "./elsewhere.ts";
import { type Finding, type HostSeverity, severityOf } from "./finding.ts";
import { backlogTooSmall } from "./findings/backlog-too-small.ts";
import { budgetTooSmall } from "./findings/budget-too-small.ts";
import { caseOf } from "./findings/case.ts";
import { bottleneckCpus, cpuBottleneck, type Relief } from "./findings/cpu-bottleneck.ts";
import { flowLimitDrops } from "./findings/flow-limit-drops.ts";
import { singleFlow } from "./findings/single-flow.ts";
import { isNarrowElsewhere, steeringCaseOf } from "./findings/steering.ts";
import { steeringNarrow } from "./findings/steering-narrow.ts";
import { virtualPath } from "./findings/virtual-path.ts";
import type { Observation } from "./observation.ts";
import { DEFAULT_THRESHOLDS, type Thresholds } from "./thresholds.ts";

/** What an observation means. */
export interface Verdict {
  readonly severity: HostSeverity;
  /** The worst first, the reasons after them. */
  readonly findings: readonly Finding[];
  /** Packets were lost; findings without it are warnings of a limit. */
  readonly losesPackets: boolean;
  readonly cannotHelp: readonly CannotHelp[];
  readonly elsewhere: readonly ElsewhereNote[];
}

export function verdictOf(observation: Observation, thresholds: Thresholds = DEFAULT_THRESHOLDS): Verdict {
  const ofCase = caseOf(observation, thresholds);
  const full = bottleneckCpus(ofCase);
  const steering = steeringCaseOf(ofCase, full);
  const narrow = steeringNarrow(ofCase, steering);
  const single = singleFlow(ofCase, steering);
  const relief: Relief =
    narrow?.remedy === "rps"
      ? "rps"
      : single
        ? "flows"
        : isNarrowElsewhere(ofCase, full)
          ? "elsewhere"
          : "power";
  const symptoms = [
    cpuBottleneck(ofCase, full, relief),
    backlogTooSmall(ofCase),
    budgetTooSmall(ofCase),
    flowLimitDrops(ofCase),
  ].filter((finding) => finding !== undefined);
  const reasons = [narrow, single, virtualPath(ofCase)].filter((finding) => finding !== undefined);
  // A reason explains a symptom and never stands alone.
  const findings = symptoms.length > 0 ? [...symptoms.toSorted(bySeverity), ...reasons] : [];
  return {
    severity: severityOf(findings),
    findings,
    losesPackets: observation.all.droppedPerSecond > 0,
    cannotHelp: cannotHelpWith(ofCase, findings),
    elsewhere: elsewhereNotes(observation.elsewhere),
  };
}

function bySeverity(a: Finding, b: Finding): number {
  return Number(b.severity === "critical") - Number(a.severity === "critical") || b.confidence - a.confidence;
}
