import type { Finding } from "../finding.ts";
import { cpusText } from "../wording.ts";
import { type Case, evidenceOf } from "./case.ts";
import { leavesReachedCpusIdle, type SteeringCase } from "./steering.ts";

/** Counters cannot see flows: a few heavy ones that share a hash look the same. */
const MOST_CONFIDENCE = 0.6;

/** The packets could reach several CPUs, yet one is full and another idle: one flow, which is never split. */
export function singleFlow(ofCase: Case, steering: SteeringCase | undefined): Finding | undefined {
  if (!steering || !leavesReachedCpusIdle(steering)) return undefined;
  const { interface: netInterface, reach, fullCpus, cpusWithRoom } = steering;
  const reached = reach.cpus!;
  const idle = reached.filter((cpu) => cpusWithRoom.includes(cpu));
  const byRps = reach.rpsIsOn;
  const { flowLimitPerSecond } = ofCase.observation.all;
  const [to, full] = [cpusText(reached), cpusText(fullCpus)];
  return {
    code: "single-flow",
    severity: "reason",
    confidence: steering.because === "suffers" && byRps ? MOST_CONFIDENCE : MOST_CONFIDENCE - 0.2,
    summary: {
      en: `The packets of ${netInterface.name} could go to ${to.en}, yet only ${full.en} is full: most likely one flow, which ${byRps ? "RPS" : "a NIC's queues"} cannot split. Let the sender use more connections or ports.`,
      zh: `${netInterface.name} 的数据包可以分到 ${to.zh}，却只有 ${full.zh} 占满：很可能是单条流，${byRps ? "RPS 也" : "网卡多队列也"}无法拆分。请让发送端使用更多连接或端口。`,
    },
    evidence: evidenceOf({
      interface: netInterface.name,
      reachedCpus: reached,
      fullCpus,
      idleCpus: idle,
      flowLimitPerSecond,
    }),
    remedy: null,
  };
}
