import type { SysctlChange } from "../remedy-script.ts";
import type { Text } from "../text.ts";
import { countText } from "../wording.ts";
import { chooseBudget } from "./budget-choice.ts";
import { NOTHING, ofNoUse, OTHER_NAMESPACE, type Part, pointsTo, type Reason, type Request } from "./part.ts";

/** More packets for a pass. */
export function budgetPart(request: Request): Part {
  if (!pointsTo(request, "budget")) return NOTHING;
  const { observation, context } = request;
  const { netdevBudget, netdevBudgetUsecs } = observation.settings.sysctls;
  if (netdevBudget === undefined) return ofNoUse("other-namespace", RAISE_BUDGET, OTHER_NAMESPACE);
  const squeezed = observation.cpus.toSorted((a, b) => b.squeezedPerSecond - a.squeezedPerSecond)[0]!;
  const { budget, budgetUsecs } = chooseBudget({
    budget: netdevBudget,
    budgetUsecs: netdevBudgetUsecs,
    firstBudgetUsecs: context.firstBudgetUsecs,
    processedPerSecond: squeezed.processedPerSecond,
    softirqPercent: squeezed.load?.softirqPercent,
  });
  if (budget === undefined) {
    return ofNoUse("budget-exhausted", RAISE_BUDGET, {
      en: `It is ${countText(netdevBudget)} already: longer passes would keep everything else on that CPU waiting.`,
      zh: `当前已是 ${countText(netdevBudget)}：再延长每轮收包会让该 CPU 上的其他工作等待过久。`,
    });
  }
  const rate = countText(squeezed.squeezedPerSecond);
  const why: Text = {
    en: `CPU ${squeezed.cpu} ends ${rate} receive passes/s because the packet budget is used up.`,
    zh: `CPU ${squeezed.cpu} 每秒有 ${rate} 轮收包因数据包预算用尽而提前结束。`,
  };
  const steps: (SysctlChange & Reason)[] = [
    { kind: "sysctl", name: "netdev_budget", from: netdevBudget, to: budget, why, cost: null },
  ];
  if (budgetUsecs !== undefined) {
    steps.push({
      kind: "sysctl",
      name: "netdev_budget_usecs",
      from: netdevBudgetUsecs!,
      to: budgetUsecs,
      why: { en: "A pass of so many packets takes longer.", zh: "每轮处理更多数据包需要更长时间。" },
      cost: null,
    });
  }
  return { steps, noUse: [] };
}

const RAISE_BUDGET: Text = { en: "Raising net.core.netdev_budget", zh: "调大 net.core.netdev_budget" };
