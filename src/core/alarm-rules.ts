import type { CustomEventName } from "./custom-event.ts";
import type { MetricName } from "./metrics.ts";
import type { Text } from "./text.ts";

/** CloudMonitor's words: the level decides the channels that are used. */
export type AlarmLevel = "CRITICAL" | "WARN" | "INFO";

export type AlarmCode = "dropped" | "critical" | "squeezed";

/**
 * A rule on one instance's host series (`cpu=all`). CloudMonitor evaluates it where there are credentials, the agent itself
 * where there are none: the definition stands once.
 */
export interface AlarmRule {
  readonly code: AlarmCode;
  readonly metricName: MetricName;
  /** A statistic of the point that the agent sends. */
  readonly statistic: "Average" | "Maximum";
  readonly comparisonOperator: ">" | ">=";
  readonly threshold: number;
  /** So many periods in a row. */
  readonly evaluationCount: number;
  readonly periodSeconds: 60;
  /** An alarm that still stands is told again after this time. */
  readonly silenceSeconds: number;
  readonly level: AlarmLevel;
  readonly name: Text;
}

/** A rule on the event itself, which covers a whole fleet and costs no series. */
export interface FleetEventRule {
  readonly code: "fleet-critical";
  readonly eventName: CustomEventName;
  readonly silenceSeconds: number;
  readonly level: AlarmLevel;
  readonly name: Text;
}

const SILENCE_SECONDS = 3600;

/**
 * An event's rule covers every instance, and its silence may cover them too: an hour of it would hide the second instance behind
 * the first. An agent tells an incident once, so nothing more than a crowd in the same minute has to be silenced.
 */
const FLEET_SILENCE_SECONDS = 60;

const DROPPED: AlarmRule = {
  code: "dropped",
  metricName: "softnet_dropped_per_second",
  statistic: "Maximum",
  comparisonOperator: ">",
  threshold: 0,
  evaluationCount: 3,
  periodSeconds: 60,
  silenceSeconds: SILENCE_SECONDS,
  level: "WARN",
  name: { en: "the kernel drops packets", zh: "内核丢弃数据包" },
};

const CRITICAL: AlarmRule = {
  code: "critical",
  metricName: "softnet_severity",
  statistic: "Maximum",
  comparisonOperator: ">=",
  threshold: 2,
  evaluationCount: 1,
  periodSeconds: 60,
  silenceSeconds: SILENCE_SECONDS,
  level: "CRITICAL",
  name: { en: "the kernel keeps dropping packets", zh: "内核持续丢包" },
};

const SQUEEZED: AlarmRule = {
  code: "squeezed",
  metricName: "softnet_squeezed_per_second",
  statistic: "Average",
  comparisonOperator: ">",
  threshold: 1000,
  evaluationCount: 10,
  periodSeconds: 60,
  silenceSeconds: SILENCE_SECONDS,
  level: "INFO",
  name: { en: "softirq runs out of its budget", zh: "软中断预算耗尽" },
};

/** In the place of the rules per instance, never beside them: the critical one would call twice. */
export const FLEET_EVENT_RULE: FleetEventRule = {
  code: "fleet-critical",
  eventName: "softnet_critical",
  silenceSeconds: FLEET_SILENCE_SECONDS,
  level: "CRITICAL",
  name: { en: "an instance keeps dropping packets", zh: "有实例持续丢包" },
};

/** The rules of one instance, the most urgent first. */
export function alarmRules({ withSqueezed }: { readonly withSqueezed: boolean }): readonly AlarmRule[] {
  return withSqueezed ? [CRITICAL, DROPPED, SQUEEZED] : [CRITICAL, DROPPED];
}

/** The same rule has the same id at every run, so that a second run finds it. */
export function alarmRuleId(rule: AlarmRule, instanceId: string): string {
  return `softnet-${rule.code}-${rule.level.toLowerCase()}-${instanceId}`;
}

/** The series that a rule looks at, in the form of a rule's `Resources`: sorted keys, joined by `&`. */
export function alarmDimension(instanceId: string): string {
  return `cpu=all&instanceId=${instanceId}`;
}

/** Whether one period's value is one that the rule counts. */
export function isBreached({ comparisonOperator, threshold }: AlarmRule, value: number): boolean {
  return comparisonOperator === ">" ? value > threshold : value >= threshold;
}
