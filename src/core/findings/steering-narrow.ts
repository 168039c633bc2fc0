import { cpuMaskText } from "../cpu-mask.ts";
import type { Finding } from "../finding.ts";
import { hasRps, masksOf } from "../steering.ts";
import type { Text } from "../text.ts";
import { cpusText } from "../wording.ts";
import { type Case, evidenceOf } from "./case.ts";
import { leavesReachedCpusIdle, type SteeringCase } from "./steering.ts";

/** The packets cannot reach CPUs that have room: one queue, or an RPS mask (Alibaba Cloud's images ship `f` and `ff`). */
export function steeringNarrow(
  { observation }: Case,
  steering: SteeringCase | undefined,
): Finding | undefined {
  if (!steering || leavesReachedCpusIdle(steering)) return undefined;
  const { interface: netInterface, reach, cpusWithRoom } = steering;
  const leftOut = cpusWithRoom.filter((cpu) => !reach.cpus?.includes(cpu));
  const onlineCpus = observation.cpus.length;
  const canBeNarrow = reach.rpsIsOn || netInterface.rxQueues.length < onlineCpus;
  if (leftOut.length === 0 || !canBeNarrow) return undefined;

  const masks = [...new Set(masksOf(netInterface))].map((mask) =>
    cpuMaskText(mask, observation.settings.cpus.possible),
  );
  const isKnown = reach.cpus !== undefined || netInterface.rxQueues.length === 1;
  return {
    code: "steering-narrow",
    severity: "reason",
    confidence: isKnown ? (steering.isSuffering ? 0.9 : 0.7) : 0.4,
    summary: summaryOf(steering, masks, leftOut),
    evidence: evidenceOf({
      interface: netInterface.name,
      rxQueues: netInterface.rxQueues.length,
      rpsCpus: masks,
      reachedCpus: reach.cpus,
      leftOutCpus: leftOut,
      onlineCpus,
    }),
    remedy: hasRps(netInterface) ? "rps" : null,
  };
}

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
