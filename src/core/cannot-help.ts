import type { Finding } from "./finding.ts";
import { type Case, worstOf } from "./findings/case.ts";
import { bottleneckCpus } from "./findings/cpu-bottleneck.ts";
import { isNarrowElsewhere } from "./findings/steering.ts";
import type { Observation, ObservedInterface } from "./observation.ts";
import { masksOf, usableCpus } from "./steering.ts";
import type { Text } from "./text.ts";
import { DEFAULT_THRESHOLDS, type Thresholds } from "./thresholds.ts";
import { countText, namesText } from "./wording.ts";

export type CannotHelpCode =
  | "nic-bypasses-backlog"
  | "backlog-under-overload"
  | "budget-under-overload"
  | "rps-for-budget"
  | "rps-for-single-flow"
  | "rps-on-one-cpu"
  | "other-namespace";

/** A change that somebody may be about to try, and why it would not help. */
export interface CannotHelp {
  readonly code: CannotHelpCode;
  readonly what: Text;
  readonly why: Text;
}

/** What the findings rule out. */
export function cannotHelpWith(ofCase: Case, findings: readonly Finding[]): readonly CannotHelp[] {
  return [
    backlogUnderOverload(ofCase, findings),
    budgetUnderOverload(findings),
    rpsForBudget(findings),
    rpsForSingleFlow(findings),
    rpsOnOneCpu(ofCase, findings),
    rpsElsewhere(ofCase),
    lossBeforeBacklog(ofCase.observation, ofCase.thresholds),
  ].filter((entry) => entry !== undefined);
}

/**
 * Whether a bigger backlog is beside the point, since no interface that suffers enters it: a NIC with RPS off hands its packets straight to
 * the protocols. Ask whenever a bigger backlog is asked for; undefined when it may help.
 *
 * An interface suffers when it explains softnet's drops or, while there are none, when it loses packets in another way, or
 * else when it is among those that carry the traffic.
 */
export function nicBypassesBacklog(
  observation: Observation,
  thresholds: Thresholds = DEFAULT_THRESHOLDS,
): CannotHelp | undefined {
  // Whatever softnet dropped had entered the backlog.
  if (observation.all.droppedPerSecond > 0) return undefined;
  const concerned = losing(observation.interfaces) ?? carrying(observation.interfaces, thresholds);
  if (concerned.length === 0 || concerned.some(entersBacklog)) return undefined;
  const names = namesText(concerned.map(({ name }) => name));
  const virtual = concerned.filter(({ kind }) => kind !== "nic");
  const isOne = concerned.length === 1;
  const certain: Text = {
    en: `RPS is off on ${names.en}, so ${isOne ? "its" : "their"} packets never enter the backlog queue and no length of it matters.`,
    zh: `${names.zh} 未开启 RPS，其数据包从不进入 backlog 队列，队列多长都没有影响。`,
  };
  const seen: Text = {
    en: `RPS is off on ${names.en} and not one packet was lost in the backlog queue: with GRO on, a virtual interface has a NAPI of its own and never enters it.`,
    zh: `${names.zh} 未开启 RPS，backlog 队列没有丢失任何数据包：开启 GRO 的虚拟接口有自己的 NAPI，从不进入该队列。`,
  };
  return {
    code: "nic-bypasses-backlog",
    what: RAISE_BACKLOG,
    why: virtual.length > 0 ? seen : certain,
  };
}

/**
 * RPS sends packets through the backlog of another CPU; loopback always enters it. What a veth or a tunnel does depends on GRO, which no file
 * tells: that one without drops enters it is for nobody to see.
 */
function entersBacklog(netInterface: ObservedInterface): boolean {
  return netInterface.kind === "loopback" || masksOf(netInterface).some((mask) => mask !== 0n);
}

function losing(interfaces: readonly ObservedInterface[]): readonly ObservedInterface[] | undefined {
  const those = interfaces.filter(
    ({ rxDroppedPerSecond, rxMissedPerSecond }) => (rxDroppedPerSecond ?? 0) + (rxMissedPerSecond ?? 0) > 0,
  );
  return those.length > 0 ? those : undefined;
}

function carrying(
  interfaces: readonly ObservedInterface[],
  { sufferingShare }: Thresholds,
): readonly ObservedInterface[] {
  const all = interfaces.reduce((sum, { rxPacketsPerSecond }) => sum + (rxPacketsPerSecond ?? 0), 0);
  return interfaces.filter(
    ({ rxPacketsPerSecond }) => all > 0 && (rxPacketsPerSecond ?? 0) >= all * sufferingShare,
  );
}

/** Said unasked only where packets are lost before the kernel gets them, and a bigger backlog is the advice of every guide. */
function lossBeforeBacklog(observation: Observation, thresholds: Thresholds): CannotHelp | undefined {
  const isLost = observation.interfaces.some(({ rxMissedPerSecond }) => (rxMissedPerSecond ?? 0) > 0);
  return isLost ? nicBypassesBacklog(observation, thresholds) : undefined;
}

function backlogUnderOverload(ofCase: Case, findings: readonly Finding[]): CannotHelp | undefined {
  const cpus = bottleneckCpus(ofCase).filter(({ drops }) => drops);
  const isSure = !findings.some(({ code }) => code === "backlog-too-small");
  if (cpus.length === 0 || !isSure) return undefined;
  const { cpu, droppedPerSecond, processedPerSecond } = worstOf(cpus).observed;
  const fillSeconds = LARGE_BACKLOG / droppedPerSecond;
  const places = countText(LARGE_BACKLOG);
  // A queue that takes hours to fill is none to frighten anybody with.
  const fills: Text =
    fillSeconds <= 60
      ? {
          en: `Even ${places} places would be full after ${countText(fillSeconds)} s`,
          zh: `即使队列有 ${places} 个位置，也会在 ${countText(fillSeconds)} 秒后填满`,
        }
      : { en: `${places} places would fill up too`, zh: `${places} 个位置的队列最终也会填满` };
  const delay = processedPerSecond > 0 ? countText(LARGE_BACKLOG / processedPerSecond) : undefined;
  return {
    code: "backlog-under-overload",
    what: RAISE_BACKLOG,
    why: {
      en: `More packets arrive at CPU ${cpu} than it can take. ${fills.en}; then it drops as before${delay ? `, and every packet waits ${delay} s` : ""}.`,
      zh: `到达 CPU ${cpu} 的数据包超过了它的处理能力。${fills.zh}，之后照样丢包${delay ? `，而且每个数据包要等待 ${delay} 秒` : ""}。`,
    },
  };
}

/** What the 10 Gbit/s row of every guide ends with. */
const LARGE_BACKLOG = 30_000;

function budgetUnderOverload(findings: readonly Finding[]): CannotHelp | undefined {
  const has = (code: Finding["code"]): boolean => findings.some((finding) => finding.code === code);
  const isSqueezed = findings.some(
    ({ code, evidence }) => code === "cpu-bottleneck" && Number(evidence["squeezedPerSecond"]) > 0,
  );
  if (!isSqueezed || has("budget-too-small")) return undefined;
  return {
    code: "budget-under-overload",
    what: { en: "Raising net.core.netdev_budget(_usecs)", zh: "调大 net.core.netdev_budget(_usecs)" },
    why: {
      en: "The passes end because the CPU has no time left. A longer pass silences the squeezed counter and loses the same packets.",
      zh: "每轮收包提前结束，是因为 CPU 没有时间了。延长每轮收包只会让 squeezed 计数不再增长，丢失的数据包不会减少。",
    },
  };
}

function rpsForBudget(findings: readonly Finding[]): CannotHelp | undefined {
  if (!findings.some(({ code }) => code === "budget-too-small")) return undefined;
  return {
    code: "rps-for-budget",
    what: { en: "Turning RPS on", zh: "开启 RPS" },
    why: {
      en: "The same queues are polled on the same CPU, and RPS adds one more to them: squeezes grow.",
      zh: "同样的队列仍在同一个 CPU 上轮询，RPS 还会再增加一个：squeezed 反而会增多。",
    },
  };
}

function rpsForSingleFlow(findings: readonly Finding[]): CannotHelp | undefined {
  if (!findings.some(({ code }) => code === "single-flow")) return undefined;
  return {
    code: "rps-for-single-flow",
    what: { en: "A wider RPS mask", zh: "放宽 RPS 掩码" },
    why: {
      en: "RPS keeps all packets of a flow on one CPU, so that they stay in order. It moves the loss to another CPU at best.",
      zh: "RPS 为保证顺序，把同一条流的所有数据包都交给同一个 CPU，最多只能把丢包移到另一个 CPU 上。",
    },
  };
}

function rpsOnOneCpu({ observation }: Case, findings: readonly Finding[]): CannotHelp | undefined {
  const isBottleneck = findings.some(({ code }) => code === "cpu-bottleneck");
  const usable = usableCpus(observation.settings.cpus, observation.cpus);
  return isBottleneck && usable.length < 2 ? RPS_ON_ONE_CPU : undefined;
}

function rpsElsewhere(ofCase: Case): CannotHelp | undefined {
  return isNarrowElsewhere(ofCase, bottleneckCpus(ofCase)) ? RPS_ELSEWHERE : undefined;
}

/** With RPS. */
export const SPREAD: Text = { en: "Spreading packets with RPS", zh: "用 RPS 分散数据包" };

export const RPS_ON_ONE_CPU: CannotHelp = {
  code: "rps-on-one-cpu",
  what: SPREAD,
  why: {
    en: "This machine has one usable CPU: there is no other to give packets to.",
    zh: "本机只有一个可用的 CPU，没有其他 CPU 可以分担。",
  },
};

export const RPS_ELSEWHERE: CannotHelp = {
  code: "other-namespace",
  what: SPREAD,
  why: {
    en: "The interface that loses them is in another network namespace and cannot be steered from here. Where its packets come in through one that can, --device NAME spreads them there.",
    zh: "丢包的接口位于另一个网络命名空间，无法从这里调整。如果数据包先经过本命名空间的某个接口，可用 --device 指定它，在那里分散。",
  },
};

const RAISE_BACKLOG: Text = {
  en: "Raising net.core.netdev_max_backlog",
  zh: "调大 net.core.netdev_max_backlog",
};
