import { type AlarmRule, isBreached } from "./alarm-rules.ts";
import { tallyOfGauge } from "./metrics.ts";
import { type ClosedWindow, statisticsOf, type Tally } from "./window.ts";

/** What is known of a rule after its last period. Plain data: it outlives the process. */
export interface AlarmTrack {
  readonly state: "ok" | "alarm";
  /** So many periods in a row were breached, up to the last one. */
  readonly breaches: number;
  /** When the first of them began, epoch milliseconds; undefined for none. */
  readonly sinceMs: number | undefined;
  /** When the alarm was last told; undefined while there is none. */
  readonly toldAtMs: number | undefined;
  readonly lastStartMs: number;
  readonly lastValue: number;
}

/** One closed period of a rule's series. */
export interface AlarmPeriod {
  /** Epoch milliseconds. */
  readonly startMs: number;
  readonly value: number;
}

/** What is to be told. `repeated`: the silence is over and it still stands. */
export type AlarmNews = "raised" | "repeated" | "recovered";

/**
 * Evaluates a rule as CloudMonitor does: so many breached periods in a row raise the alarm, the first one that is not ends it, and in
 * between it is told again after the time of silence. A period that nobody watched breaks the row and ends no alarm.
 *
 * @param before undefined for a rule that was never evaluated.
 */
export function evaluatePeriod(
  rule: AlarmRule,
  before: AlarmTrack | undefined,
  { startMs, value }: AlarmPeriod,
): { readonly track: AlarmTrack; readonly news: AlarmNews | undefined } {
  const periodMs = rule.periodSeconds * 1000;
  const endMs = startMs + periodMs;
  const wasAlarm = before?.state === "alarm";
  const last = { lastStartMs: startMs, lastValue: value };
  if (!isBreached(rule, value)) {
    return {
      track: { state: "ok", breaches: 0, sinceMs: undefined, toldAtMs: undefined, ...last },
      news: wasAlarm ? "recovered" : undefined,
    };
  }
  const goesOn = before !== undefined && (wasAlarm || startMs - before.lastStartMs === periodMs);
  const breaches = (goesOn ? before.breaches : 0) + 1;
  const sinceMs = (goesOn ? before.sinceMs : undefined) ?? startMs;
  if (!wasAlarm && breaches < rule.evaluationCount) {
    return { track: { state: "ok", breaches, sinceMs, toldAtMs: undefined, ...last }, news: undefined };
  }
  // Told in a time to come: the clock was set back, and the silence begins anew.
  const toldAtMs = wasAlarm ? Math.min(before.toldAtMs ?? endMs, endMs) : undefined;
  const isSilent = toldAtMs !== undefined && endMs - toldAtMs < rule.silenceSeconds * 1000;
  return {
    track: { state: "alarm", breaches, sinceMs, toldAtMs: isSilent ? toldAtMs : endMs, ...last },
    news: isSilent ? undefined : wasAlarm ? "repeated" : "raised",
  };
}

/**
 * The value of a rule's point for a closed minute, as it is sent to CloudMonitor.
 *
 * @param severities of each sample: 0 healthy, 1 warning, 2 critical.
 * @returns undefined where the minute has no such point.
 */
export function alarmValue(
  { metricName, statistic }: AlarmRule,
  { all }: ClosedWindow,
  severities: readonly number[],
): number | undefined {
  const tally: Tally = {
    softnet_dropped_per_second: all.dropped,
    softnet_squeezed_per_second: all.squeezed,
    softnet_severity: tallyOfGauge(severities),
  }[metricName];
  if (tally.rates.length === 0) return undefined;
  const { average, maximum } = statisticsOf(tally);
  return statistic === "Average" ? average : maximum;
}
