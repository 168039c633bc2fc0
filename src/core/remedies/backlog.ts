import { nicBypassesBacklog } from "../cannot-help.ts";
import type { Observation, ObservedCpu } from "../observation.ts";
import type { SysctlChange } from "../remedy-script.ts";
import type { Text } from "../text.ts";
import { countText, sentences } from "../wording.ts";
import { type BacklogChoice, chooseBacklog, queueCost } from "./backlog-choice.ts";
import type { Bandwidth } from "./bandwidth.ts";
import { NOTHING, ofNoUse, OTHER_NAMESPACE, type Part, pointsTo, type Reason, type Request } from "./part.ts";

/** A longer queue, for bursts. */
export function backlogPart(request: Request): Part {
  if (!asksForBacklog(request)) return NOTHING;
  const { observation, policy, context } = request;
  const limit = observation.settings.sysctls.netdevMaxBacklog;
  if (limit === undefined) return ofNoUse("other-namespace", RAISE_BACKLOG, OTHER_NAMESPACE);
  if (nicBypassesBacklog(observation) && !policy.force) return NOTHING;
  const cpus = observation.settings.cpus.online?.length ?? observation.cpus.length;
  const worst = worstCpu(observation);
  const choice = chooseBacklog({
    limit,
    largestDrop: worst.largestDropOfOneSample,
    bandwidth: context.bandwidth,
    cpus,
    memoryAvailableBytes: observation.settings.memoryAvailableBytes,
  });
  if (policy.backlog !== "auto") return explicitBacklog(policy.backlog, limit, cpus, worst, request, choice);
  switch (choice.kind) {
    case "raise":
      return {
        steps: [backlogStep(limit, choice.to, cpus, worst, whyRaise(worst, choice, context.bandwidth))],
        noUse: [],
      };
    case "unlimited":
      return ofNoUse("backlog-unlimited", RAISE_BACKLOG, UNLIMITED);
    case "exhausted":
      return ofNoUse("backlog-exhausted", RAISE_BACKLOG, {
        en: `${countText(limit)} is at the end of what suits this bandwidth, and packets are lost still. More room would only make them wait longer.`,
        zh: `${countText(limit)} 已是适合该带宽的最大值，却仍在丢包。队列再长只会让数据包等待更久。`,
      });
    case "no-memory":
      return ofNoUse("no-memory", RAISE_BACKLOG, {
        en: `Full queues of ${countText(choice.wanted)} packets on ${cpus} CPUs could take more than half of the memory that is free.`,
        zh: `${cpus} 个 CPU 上长度为 ${countText(choice.wanted)} 的队列若填满，可能占用一半以上的可用内存。`,
      });
  }
}

/** Also where nothing points to it. */
export function asksForBacklog(request: Request): boolean {
  return request.policy.backlog !== "auto" || pointsTo(request, "backlog");
}

function explicitBacklog(
  to: number,
  limit: number,
  cpus: number,
  worst: ObservedCpu,
  request: Request,
  byItself: BacklogChoice,
): Part {
  if (limit < 0) return ofNoUse("backlog-unlimited", RAISE_BACKLOG, UNLIMITED);
  if (to <= limit) {
    const raised = byItself.kind === "raise" && pointsTo(request, "backlog") ? byItself.to : undefined;
    return ofNoUse(
      "backlog-not-lowered",
      {
        en: `Setting net.core.netdev_max_backlog to ${countText(to)}`,
        zh: `把 net.core.netdev_max_backlog 设为 ${countText(to)}`,
      },
      sentences(
        {
          en: `It is ${countText(limit)} already, and a remedy never lowers it.`,
          zh: `当前已是 ${countText(limit)}，修复从不调低该值。`,
        },
        raised === undefined
          ? undefined
          : {
              en: `Without --backlog it is raised to ${countText(raised)}.`,
              zh: `不带 --backlog 时会调大到 ${countText(raised)}。`,
            },
      ),
    );
  }
  const step = backlogStep(limit, to, cpus, worst, {
    en: "You asked for this value.",
    zh: "这是您指定的值。",
  });
  const available = request.observation.settings.memoryAvailableBytes;
  const isMuch = available !== undefined && step.cost!.bytesUpperBound > available / 2;
  const note: Text = {
    en: "Full queues of that length could take more than half of the memory that is free.",
    zh: "这样长的队列若填满，可能占用一半以上的可用内存。",
  };
  return { steps: [step], noUse: [], notes: isMuch ? [note] : [] };
}

function backlogStep(
  from: number,
  to: number,
  cpus: number,
  worst: ObservedCpu,
  why: Text,
): SysctlChange & Reason {
  const cost = queueCost(to, cpus, worst.processedPerSecond);
  return { kind: "sysctl", name: "netdev_max_backlog", from, to, why, cost };
}

function whyRaise(
  worst: ObservedCpu,
  { to, isException, wanted, isShortOfMemory }: BacklogChoice & { kind: "raise" },
  bandwidth: Bandwidth,
): Text {
  const lost = countText(worst.largestDropOfOneSample);
  const known: Text =
    bandwidth.gbps === undefined
      ? {
          en: "The bandwidth is not known and taken to be between 1 and 10 Gbit/s (set it with --bandwidth-gbps).",
          zh: "带宽未知，按 1 到 10 Gbit/s 处理（可用 --bandwidth-gbps 指定）。",
        }
      : { en: `The bandwidth is ${bandwidth.gbps} Gbit/s.`, zh: `带宽为 ${bandwidth.gbps} Gbit/s。` };
  const memory: Text = {
    en: `full queues of more than ${countText(to)} could take more than half of the memory that is free`,
    zh: `长度超过 ${countText(to)} 的队列若填满，可能占用一半以上的可用内存`,
  };
  if (isException) {
    const asFar: Text = isShortOfMemory
      ? { en: `, as far as the memory goes: ${memory.en}`, zh: `，但受内存限制：${memory.zh}` }
      : { en: "", zh: "" };
    return {
      en: `CPU ${worst.cpu} lost ${lost} packets in one sample though the queue is as long as suits the bandwidth: the next step of the table, as an exception${asFar.en}. ${known.en}`,
      zh: `队列已达到适合该带宽的长度，CPU ${worst.cpu} 仍在一次采样中丢失了 ${lost} 个数据包：作为例外采用表中的下一档${asFar.zh}。${known.zh}`,
    };
  }
  const bound: Text = isShortOfMemory
    ? memory
    : {
        en: `${countText(to)} is what suits the bandwidth`,
        zh: `适合该带宽的值是 ${countText(to)}`,
      };
  const bounded: Text =
    to === wanted
      ? { en: "Room for that", zh: "留出相应的空间" }
      : {
          en: `${countText(wanted)} would hold that; ${bound.en}`,
          zh: `容纳它们需要 ${countText(wanted)}；${bound.zh}`,
        };
  return {
    en: `CPU ${worst.cpu} lost ${lost} packets in one sample. ${bounded.en}. ${known.en}`,
    zh: `CPU ${worst.cpu} 在一次采样中丢失了 ${lost} 个数据包。${bounded.zh}。${known.zh}`,
  };
}

function worstCpu({ cpus }: Observation): ObservedCpu {
  return cpus.reduce((worst, cpu) =>
    cpu.largestDropOfOneSample > worst.largestDropOfOneSample ? cpu : worst,
  );
}

const RAISE_BACKLOG: Text = {
  en: "Raising net.core.netdev_max_backlog",
  zh: "调大 net.core.netdev_max_backlog",
};

/** A warning wherever it is met. */
export const UNLIMITED: Text = {
  en: "netdev_max_backlog is -1, without a limit: a CPU that is overloaded can fill the memory with waiting packets. Set a limit.",
  zh: "netdev_max_backlog 当前为 -1，即不限长度：过载的 CPU 会让排队的数据包占满内存。请设置上限。",
};
