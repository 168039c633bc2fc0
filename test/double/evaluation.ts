import type {
  AccountState,
  AlertState,
  ComparisonOperator,
  EventPattern,
  MetricRule,
  RuleResource,
} from "./account-state.ts";
import type { StoredEvent } from "./custom-events.ts";
import { type CustomMetrics, dimensionText, type StoredPoint } from "./custom-metrics.ts";
import type { Outbox } from "./outbox.ts";

/** A point may come this many periods after its own: until then the period before it is looked at. */
const LATEST_PERIODS = 2;
const CHINA_MS = 8 * 3_600_000;

const COMPARE: Readonly<Record<ComparisonOperator, (value: number, threshold: number) => boolean>> = {
  ">=": (value, threshold) => value >= threshold,
  "=": (value, threshold) => value === threshold,
  "<=": (value, threshold) => value <= threshold,
  ">": (value, threshold) => value > threshold,
  "<": (value, threshold) => value < threshold,
  "!=": (value, threshold) => value !== threshold,
};

/**
 * The threshold rules, evaluated as documented: so many periods in a row whose statistic meets the comparison are an alarm, which
 * is told at once and again after each silence while it lasts.
 */
export class Evaluation {
  readonly #account: AccountState;
  readonly #metrics: Pick<CustomMetrics, "points">;
  readonly #outbox: Outbox;
  readonly #toldAtMs = new Map<string, number>();
  readonly #states = new Map<string, AlertState>();

  constructor(account: AccountState, metrics: Pick<CustomMetrics, "points">, outbox: Outbox) {
    this.#account = account;
    this.#metrics = metrics;
    this.#outbox = outbox;
  }

  /** Every enabled rule once, over the periods that are over by now. */
  evaluate(nowMs: number): void {
    for (const rule of this.#account.metricRules.values()) {
      if (!rule.enabled || rule.namespace !== `acs_customMetric_${this.#account.uid}`) continue;
      const states = rule.resources.map((resource) => this.#judge(rule, resource, nowMs));
      rule.alertState =
        states.find((state) => state === "ALARM") ??
        states.find((state) => state === "OK") ??
        "INSUFFICIENT_DATA";
    }
  }

  #judge(rule: MetricRule, resource: RuleResource, nowMs: number): AlertState {
    const key = `${rule.ruleId} ${resource.groupId} ${resource.dimension}`;
    const values = this.#recentValues(rule, resource, nowMs);
    const isMet = (value: number | undefined): boolean =>
      value !== undefined && COMPARE[rule.comparisonOperator](value, Number(rule.threshold));
    const state = values === undefined ? "INSUFFICIENT_DATA" : values.every(isMet) ? "ALARM" : "OK";
    const before = this.#states.get(key);
    this.#states.set(key, state);
    if (state === "ALARM") this.#tell(key, rule, resource, values!.at(-1)!, nowMs);
    // Without data nobody knows that it is over.
    if (state === "OK") this.#toldAtMs.delete(key);
    if (state === "OK" && before === "ALARM") this.#callWebhook(rule, resource, "OK", values!.at(-1), nowMs);
    return state;
  }

  #tell(key: string, rule: MetricRule, resource: RuleResource, value: number, nowMs: number): void {
    const toldAtMs = this.#toldAtMs.get(key);
    if (toldAtMs !== undefined && nowMs - toldAtMs < rule.silenceSeconds * 1000) return;
    if (!isWithin(rule.effectiveInterval, nowMs)) return;
    if (rule.noEffectiveInterval && isWithin(rule.noEffectiveInterval, nowMs)) return;
    this.#toldAtMs.set(key, nowMs);
    this.#outbox.notify({
      atMs: nowMs,
      level: rule.level,
      contactGroups: rule.contactGroups,
      rule: rule.ruleName,
      subject: rule.emailSubject ?? rule.ruleName,
      text: `${rule.ruleName}\n${resource.dimension}\n${expressionOf(rule)}\ncurrent value: ${value}`,
    });
    this.#callWebhook(rule, resource, "ALERT", value, nowMs);
  }

  #callWebhook(
    rule: MetricRule,
    { dimension }: RuleResource,
    alertState: "ALERT" | "OK",
    value: number | undefined,
    nowMs: number,
  ): void {
    if (rule.webhook === undefined) return;
    const form = new URLSearchParams({
      alertName: rule.ruleName,
      alertState,
      curValue: String(value),
      dimensions: `{${dimension.replaceAll("&", ", ")}}`,
      expression: expressionOf(rule),
      instanceName: dimension,
      metricName: rule.metricName,
      metricProject: rule.namespace,
      namespace: rule.namespace,
      preTriggerLevel: alertState === "OK" ? rule.level : "",
      triggerLevel: alertState === "OK" ? "OK" : rule.level,
      ruleId: rule.ruleId,
      timestamp: String(nowMs),
      userId: this.#account.uid,
      signature: "double",
    });
    this.#outbox.call({
      atMs: nowMs,
      url: rule.webhook,
      contentType: "application/x-www-form-urlencoded",
      body: form.toString(),
    });
  }

  /** One value for each of the last periods, the oldest first; undefined where there is nothing recent. */
  #recentValues(
    rule: MetricRule,
    resource: RuleResource,
    nowMs: number,
  ): readonly (number | undefined)[] | undefined {
    const periodMs = rule.periodSeconds * 1000;
    const points = [...this.#metrics.points.values()].filter(
      (point) =>
        point.metricName === rule.metricName &&
        point.groupId === resource.groupId &&
        dimensionText(point.dimensions) === resource.dimension,
    );
    const valueAt = (startMs: number): number | undefined =>
      valueOf(rule.statistics, points, startMs, periodMs);
    const lastStartMs = Math.floor(nowMs / periodMs) * periodMs - periodMs;
    for (let late = 0; late <= LATEST_PERIODS; late++) {
      const endMs = lastStartMs - late * periodMs;
      if (valueAt(endMs) === undefined) continue;
      return Array.from({ length: rule.evaluationCount }, (_, i) =>
        valueAt(endMs - (rule.evaluationCount - 1 - i) * periodMs),
      );
    }
    return undefined;
  }
}

/** Rules on events are not evaluated by the clock: an event that fits is told at once, unless the rule told one just before. */
export class EventEvaluation {
  readonly #account: AccountState;
  readonly #outbox: Outbox;
  readonly #toldAtMs = new Map<string, number>();

  constructor(account: AccountState, outbox: Outbox) {
    this.#account = account;
    this.#outbox = outbox;
  }

  take(event: StoredEvent, nowMs: number): void {
    for (const rule of this.#account.eventRules.values()) {
      const fits =
        rule.state === "ENABLED" &&
        rule.eventType === "CUSTOM" &&
        (rule.groupId ?? event.groupId) === event.groupId &&
        rule.patterns.some(
          (pattern) =>
            (pattern.names.length === 0 || pattern.names.includes(event.name)) &&
            passesFilters(pattern, event.content),
        );
      const toldAtMs = this.#toldAtMs.get(rule.name);
      if (!fits || (toldAtMs !== undefined && nowMs - toldAtMs < rule.silenceSeconds * 1000)) continue;
      this.#toldAtMs.set(rule.name, nowMs);
      for (const target of rule.targets) {
        if (target.kind === "contact") {
          this.#outbox.notify({
            atMs: nowMs,
            level: ({ 2: "CRITICAL", 3: "WARN", 4: "INFO" } as const)[target.level],
            contactGroups: [target.contactGroup],
            rule: rule.name,
            subject: event.name,
            text: event.content,
          });
        } else {
          this.#outbox.call({
            atMs: nowMs,
            url: target.url,
            contentType: "application/json",
            body: JSON.stringify({ name: event.name, content: event.content, userId: this.#account.uid }),
          });
        }
      }
    }
  }
}

/** Of the filter's language no more than words with `and` between them is played. */
function passesFilters({ customFilters, sqlFilter, keywordFilter }: EventPattern, content: string): boolean {
  const { relation, keywords } = keywordFilter ?? { relation: "AND", keywords: [] };
  const has = (word: string): boolean => content.includes(word);
  return (
    has(customFilters ?? "") &&
    (sqlFilter ?? "").split(/ and /i).every(has) &&
    (relation === "AND" ? keywords.every(has) : keywords.some(has))
  );
}

/** The point of that very period; else what the minutes within it come to. */
function valueOf(
  statistic: string,
  points: readonly StoredPoint[],
  startMs: number,
  periodMs: number,
): number | undefined {
  const within = points.filter(({ timeMs }) => timeMs >= startMs && timeMs < startMs + periodMs);
  const own = within.filter(({ period }) => period === String(periodMs / 1000));
  const values = (own.length > 0 ? own : within).flatMap((point) => {
    const value = (JSON.parse(point.writes.at(-1)!) as Readonly<Record<string, number>>)[statistic];
    return value === undefined ? [] : [value];
  });
  if (values.length === 0) return undefined;
  const sum = values.reduce((a, b) => a + b, 0);
  if (statistic === "Maximum") return Math.max(...values);
  if (statistic === "Minimum") return Math.min(...values);
  if (statistic === "Sum" || statistic === "SampleCount") return sum;
  return statistic === "LastValue" ? values.at(-1)! : sum / values.length;
}

function expressionOf({ statistics, comparisonOperator, threshold, evaluationCount }: MetricRule): string {
  return `$${statistics}${comparisonOperator}${threshold} (${evaluationCount} in a row)`;
}

/** `22:00-06:00` goes through the night. China's time. */
function isWithin(interval: string, nowMs: number): boolean {
  const [from, to] = interval.split("-") as [string, string];
  const now = new Date(nowMs + CHINA_MS).toISOString().slice(11, 16);
  return from <= to ? from <= now && now <= to : now >= from || now <= to;
}
