import { type AccountState, isPublicUrl, type MetricRule, type RuleResource } from "./account-state.ts";
import {
  type ActionAnswer,
  type ActionFamily,
  ApiError,
  type Call,
  complaint,
  DONE,
  pageOf,
  Parameters,
} from "./action.ts";
import { type CustomMetrics, dimensionText, STATISTICS } from "./custom-metrics.ts";

/** Written as a sign and read back as a word. */
const OPERATOR_WORDS = {
  ">=": "GreaterThanOrEqualToThreshold",
  "=": "EqualToThreshold",
  "<=": "LessThanOrEqualToThreshold",
  ">": "GreaterThanThreshold",
  "<": "LessThanThreshold",
  "!=": "NotEqualToThreshold",
} as const;
const OPERATORS = Object.keys(OPERATOR_WORDS) as (keyof typeof OPERATOR_WORDS)[];

const SHORTEST_SILENCE_SECONDS = 300;
const LONGEST_SILENCE_SECONDS = 86_400;

/** Threshold rules on custom metrics, and the calls that list, pause and delete threshold rules of every kind. */
export function metricRules(account: AccountState, metrics: Pick<CustomMetrics, "points">): ActionFamily {
  const namespace = `acs_customMetric_${account.uid}`;

  function putCustomMetricRule(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    const ruleId = p.required("RuleId");
    const before = account.metricRules.get(ruleId);
    const resources = parseResources(p.required("Resources"));
    const rule: MetricRule = {
      ruleId,
      ruleName: p.optional("RuleName") ?? ruleId,
      namespace,
      metricName: p.required("MetricName"),
      groupId: p.optional("GroupId") ?? "0",
      resources,
      statistics: p.required("Statistics"),
      comparisonOperator: p.oneOf("ComparisonOperator", OPERATORS) ?? mandatory("ComparisonOperator"),
      threshold: p.required("Threshold"),
      evaluationCount: p.whole("EvaluationCount", 1, 100) ?? mandatory("EvaluationCount"),
      level: p.oneOf("Level", ["CRITICAL", "WARN", "INFO"]) ?? mandatory("Level"),
      contactGroups: p.required("ContactGroups").split(","),
      periodSeconds: p.whole("Period", 60, 86_400) ?? 60,
      silenceSeconds:
        p.whole("SilenceTime", SHORTEST_SILENCE_SECONDS, LONGEST_SILENCE_SECONDS) ?? LONGEST_SILENCE_SECONDS,
      effectiveInterval: p.optional("EffectiveInterval") ?? "00:00-23:59",
      // Whether a write that cannot name it clears it is not documented. Here it does not, so that nobody relies on it.
      noEffectiveInterval: before?.noEffectiveInterval,
      emailSubject: p.optional("EmailSubject"),
      webhook: p.optional("Webhook"),
      // Whether a write wakes a paused rule is not documented. Here it does, so that nobody relies on the contrary.
      enabled: true,
      alertState: before?.alertState ?? "INSUFFICIENT_DATA",
      createdAtMs: before?.createdAtMs ?? call.receivedAtMs,
      updatedAtMs: call.receivedAtMs,
    };
    p.end();
    const fault = faultOf(rule);
    if (fault) return fault;
    if (!before && account.metricRules.size >= account.ruleQuota) {
      throw new ApiError(400, "ExceedingQuota", "The number of alert rules exceeds the quota.");
    }
    account.metricRules.set(ruleId, rule);
    return DONE;
  }

  function faultOf(rule: MetricRule): ActionAnswer | undefined {
    const illegal = illegalField(rule);
    if (illegal) return complaint("400", `Illegal parameters: ${illegal}.`);
    if (rule.contactGroups.some((group) => !account.contactGroups.has(group))) {
      return complaint("404", "The group is not exists.");
    }
    if (!rule.resources.every((resource) => isReported(rule.metricName, resource))) {
      return complaint("404", "The metric is not exists: report its data first.");
    }
    return undefined;
  }

  function isReported(metricName: string, { groupId, dimension }: RuleResource): boolean {
    return [...metrics.points.values()].some(
      (point) =>
        point.metricName === metricName &&
        point.groupId === groupId &&
        dimensionText(point.dimensions) === dimension,
    );
  }

  function describeMetricRuleList(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    p.optional("RegionId");
    const ids = p.optional("RuleIds")?.split(",");
    if (ids && ids.length > 20) throw new ApiError(400, "InvalidParameter", "At most 20 RuleIds.");
    const wanted = {
      namespace: p.optional("Namespace"),
      metricName: p.optional("MetricName"),
      groupId: p.optional("GroupId"),
      enabled: p.flag("EnableState"),
      alertState: p.oneOf("AlertState", ["OK", "ALARM", "INSUFFICIENT_DATA"]),
    };
    const name = p.optional("RuleName") ?? "";
    const found = [...account.metricRules.values()].filter(
      (rule) =>
        (!ids || ids.includes(rule.ruleId)) &&
        rule.ruleName.includes(name) &&
        (Object.keys(wanted) as (keyof typeof wanted)[]).every(
          (key) => wanted[key] === undefined || wanted[key] === rule[key],
        ),
    );
    const page = pageOf(found, p, { number: "Page", size: "PageSize", defaultSize: 10 });
    p.end();
    // This answer alone has its code as a number and its total as a text.
    return {
      Code: 200,
      Success: true,
      Total: String(found.length),
      Alarms: { Alarm: page.items.map(shown) },
    };
  }

  function describeMetricRuleCount(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    p.optional("RegionId");
    const wantedNamespace = p.optional("Namespace");
    const metricName = p.optional("MetricName");
    p.end();
    const rules = [...account.metricRules.values()].filter(
      (rule) =>
        (wantedNamespace === undefined || rule.namespace === wantedNamespace) &&
        (metricName === undefined || rule.metricName === metricName),
    );
    const count = (state: MetricRule["alertState"]): number =>
      rules.filter((rule) => rule.enabled && rule.alertState === state).length;
    return {
      ...DONE,
      MetricRuleCount: {
        Total: rules.length,
        Ok: count("OK"),
        Alarm: count("ALARM"),
        Nodata: count("INSUFFICIENT_DATA"),
        Disable: rules.filter(({ enabled }) => !enabled).length,
      },
    };
  }

  /** All or nothing: one id that is unknown leaves the others as they are. */
  function onRules(call: Call, parameter: string, act: (rule: MetricRule) => void): ActionAnswer {
    const p = new Parameters(call.params);
    p.optional("RegionId");
    const ids = p.list(parameter, 100);
    p.end();
    if (ids.length === 0)
      throw new ApiError(400, `Missing${parameter}`, `${parameter} is mandatory for this action.`);
    const rules = ids.map((id) => account.metricRules.get(id));
    if (!rules.every((rule) => rule !== undefined))
      return complaint("404", "The specified resource is not found.");
    for (const rule of rules) act(rule);
    return DONE;
  }

  return {
    version: "2019-01-01",
    product: "cms",
    actions: {
      PutCustomMetricRule: putCustomMetricRule,
      DescribeMetricRuleList: describeMetricRuleList,
      DescribeMetricRuleCount: describeMetricRuleCount,
      DeleteMetricRules: (call) => onRules(call, "Id", ({ ruleId }) => account.metricRules.delete(ruleId)),
      EnableMetricRules: (call) =>
        onRules(call, "RuleId", (rule) => {
          rule.enabled = true;
        }),
      DisableMetricRules: (call) =>
        onRules(call, "RuleId", (rule) => {
          rule.enabled = false;
        }),
    },
  };
}

function mandatory(name: string): never {
  throw new ApiError(400, `Missing${name}`, `${name} is mandatory for this action.`);
}

function illegalField(rule: MetricRule): string | undefined {
  const legal: Readonly<Record<string, boolean>> = {
    RuleId: /^[\w.-]{1,128}$/.test(rule.ruleId),
    MetricName: /^[A-Za-z]\w{0,63}$/.test(rule.metricName),
    GroupId: /^\d+$/.test(rule.groupId),
    Resources: rule.resources.every(({ groupId }) => groupId === rule.groupId),
    Statistics: STATISTICS.has(rule.statistics),
    Threshold: /^-?\d+(\.\d+)?$/.test(rule.threshold),
    Period: rule.periodSeconds % 60 === 0,
    EffectiveInterval: /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/.test(rule.effectiveInterval),
    Webhook: rule.webhook === undefined || isPublicUrl(rule.webhook),
  };
  return Object.keys(legal).find((field) => !legal[field]);
}

/** @throws ApiError for anything but `[{"groupId":0,"dimension":"cpu=all&instanceId=i-1"}]` with keys in order. */
function parseResources(text: string): RuleResource[] {
  const refusal = new ApiError(
    400,
    "InvalidParameter",
    `The specified parameter Resources is not valid: ${text}`,
  );
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw refusal;
  }
  if (!Array.isArray(list) || list.length === 0 || list.length > 100) throw refusal;
  return list.map((entry: unknown) => {
    const { groupId, dimension, ...rest } = Object(entry) as Record<string, unknown>;
    if (Object.keys(rest).length > 0 || !/^\d+$/.test(String(groupId)) || typeof dimension !== "string") {
      throw refusal;
    }
    const keys = dimension.split("&").map((pair) => /^([\w.\-/\\]+)=[\w.\-/\\]+$/.exec(pair)?.[1]);
    if (keys.some((key, i) => key === undefined || (i > 0 && keys[i - 1]! >= key))) throw refusal;
    return { groupId: String(groupId), dimension };
  });
}

/** The cloud prints what it understood, not the text that it was given: a number may have become a text, and fields moved. */
function shown(rule: MetricRule): object {
  const escalation = {
    ComparisonOperator: OPERATOR_WORDS[rule.comparisonOperator],
    Statistics: rule.statistics,
    Threshold: rule.threshold,
    Times: rule.evaluationCount,
  };
  return {
    RuleId: rule.ruleId,
    RuleName: rule.ruleName,
    Namespace: rule.namespace,
    MetricName: rule.metricName,
    GroupId: rule.groupId,
    Resources: JSON.stringify(rule.resources.map(({ groupId, dimension }) => ({ dimension, groupId }))),
    Period: String(rule.periodSeconds),
    SilenceTime: rule.silenceSeconds,
    EffectiveInterval: rule.effectiveInterval,
    NoEffectiveInterval: rule.noEffectiveInterval ?? "",
    ContactGroups: rule.contactGroups.join(","),
    MailSubject: rule.emailSubject ?? "",
    Webhook: rule.webhook ?? "",
    EnableState: rule.enabled,
    AlertState: rule.alertState,
    SourceType: "METRIC",
    GmtCreate: rule.createdAtMs,
    GmtUpdate: String(rule.updatedAtMs),
    Escalations: {
      Critical: rule.level === "CRITICAL" ? escalation : {},
      Warn: rule.level === "WARN" ? escalation : {},
      Info: rule.level === "INFO" ? escalation : {},
    },
  };
}
