import type { Observation } from "../observation.ts";
import type { Text } from "../text.ts";
import { countText } from "../wording.ts";

/** What an instance type can receive, as Alibaba Cloud's page of instance families states it. */
interface InstanceType {
  readonly name: string;
  readonly packetsPerSecond: number;
  readonly gbps: number;
  readonly queues: number;
}

/** Network-enhanced types with a known limit, the smallest first. */
const NETWORK_ENHANCED: readonly InstanceType[] = [
  { name: "ecs.g7ne.large", packetsPerSecond: 900_000, gbps: 1.5, queues: 2 },
  { name: "ecs.g5ne.8xlarge", packetsPerSecond: 6_000_000, gbps: 15, queues: 32 },
  { name: "ecs.g7ne.8xlarge", packetsPerSecond: 6_000_000, gbps: 25, queues: 16 },
  { name: "ecs.g7ne.16xlarge", packetsPerSecond: 16_000_000, gbps: 50, queues: 32 },
];

/** A type should have twice what arrives, or it is full again at the next peak. */
const HEADROOM = 2;

/** For a bottleneck that no setting cures. It is advice: what the traffic may cost and where it may go, nobody here knows. */
export function instanceAdvice({ all, settings, interfaces }: Observation): Text {
  const arriving = all.processedPerSecond + all.droppedPerSecond;
  const cpus = settings.cpus.online?.length ?? 1;
  const queues = Math.max(
    1,
    ...interfaces.filter(({ kind }) => kind === "nic").map((nic) => nic.rxQueues.length),
  );
  const fitting = NETWORK_ENHANCED.filter(
    (type) => type.packetsPerSecond >= arriving * HEADROOM && type.queues > queues,
  ).slice(0, 2);
  const rate = countText(arriving);
  const en = fitting.map(
    (type) =>
      `${type.name} (${countText(type.packetsPerSecond)} packets/s, ${type.gbps} Gbit/s, ${type.queues} queues)`,
  );
  const zh = fitting.map(
    (type) =>
      `${type.name}（${countText(type.packetsPerSecond)} PPS、${type.gbps} Gbit/s、${type.queues} 个队列）`,
  );
  const such: Text =
    fitting.length > 0
      ? { en: ` such as ${en.join(" or ")}`, zh: `，例如 ${zh.join("或 ")}` }
      : { en: "", zh: "" };
  return {
    en: `${rate} packets/s arrive at ${cpus === 1 ? "one CPU" : `${cpus} CPUs`} and ${queues === 1 ? "one receive queue" : `${queues} receive queues`}. Consider a type of a network-enhanced family (c7ne, g7ne, …) with more packets/s and queues${such.en}, or spread the traffic over more instances.`,
    zh: `每秒有 ${rate} 个数据包到达 ${cpus} 个 CPU 和 ${queues} 个接收队列。可考虑 PPS 更高、队列更多的网络增强型规格（c7ne、g7ne 等）${such.zh}，或把流量分散到更多实例。`,
  };
}
