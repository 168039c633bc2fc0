import { cpuMaskText } from "../cpu-mask.ts";
import type { Finding } from "../finding.ts";
import { hasRps, masksOf } from "../steering.ts";
import { bringsText } from "../suffering.ts";
import type { Text } from "../text.ts";
import { cpusText, sentences } from "../wording.ts";
import { type Case, evidenceOf } from "./case.ts";
import { leftOutCpus, type SteeringCase } from "./steering.ts";

/** The packets cannot reach CPUs that have room: one queue, or an RPS mask (Alibaba Cloud's images ship `f` and `ff`). */
export function steeringNarrow(ofCase: Case, steering: SteeringCase | undefined): Finding | undefined {
  if (!steering) return undefined;
  const leftOut = leftOutCpus(steering, ofCase);
  if (leftOut.length === 0) return undefined;

  const { observation } = ofCase;
  const { interface: netInterface, reach, because } = steering;
  const masks = [...new Set(masksOf(netInterface))].map((mask) =>
    cpuMaskText(mask, observation.settings.cpus.possible),
  );
  const isKnown = reach.cpus !== undefined || netInterface.rxQueues.length === 1;
  return {
    code: "steering-narrow",
    severity: "reason",
    confidence: isKnown ? CONFIDENCE[because] : 0.4,
    summary:
      because === "brings"
        ? sentences(bringsText(netInterface.name), summaryOf(steering, masks, leftOut))
        : summaryOf(steering, masks, leftOut),
    evidence: evidenceOf({
      interface: netInterface.name,
      rxQueues: netInterface.rxQueues.length,
      rpsCpus: masks,
      reachedCpus: reach.cpus,
      leftOutCpus: leftOut,
      onlineCpus: observation.cpus.length,
    }),
    remedy: hasRps(netInterface) ? "rps" : null,
  };
}

/** That a NIC brings the packets of another network namespace, no counter tells. */
const CONFIDENCE: Readonly<Record<SteeringCase["because"], number>> = {
  suffers: 0.9,
  busiest: 0.7,
  brings: 0.5,
};

function summaryOf(
  { interface: { name, rxQueues }, reach }: SteeringCase,
  masks: readonly string[],
  leftOut: readonly number[],
): Text {
  const idle = cpusText(leftOut);
  const have = leftOut.length === 1 ? "has" : "have";
  if (reach.rpsIsOn) {
    const reached = reach.cpus ? cpusText(reach.cpus) : { en: "some CPUs", zh: "部分 CPU" };
    const mask = masks.join(" ");
    return {
      en: `RPS gives the packets of ${name} to ${reached.en} only (rps_cpus ${mask}); ${idle.en} ${have} room.`,
      zh: `RPS 只把 ${name} 的数据包交给 ${reached.zh}（rps_cpus ${mask}）；${idle.zh} 还有余力。`,
    };
  }
  const queues = rxQueues.length;
  return {
    en: `${name} has ${queues === 1 ? "one receive queue" : `${queues} receive queues`} and RPS is off; ${idle.en} ${have} room.`,
    zh: `${name} 只有 ${queues} 个接收队列，且未开启 RPS；${idle.zh} 还有余力。`,
  };
}
