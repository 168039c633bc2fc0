import { type CpuCondition, packetPercent } from "../cpu-condition.ts";
import type { Finding } from "../finding.ts";
import { placeText } from "../suffering.ts";
import type { Text } from "../text.ts";
import { countText, cpusText, percentText, sentences } from "../wording.ts";
import { type Case, cpuEvidence, evidenceOf, idsOf, sum, worstOf } from "./case.ts";

/** Packets are dropped by a CPU that had time for them: a burst overflows the queue. */
export function backlogTooSmall(ofCase: Case): Finding | undefined {
  if (ofCase.flowLimitDrops) return undefined;
  const cpus = ofCase.cpus.filter(
    ({ drops, saturation, queueStaysFull }) => drops && saturation !== "saturated" && !queueStaysFull,
  );
  if (cpus.length === 0) return undefined;
  const isSustained = cpus.some(
    ({ observed }) =>
      observed.droppingSamples >= ofCase.thresholds.sustainedSamples &&
      observed.droppingSeconds >= ofCase.thresholds.sustainedSeconds,
  );
  return {
    code: "backlog-too-small",
    severity: isSustained ? "critical" : "warning",
    confidence: confidenceIn(worstOf(cpus), ofCase),
    summary: sentences(lossText(cpus, ofCase), ADVICE),
    evidence: evidenceOf({
      ...cpuEvidence(ofCase, cpus),
      droppingSeconds: cpus.reduce((most, { observed }) => Math.max(most, observed.droppingSeconds), 0),
      sampledSeconds: ofCase.observation.sampledSeconds,
    }),
    remedy: "backlog",
  };
}

function confidenceIn(worst: CpuCondition, { thresholds }: Case): number {
  switch (worst.saturation) {
    case "unknown":
      return 0.4;
    case "unsure":
      return 0.5;
    case "saturated":
    case "free":
      if (worst.budgetEndsPasses) return 0.5;
      return worst.observed.squeezedPerSecond < thresholds.squeezesFlatPerSecond ? 0.9 : 0.6;
  }
}

function lossText(cpus: readonly CpuCondition[], { observation, suffering }: Case): Text {
  const who = cpusText(idsOf(cpus));
  const many = cpus.length > 1;
  const dropped = countText(sum(cpus, "droppedPerSecond"));
  const limit = observation.settings.sysctls.netdevMaxBacklog;
  const where = placeText(suffering);
  const worst = worstOf(cpus);
  const queue: Text =
    limit === undefined || limit < 0
      ? { en: many ? "the backlog queues" : "the backlog queue", zh: "backlog 队列" }
      : {
          en: `the backlog queue of ${countText(limit)} packets`,
          zh: `长度为 ${countText(limit)} 的 backlog 队列`,
        };
  const why = reasonText(worst, queue);
  return {
    en: `${who.en} ${many ? "drop" : "drops"} ${dropped} packets/s${where.en}: ${why.en}.`,
    zh: `${who.zh} ${where.zh}每秒丢弃 ${dropped} 个数据包：${why.zh}。`,
  };
}

function reasonText({ saturation, load }: CpuCondition, queue: Text): Text {
  if (load === undefined) {
    return {
      en: `they overflow ${queue.en}; how busy the CPU is cannot be seen here`,
      zh: `数据包溢出了${queue.zh}；此处看不到 CPU 的繁忙程度`,
    };
  }
  const busy = percentText(packetPercent(load));
  return saturation === "unsure"
    ? {
        en: `${queue.en} overflows and the CPU is ${busy.en} busy with packets, so either may be the cause`,
        zh: `${queue.zh}溢出，同时 CPU 处理数据包的时间占 ${busy.zh}，两者都可能是原因`,
      }
    : {
        en: `bursts overflow ${queue.en} while the CPU is only ${busy.en} busy with packets`,
        zh: `突发流量溢出了${queue.zh}，而 CPU 处理数据包的时间只占 ${busy.zh}`,
      };
}

const ADVICE: Text = {
  en: "Raise net.core.netdev_max_backlog.",
  zh: "请调大 net.core.netdev_max_backlog。",
};
