import agent from "../policies/agent.json" with { type: "json" };
import remediation from "../policies/remediation.json" with { type: "json" };
import setup from "../policies/setup.json" with { type: "json" };
import type { Text } from "./core/text.ts";

/** A RAM policy that `softnet doctor --policy` prints: the least that does what it is for. */
export interface Policy {
  readonly document: {
    readonly Version: string;
    readonly Statement: readonly {
      readonly Effect: string;
      readonly Action: readonly string[];
      readonly Resource: string | readonly string[];
    }[];
  };
  readonly purpose: Text;
}

export const POLICIES = {
  agent: {
    document: agent,
    purpose: {
      en: "for the RAM role of the instances: put metrics and events, nothing else",
      zh: "用于实例的 RAM 角色：只能上报指标和事件",
    },
  },
  setup: {
    document: setup,
    purpose: {
      en: "for whoever runs softnet alarms and softnet doctor",
      zh: "用于执行 softnet alarms 与 softnet doctor 的操作员",
    },
  },
  remediation: {
    document: remediation,
    purpose: {
      en: "for whoever sends remedies through Cloud Assistant: root on every instance that it reaches",
      zh: "用于通过云助手下发修复的操作员：等同于云助手可达实例上的 root 权限",
    },
  },
} as const satisfies Record<string, Policy>;

export type PolicyChoice = keyof typeof POLICIES;

/** As the file stands. */
export function policyText(name: PolicyChoice): string {
  return `${JSON.stringify(POLICIES[name].document, null, 2)}\n`;
}
