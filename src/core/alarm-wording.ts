import type { AlarmCode, AlarmRule, FleetEventRule } from "./alarm-rules.ts";
import type { Text } from "./text.ts";

/** CloudMonitor's consoles and short messages cut what is longer. */
const LONGEST_NAME = 128;
const LONGEST_SUBJECT = 250;

/**
 * What a rule is called in each message: instance, region and what happens, in both languages, whoever applies it, because a
 * second operator with another language must not find a difference.
 */
export function alarmRuleName({ name }: AlarmRule, instanceId: string, regionId: string): string {
  return `softnet ${instanceId} ${regionId} ${name.en} ${name.zh}`.slice(0, LONGEST_NAME);
}

const LOST: Readonly<Record<AlarmCode, Text>> = {
  critical: {
    en: "packets are lost between the NIC and the sockets, and go on being lost",
    zh: "网卡与套接字之间持续丢包",
  },
  dropped: {
    en: "packets are lost between the NIC and the sockets",
    zh: "网卡与套接字之间丢包",
  },
  squeezed: {
    en: "softirq ends its passes with packets left over",
    zh: "软中断每轮结束时仍有未处理的数据包",
  },
};

/**
 * The subject of the e-mail: what is lost, where, how to learn the finding, and the command that mends it. The finding itself
 * CloudMonitor cannot know: a rule's text is fixed, and only the event carries it.
 */
export function alarmSubject({ code, level }: AlarmRule, instanceId: string, regionId: string): string {
  const lost = LOST[code];
  return (
    `${level} ${instanceId} ${regionId}: ${lost.en}. Finding: softnet diagnose. Mend: sudo softnet remedy apply. ` +
    `${lost.zh}。诊断：softnet diagnose，修复：sudo softnet remedy apply`
  ).slice(0, LONGEST_SUBJECT);
}

/** What the event's rule says about itself; the finding and the command stand in the event. */
export function fleetDescription({ name }: FleetEventRule): string {
  return `${name.en}; the event says which, why, and what mends it. ${name.zh}，事件内容给出实例、原因和修复命令。`;
}
