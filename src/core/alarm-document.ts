import type { AlarmNews, AlarmTrack } from "./alarm-evaluation.ts";
import { type AlarmCode, type AlarmLevel, type AlarmRule, alarmRuleId } from "./alarm-rules.ts";
import type { Evidence, FindingCode } from "./finding.ts";
import type { MetricName } from "./metrics.ts";
import { toThousandths } from "./rounding.ts";
import type { Text } from "./text.ts";
import type { Verdict } from "./verdict.ts";
import { countText } from "./wording.ts";

/** What an alarm is about. Plain data: a recovery names it too, maybe by another process. */
export interface AlarmCause {
  readonly finding: FindingCode;
  readonly summary: Text;
  readonly evidence: Readonly<Record<string, Evidence>>;
  /** The command that fixes it; null where none of ours does. */
  readonly fix: string | null;
}

/** What the webhook gets; public, see docs/webhook.md. */
export interface AlarmDocument {
  readonly schemaVersion: 1;
  /** The same when the same is told again for lack of an answer. */
  readonly id: string;
  readonly alarm: AlarmCode;
  readonly level: AlarmLevel;
  readonly state: "alarm" | "recovered";
  /** It was told before and still stands. */
  readonly repeated: boolean;
  readonly instanceId: string | null;
  readonly hostname: string | null;
  /** When the condition began to hold; ISO 8601, UTC. */
  readonly since: string;
  /** End of the minute that decided. */
  readonly at: string;
  readonly rule: {
    readonly metricName: MetricName;
    readonly statistic: string;
    readonly comparisonOperator: string;
    readonly threshold: number;
    readonly evaluationCount: number;
    /** Of the minute that decided. */
    readonly value: number;
  };
  readonly finding: FindingCode | null;
  readonly summary: Text;
  readonly evidence: Readonly<Record<string, Evidence>>;
  readonly fix: string | null;
}

/** Undefined for a verdict that found nothing. */
export function alarmCause({ findings }: Verdict): AlarmCause | undefined {
  const first = findings[0];
  if (!first) return undefined;
  const { code, summary, evidence } = first;
  const isOurs = findings.some(({ remedy }) => remedy !== null && remedy !== "instance");
  return { finding: code, summary, evidence, fix: isOurs ? "sudo softnet remedy apply" : null };
}

export interface AlarmWho {
  readonly instanceId: string | undefined;
  readonly hostname: string | undefined;
}

/**
 * @param since when what is told began; that of the track, and for a recovery that of the track before.
 * @param cause undefined where nobody knows it, as right after a restart.
 */
export function alarmDocument(
  rule: AlarmRule,
  news: AlarmNews,
  { lastStartMs, lastValue }: AlarmTrack,
  sinceMs: number,
  cause: AlarmCause | undefined,
  { instanceId, hostname }: AlarmWho,
): AlarmDocument {
  const atMs = lastStartMs + rule.periodSeconds * 1000;
  const { metricName, statistic, comparisonOperator, threshold, evaluationCount } = rule;
  const name = instanceId ?? hostname ?? "localhost";
  const isOver = news === "recovered";
  return {
    schemaVersion: 1,
    id: `${alarmRuleId(rule, name)}-${atMs}`,
    alarm: rule.code,
    level: rule.level,
    state: isOver ? "recovered" : "alarm",
    repeated: news === "repeated",
    instanceId: instanceId ?? null,
    hostname: hostname ?? null,
    since: new Date(sinceMs).toISOString(),
    at: new Date(atMs).toISOString(),
    rule: {
      metricName,
      statistic,
      comparisonOperator,
      threshold,
      evaluationCount,
      value: toThousandths(lastValue),
    },
    finding: cause?.finding ?? null,
    summary: isOver
      ? overText(rule, name, (lastStartMs - sinceMs) / 60_000)
      : raisedText(rule, name, cause?.summary),
    evidence: cause?.evidence ?? {},
    fix: isOver ? null : (cause?.fix ?? null),
  };
}

function raisedText({ name }: AlarmRule, who: string, summary: Text | undefined): Text {
  return {
    en: `${who}: ${name.en}.${summary ? ` ${summary.en}` : ""}`,
    zh: `${who}：${name.zh}。${summary?.zh ?? ""}`,
  };
}

function overText({ name }: AlarmRule, who: string, minutes: number): Text {
  return {
    en: `${who}: recovered after ${countText(minutes)} min: ${name.en}.`,
    zh: `${who}：已恢复，持续了 ${countText(minutes)} 分钟：${name.zh}。`,
  };
}

/** What raises the rule's alarm, and how far it is. */
export function alarmDetail(rule: AlarmRule, track: AlarmTrack | undefined): Text {
  const { en, zh } = CONDITION[rule.code](countText(rule.threshold));
  const minutes = rule.evaluationCount;
  const soFar = track?.state === "ok" ? track.breaches : 0;
  const row: Text =
    minutes === 1
      ? { en: "within a minute", zh: "一分钟内" }
      : { en: `in ${minutes} minutes in a row`, zh: `连续 ${minutes} 分钟` };
  return {
    en: `raised by ${en} ${row.en}${soFar > 0 ? ` (${soFar} so far)` : ""}`,
    zh: `${row.zh}${zh}时报警${soFar > 0 ? `（已有 ${soFar} 分钟）` : ""}`,
  };
}

const CONDITION: Readonly<Record<AlarmCode, (threshold: string) => Text>> = {
  dropped: () => ({ en: "dropped packets", zh: "有丢包" }),
  critical: () => ({ en: "a critical verdict", zh: "结论为严重" }),
  squeezed: (threshold) => ({
    en: `more than ${threshold} squeezes a second`,
    zh: `每秒 squeeze 超过 ${threshold} 次`,
  }),
};
