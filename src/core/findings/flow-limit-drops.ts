import { cpuMaskText } from "../cpu-mask.ts";
import type { Finding } from "../finding.ts";
import { placeText, sufferingNames } from "../suffering.ts";
import type { Text } from "../text.ts";
import { countText, percentText, sentences } from "../wording.ts";
import { type Case, evidenceOf } from "./case.ts";

/** The kernel drops packets of flows that fill more than their share of a half-full queue, on purpose. */
export function flowLimitDrops({ observation, suffering, flowLimitDrops: isSo }: Case): Finding | undefined {
  if (!isSo) return undefined;
  const { droppedPerSecond, flowLimitPerSecond } = observation.all;
  const { flowLimitCpuBitmap } = observation.settings.sysctls;
  const { possible } = observation.settings.cpus;
  const bitmap = flowLimitCpuBitmap === undefined ? undefined : cpuMaskText(flowLimitCpuBitmap, possible);
  const share = Math.min(1, flowLimitPerSecond! / droppedPerSecond);
  const names = sufferingNames(suffering);
  const dropped = countText(droppedPerSecond);
  const percent = percentText(share * 100);
  const where = placeText(suffering);
  return {
    code: "flow-limit-drops",
    severity: "warning",
    confidence: 0.9,
    summary: sentences(
      {
        en: `The flow limit drops ${dropped} packets/s${where.en} (${percent.en} of all drops): a few heavy flows are cut so that the others get through.`,
        zh: `流限制（flow limit）${where.zh}每秒丢弃 ${dropped} 个数据包（占全部丢包的 ${percent.zh}）：少数大流量连接被限制，以保证其他流量通过。`,
      },
      flowLimitAdvice(bitmap),
    ),
    evidence: evidenceOf({
      droppedPerSecond,
      flowLimitPerSecond,
      shareOfDropped: share,
      flowLimitCpuBitmap: bitmap,
      enqueuingCpus: observation.cpus.filter((cpu) => cpu.flowLimitPerSecond! > 0).map(({ cpu }) => cpu),
      droppingCpus: observation.cpus.filter((cpu) => cpu.droppedPerSecond > 0).map(({ cpu }) => cpu),
      interfaces: names.length > 0 ? names : undefined,
    }),
    remedy: null,
  };
}

/** What may be done about a limit that works as it is meant to. */
export function flowLimitAdvice(bitmap: string | undefined): Text {
  const now =
    bitmap === undefined ? { en: "", zh: " " } : { en: ` (now ${bitmap})`, zh: `（当前为 ${bitmap}）` };
  return {
    en: `Leave the flow limit as it is, or take CPUs out of net.core.flow_limit_cpu_bitmap${now.en} if the flows that it cuts matter more.`,
    zh: `流限制可以保持不变；若被限制的流更重要，请从 net.core.flow_limit_cpu_bitmap${now.zh}中去掉相应的 CPU。`,
  };
}
