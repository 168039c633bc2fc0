import type { Finding } from "../finding.ts";
import type { Text } from "../text.ts";
import { countText, cpusText, sentences } from "../wording.ts";
import { type Case, cpuEvidence, evidenceOf, idsOf, sum, worstOf } from "./case.ts";

/** Passes end because the packet budget is used up: too many NAPIs share a CPU. */
export function budgetTooSmall(ofCase: Case): Finding | undefined {
  const cpus = ofCase.cpus.filter(({ budgetEndsPasses }) => budgetEndsPasses);
  if (cpus.length === 0) return undefined;
  const { netdevBudget, netdevBudgetUsecs } = ofCase.observation.settings.sysctls;
  const who = cpusText(idsOf(cpus));
  const worst = worstOf(cpus);
  const squeezed = countText(sum(cpus, "squeezedPerSecond"));
  const byTime = countText(
    cpus.reduce((total, { squeezesByTimePerSecond }) => total + squeezesByTimePerSecond, 0),
  );
  const budget = netdevBudget === undefined ? { en: "", zh: "" } : budgetText(netdevBudget);
  const end = cpus.length > 1 ? "end" : "ends";
  const harmless: Text | undefined =
    sum(cpus, "droppedPerSecond") > 0
      ? undefined
      : { en: "Nothing is lost by that yet.", zh: "目前尚未因此丢包。" };
  return {
    code: "budget-too-small",
    severity: "warning",
    confidence: netdevBudgetUsecs === undefined || worst.observed.load === undefined ? 0.6 : 0.85,
    summary: sentences(
      {
        en: `${who.en} ${end} ${squeezed} receive passes/s with work left, more than running out of time can explain (${byTime}/s): the packet budget${budget.en} is used up.`,
        zh: `${who.zh} 每秒有 ${squeezed} 轮收包在仍有数据包未处理时提前结束，多于超时所能解释的次数（每秒 ${byTime} 次）：数据包预算${budget.zh}已用尽。`,
      },
      harmless,
      ADVICE,
    ),
    evidence: evidenceOf({
      ...cpuEvidence(ofCase, cpus),
      squeezesByTimePerSecond: worst.squeezesByTimePerSecond,
      netdevBudgetPackets: netdevBudget,
      netdevBudgetMicroseconds: netdevBudgetUsecs,
    }),
    remedy: "budget",
  };
}

const ADVICE: Text = { en: "Raise net.core.netdev_budget.", zh: "请调大 net.core.netdev_budget。" };

function budgetText(packets: number): Text {
  return { en: ` of ${countText(packets)}`, zh: `（${countText(packets)}）` };
}
