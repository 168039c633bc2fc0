import { type CpuCondition, packetPercent } from "../cpu-condition.ts";
import type { Finding, RemedyKind } from "../finding.ts";
import { placeText } from "../suffering.ts";
import type { Text } from "../text.ts";
import { countText, cpusText, percentText, sentences } from "../wording.ts";
import { type Case, cpuEvidence, evidenceOf, idsOf, sum, worstOf } from "./case.ts";

/** CPUs that have no time left for their packets; with drops or, before those, with squeezes. */
export function bottleneckCpus({ cpus, thresholds }: Case): readonly CpuCondition[] {
  return cpus.filter((cpu) => {
    if (cpu.drops) return cpu.saturation === "saturated" || cpu.saturation === "unsure" || cpu.queueStaysFull;
    const squeezes = cpu.observed.squeezedPerSecond >= thresholds.squeezesWorthMentionPerSecond;
    return squeezes && (cpu.saturation === "saturated" || cpu.queueStaysFull) && !cpu.budgetEndsPasses;
  });
}

/** What would relieve the CPU: more CPUs by RPS, here or in another network namespace, more flows that can be spread, or more power. */
export type Relief = "rps" | "elsewhere" | "flows" | "power";

/**
 * A CPU cannot keep up. Squeezes support it and are no condition: cheap packets saturate a CPU without any.
 *
 * @param cpus as `bottleneckCpus` gives them.
 * @param relief what its reasons point to.
 */
export function cpuBottleneck(
  ofCase: Case,
  cpus: readonly CpuCondition[],
  relief: Relief,
): Finding | undefined {
  if (cpus.length === 0) return undefined;
  const drops = cpus.some((cpu) => cpu.drops);
  return {
    code: "cpu-bottleneck",
    severity: drops ? "critical" : "warning",
    confidence: confidenceIn(worstOf(cpus), ofCase),
    summary: sentences(
      drops ? lossText(cpus, ofCase) : strainText(cpus),
      isMostlyStolen(worstOf(cpus)) && relief === "power" ? OWN_CPUS : ADVICE[relief],
    ),
    evidence: evidenceOf({
      ...cpuEvidence(ofCase, cpus),
      squeezesByTimePerSecond: worstOf(cpus).squeezesByTimePerSecond,
      queueStaysFull: cpus.some(({ queueStaysFull }) => queueStaysFull),
    }),
    remedy: REMEDY[relief],
  };
}

function confidenceIn(worst: CpuCondition, { thresholds }: Case): number {
  if (worst.budgetEndsPasses) return 0.5;
  if (worst.saturation !== "saturated") return worst.queueStaysFull ? 0.7 : 0.5;
  if (!worst.drops) return 0.7;
  const isSupported =
    worst.queueStaysFull || worst.observed.squeezedPerSecond >= thresholds.squeezesFlatPerSecond;
  return isSupported ? 0.95 : 0.9;
}

function lossText(cpus: readonly CpuCondition[], { suffering }: Case): Text {
  const who = cpusText(idsOf(cpus));
  const dropped = countText(sum(cpus, "droppedPerSecond"));
  const where = placeText(suffering);
  const why = reasonText(cpus);
  const many = cpus.length > 1;
  return {
    en: `${who.en} cannot keep up and ${many ? "drop" : "drops"} ${dropped} packets/s${where.en}: ${why.en}.`,
    zh: `${who.zh} 处理不过来，${where.zh}每秒丢弃 ${dropped} 个数据包：${why.zh}。`,
  };
}

function strainText(cpus: readonly CpuCondition[]): Text {
  const who = cpusText(idsOf(cpus));
  const squeezed = countText(sum(cpus, "squeezedPerSecond"));
  const why = reasonText(cpus);
  const are = cpus.length > 1 ? "are at their limit" : "is at its limit";
  return {
    en: `${who.en} ${are}: ${why.en}, and ${squeezed} receive passes/s run out of time. Nothing is lost yet.`,
    zh: `${who.zh} 已到极限：${why.zh}，每秒有 ${squeezed} 轮收包因超时而提前结束。目前尚未丢包。`,
  };
}

function reasonText(cpus: readonly CpuCondition[]): Text {
  const worst = worstOf(cpus);
  const { load, saturation, queueStaysFull, observed } = worst;
  if (load === undefined || (queueStaysFull && saturation !== "saturated")) {
    return { en: "the backlog queue never drains", zh: "backlog 队列始终排不空" };
  }
  const its: Text =
    cpus.length === 1
      ? { en: "its time", zh: "其" }
      : { en: `CPU ${observed.cpu}'s time`, zh: ` CPU ${observed.cpu}` };
  const during = ofDropsAlone(worst) ? { en: " while it drops", zh: "丢包期间，" } : { en: "", zh: "" };
  if (isMostlyStolen(worst)) {
    const stolen = percentText(load.stealPercent);
    return {
      en: `the hypervisor takes ${stolen.en} of ${its.en} (steal)${during.en}, and packets most of the rest`,
      zh: `${during.zh}虚拟化层占走了${its.zh} ${stolen.zh} 的时间（steal），剩下的大部分用于处理数据包`,
    };
  }
  const busy = percentText(packetPercent(load));
  return {
    en: `packets take ${busy.en} of ${its.en}${during.en}`,
    zh: `${during.zh}处理数据包占用了${its.zh} ${busy.zh} 的时间`,
  };
}

/** Whether the load is another than that of all seconds, which the table shows. */
function ofDropsAlone({ load, observed }: CpuCondition): boolean {
  if (load === undefined || observed.load === undefined) return false;
  return percentText(packetPercent(load)).en !== percentText(packetPercent(observed.load)).en;
}

function isMostlyStolen({ load }: CpuCondition): boolean {
  return load !== undefined && load.stealPercent > load.softirqPercent;
}

const REMEDY: Readonly<Record<Relief, RemedyKind | null>> = {
  rps: "rps",
  elsewhere: null,
  flows: "instance",
  power: "instance",
};

const ADVICE: Readonly<Record<Relief, Text>> = {
  rps: {
    en: "Spread the packets over more CPUs with RPS.",
    zh: "请用 RPS 把数据包分散到更多 CPU。",
  },
  elsewhere: {
    en: "Other CPUs have room: spread the packets with RPS in that network namespace.",
    zh: "其他 CPU 还有余力：请在那个网络命名空间中用 RPS 分散数据包。",
  },
  flows: {
    en: "No setting cures this: it takes a faster CPU, or a sender that uses more flows.",
    zh: "任何参数都无法解决：需要更快的 CPU，或者让发送端使用更多的流。",
  },
  power: {
    en: "No setting cures this: it takes more or faster CPUs and receive queues, or less traffic.",
    zh: "任何参数都无法解决：需要更多或更快的 CPU 和接收队列，或者减少流量。",
  },
};

const OWN_CPUS: Text = {
  en: "No setting cures this: it takes an instance that has its CPUs to itself.",
  zh: "任何参数都无法解决：需要独享 CPU 的实例规格。",
};
