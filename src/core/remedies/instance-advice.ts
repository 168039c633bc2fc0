import type { Finding } from "../finding.ts";
import { baselineGbpsOf } from "../instance-bandwidth.ts";
import type { Observation } from "../observation.ts";
import type { Text } from "../text.ts";
import type { Verdict } from "../verdict.ts";
import { countText, percentText } from "../wording.ts";
import type { Bandwidth } from "./bandwidth.ts";

/** What an instance type has, as Alibaba Cloud's page of instance families states it; its bandwidth is in `instance-bandwidth.ts`. */
interface InstanceType {
  readonly name: string;
  readonly cpus: number;
  readonly packetsPerSecond: number;
  readonly queues: number;
}

/** Network-enhanced types with published limits, the smallest first. Of c7nex and g7nex that page states no packets/s of a size. */
const NETWORK_ENHANCED: readonly InstanceType[] = [
  { name: "ecs.g7ne.large", cpus: 2, packetsPerSecond: 900_000, queues: 2 },
  { name: "ecs.g5ne.large", cpus: 2, packetsPerSecond: 400_000, queues: 2 },
  { name: "ecs.g7ne.xlarge", cpus: 4, packetsPerSecond: 1_000_000, queues: 4 },
  { name: "ecs.g5ne.xlarge", cpus: 4, packetsPerSecond: 750_000, queues: 4 },
  { name: "ecs.g7ne.2xlarge", cpus: 8, packetsPerSecond: 1_500_000, queues: 8 },
  { name: "ecs.g5ne.2xlarge", cpus: 8, packetsPerSecond: 1_500_000, queues: 8 },
  { name: "ecs.g7ne.4xlarge", cpus: 16, packetsPerSecond: 3_000_000, queues: 16 },
  { name: "ecs.g5ne.4xlarge", cpus: 16, packetsPerSecond: 3_000_000, queues: 16 },
  { name: "ecs.g7ne.8xlarge", cpus: 32, packetsPerSecond: 6_000_000, queues: 16 },
  { name: "ecs.g5ne.8xlarge", cpus: 32, packetsPerSecond: 6_000_000, queues: 32 },
  { name: "ecs.g7ne.12xlarge", cpus: 48, packetsPerSecond: 12_000_000, queues: 32 },
  { name: "ecs.g7ne.16xlarge", cpus: 64, packetsPerSecond: 16_000_000, queues: 32 },
  { name: "ecs.g5ne.16xlarge", cpus: 64, packetsPerSecond: 12_000_000, queues: 32 },
  { name: "ecs.g5ne.18xlarge", cpus: 72, packetsPerSecond: 13_500_000, queues: 32 },
  { name: "ecs.g7ne.24xlarge", cpus: 96, packetsPerSecond: 24_000_000, queues: 32 },
];

/** A type should have twice what arrives, or it is full again at the next peak. */
const HEADROOM = 2;
/** More names are no help to choose by. */
const MOST_NAMES = 2;

/**
 * For a bottleneck that no setting cures; undefined while there is none. It is advice: what the traffic may cost and where it may
 * go, nobody here knows.
 *
 * @param isExhausted nothing is left to try of what the findings point to.
 */
export function instanceAdvice(
  observation: Observation,
  { findings }: Verdict,
  bandwidth: Bandwidth,
  isExhausted: boolean,
): Text | undefined {
  const bottleneck = findings.find(
    ({ code, remedy }) =>
      remedy === "instance" || (isExhausted && code === "cpu-bottleneck" && remedy === "rps"),
  );
  if (bottleneck === undefined) return undefined;
  if (findings.some(({ code }) => code === "single-flow")) return OF_ONE_FLOW;
  return stolenAdvice(bottleneck) ?? networkEnhancedAdvice(observation, bandwidth);
}

/** A larger instance has no faster CPUs for a single flow. */
const OF_ONE_FLOW: Text = {
  en: "Let the sender spread this traffic over more connections or ports, or take a type with faster CPUs. More of them do not help one flow.",
  zh: "请让发送端把流量分散到更多连接或端口，或选用单核更快的规格。增加 CPU 数量对单条流没有帮助。",
};

/** More packets/s on paper do not help where the hypervisor gives the CPUs to others. */
function stolenAdvice({ evidence }: Finding): Text | undefined {
  const [stolen, busy] = [Number(evidence["stealPercent"]), Number(evidence["softirqPercent"])];
  if (!(stolen > busy)) return undefined;
  const percent = percentText(stolen);
  const cpu = String(evidence["worstCpu"]);
  return {
    en: `The hypervisor takes ${percent.en} of CPU ${cpu}'s time (steal). Consider a type that has its CPUs to itself: none of a burstable (t5, t6) or shared family.`,
    zh: `虚拟化层占走了 CPU ${cpu} ${percent.zh} 的时间（steal）。可考虑独享 CPU 的规格，而不是突发性能型（t5、t6）或共享型。`,
  };
}

/** One that has no less of anything than this machine, and more of what it lacks. */
function networkEnhancedAdvice(
  { all, cpus: observedCpus, settings, interfaces }: Observation,
  { gbps }: Bandwidth,
): Text {
  const arriving = all.processedPerSecond + all.droppedPerSecond;
  const cpus = settings.cpus.online?.length ?? observedCpus.length;
  const queues = Math.max(
    1,
    ...interfaces.filter(({ kind }) => kind === "nic").map((nic) => nic.rxQueues.length),
  );
  const fitting = NETWORK_ENHANCED.filter(
    (type) =>
      type.packetsPerSecond >= arriving * HEADROOM &&
      baselineGbpsOf(type.name)! >= (gbps ?? 0) &&
      type.cpus >= cpus &&
      type.queues >= queues &&
      type.cpus + type.queues > cpus + queues,
  ).slice(0, MOST_NAMES);
  const rate = countText(arriving);
  const [en, zh] = [fitting.map((type) => typeText(type).en), fitting.map((type) => typeText(type).zh)];
  const such: Text =
    fitting.length > 0
      ? { en: ` such as ${en.join(" or ")}`, zh: `，例如 ${zh.join("或 ")}` }
      : {
          en: " (no g5ne or g7ne type has that without fewer CPUs or less bandwidth)",
          zh: "（g5ne 和 g7ne 中没有 vCPU 和带宽都不低于本机的此类规格）",
        };
  return {
    en: `${rate} packets/s arrive at ${cpus === 1 ? "one CPU" : `${cpus} CPUs`} and ${queues === 1 ? "one receive queue" : `${queues} receive queues`}. Consider a type of a network-enhanced family (c7ne, g7ne, …) with more packets/s and queues${such.en}, or spread the traffic over more instances.`,
    zh: `每秒有 ${rate} 个数据包到达 ${cpus} 个 CPU 和 ${queues} 个接收队列。可考虑 PPS 更高、队列更多的网络增强型规格（c7ne、g7ne 等）${such.zh}，或把流量分散到更多实例。`,
  };
}

function typeText({ name, cpus, packetsPerSecond, queues }: InstanceType): Text {
  const [rate, gbps] = [countText(packetsPerSecond), baselineGbpsOf(name)!];
  return {
    en: `${name} (${cpus} vCPUs, ${rate} packets/s, ${gbps} Gbit/s, ${queues} queues)`,
    zh: `${name}（${cpus} vCPU、${rate} PPS、${gbps} Gbit/s、${queues} 个队列）`,
  };
}
