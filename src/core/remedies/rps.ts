import { RPS_ON_ONE_CPU, SPREAD } from "../cannot-help.ts";
import { type CpuMask, cpuMaskText } from "../cpu-mask.ts";
import type { ObservedInterface } from "../observation.ts";
import { isScriptableInterfaceName, type RpsChange } from "../remedy-script.ts";
import { busiestFirst } from "../steering.ts";
import { bringsText, isAllElsewhere, sufferingOf } from "../suffering.ts";
import type { Text } from "../text.ts";
import { DEFAULT_THRESHOLDS } from "../thresholds.ts";
import { cpusText, sentences } from "../wording.ts";
import { NOTHING, ofNoUse, type Part, pointsTo, type Reason, type Request } from "./part.ts";
import { chooseRps, chosenByHand } from "./rps-choice.ts";

/** More CPUs for the packets of one interface. */
export function rpsPart(request: Request): Part {
  const { observation, policy } = request;
  if (!asksForRps(request)) return NOTHING;
  const device = deviceToSteer(request);
  if (device === undefined) {
    return ofNoUse("no-device", SPREAD, {
      en: "No interface with receive queues is seen to lose packets. --device NAME names one.",
      zh: "没有看到哪个带接收队列的接口在丢包。可用 --device 指定接口。",
    });
  }
  if (!isScriptableInterfaceName(device.name)) {
    return ofNoUse("no-device", SPREAD, {
      en: `The name ${JSON.stringify(device.name)} cannot be put into a script safely.`,
      zh: `接口名 ${JSON.stringify(device.name)} 无法安全地写入脚本。`,
    });
  }
  const { cpus } = observation.settings;
  const choice =
    typeof policy.rps === "string"
      ? chooseRps({ device, cpus, observedCpus: observation.cpus })
      : chosenByHand({ device, cpus, observedCpus: observation.cpus }, policy.rps);
  switch (choice.kind) {
    case "spread":
      return { steps: maskSteps(device, choice, request), noUse: [] };
    case "one-cpu":
      return { steps: [], noUse: [RPS_ON_ONE_CPU] };
    case "enough-queues":
      return ofNoUse("rps-with-enough-queues", SPREAD, {
        en: `${device.name} has ${choice.queues} receive queues for ${choice.cpus} CPUs: the NIC spreads packets by itself, and RPS would add a second hop.`,
        zh: `${device.name} 有 ${choice.queues} 个接收队列、${choice.cpus} 个 CPU：网卡自己就能分散数据包，RPS 只会多一次转发。`,
      });
    case "already-spread":
      return ofNoUse("rps-already-spread", SPREAD, {
        en: `The packets of ${device.name} go to all CPUs that are near it already.`,
        zh: `${device.name} 的数据包已经分散到它附近的所有 CPU。`,
      });
    case "already-set": {
      const mask = cpuMaskText(choice.mask, cpus.possible);
      return ofNoUse("rps-already-set", SPREAD, {
        en: `The mask of ${device.name} is ${mask} already.`,
        zh: `${device.name} 的掩码已经是 ${mask}。`,
      });
    }
    case "no-rps":
      return ofNoUse("no-rps", SPREAD, {
        en: `The kernel offers no RPS for ${device.name}.`,
        zh: `内核没有为 ${device.name} 提供 RPS。`,
      });
  }
}

function maskSteps(
  device: ObservedInterface,
  { mask, cpus }: { readonly mask: CpuMask; readonly cpus: readonly number[] },
  request: Request,
): readonly (RpsChange & Reason)[] {
  const possibleCpus = request.observation.settings.cpus.possible ?? mask.toString(2).length;
  const to = cpusText(cpus);
  const queues = device.rxQueues.length;
  const spread: Text = {
    en: `${device.name} has ${queues === 1 ? "one receive queue" : `${queues} receive queues`}: its packets are spread over ${to.en}.`,
    zh: `${device.name} 有 ${queues} 个接收队列：把它的数据包分散到 ${to.zh}。`,
  };
  const why: Text =
    cpus.length === 0
      ? { en: "You asked for this mask.", zh: "这是您指定的掩码。" }
      : bringsLosses(device, request)
        ? sentences(bringsText(device.name), spread)
        : spread;
  return device.rxQueues.flatMap(({ index, rpsCpus }) =>
    rpsCpus === undefined
      ? []
      : [
          {
            kind: "rps",
            device: device.name,
            queue: index,
            from: rpsCpus,
            to: mask,
            possibleCpus,
            why,
            cost: null,
          },
        ],
  );
}

/** It was found to be narrow, and loses nothing itself. */
function bringsLosses({ name }: ObservedInterface, { observation, verdict }: Request): boolean {
  const isNarrow = verdict.findings.some(
    ({ code, evidence }) => code === "steering-narrow" && evidence["interface"] === name,
  );
  return isNarrow && isAllElsewhere(sufferingOf(observation, DEFAULT_THRESHOLDS));
}

/** Where the loss is in another network namespace, only at an interface that was named. */
function asksForRps(request: Request): boolean {
  const { policy, verdict } = request;
  if (policy.rps !== "auto") return policy.rps !== "off";
  const isElsewhere = verdict.cannotHelp.some(({ code }) => code === "other-namespace");
  return pointsTo(request, "rps") || (isElsewhere && policy.device !== undefined);
}

/** The one that was asked for, else the one that the findings name, else the one that suffers or, where nothing is lost, receives the most. */
function deviceToSteer({ observation, verdict, policy }: Request): ObservedInterface | undefined {
  const named = (name: unknown): ObservedInterface | undefined =>
    observation.interfaces.find((one) => one.name === name);
  if (policy.device !== undefined) return named(policy.device);
  for (const { evidence } of verdict.findings) {
    const found = named(evidence["interface"]);
    if (found) return found;
  }
  const { interfaces, isElsewhere } = sufferingOf(observation, DEFAULT_THRESHOLDS);
  return interfaces[0] ?? (isElsewhere ? undefined : busiestFirst(observation.interfaces)[0]);
}
