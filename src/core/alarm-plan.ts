import {
  type AlarmAccount,
  type CloudRule,
  type EventRule,
  type OwnRule,
  ownRules,
  ownRulesOf,
  type RuleFields,
} from "./alarm-account.ts";
import { contactPart, groupPart } from "./alarm-contacts.ts";
import {
  EVENT_RULE,
  fleetPart,
  fleetSeriesGroup,
  ownEventRule,
  usualFleetGroups,
} from "./alarm-event-rule.ts";
import { type AlarmRule, alarmDimension, alarmRuleId, alarmRules } from "./alarm-rules.ts";
import {
  type AlarmStep,
  type DataStep,
  deletion,
  differencesBetween,
  named,
  NOTHING,
  type Obstacle,
  type Part,
  type RuleStep,
  type Switching,
  taken,
  withoutSecrets,
} from "./alarm-steps.ts";
import type { AlarmWish, Coverage, Reported } from "./alarm-wish.ts";
import { usualGroup, usualSeriesGroup, usualWebhook } from "./alarm-usual.ts";
import { alarmRuleName, alarmSubject } from "./alarm-wording.ts";
import type { MetricName } from "./metrics.ts";
import type { Text } from "./text.ts";

export interface AlarmPlan {
  /** In the order in which they are to be taken: nothing refers to what is not there yet, and nothing goes before its successor is there. */
  readonly steps: readonly AlarmStep[];
  /**
   * What differs in rules that are paused. Whether a write wakes such a rule is not documented, and whoever is cut off before it is
   * paused again would leave it awake: so it waits until the rule is resumed.
   */
  readonly deferred: readonly RuleStep[];
  readonly obstacles: readonly Obstacle[];
  /** The groups that are told: one, unless somebody added another by hand. */
  readonly contactGroups: readonly string[];
}

const WHOLE_DAY = "00:00-23:59";

/** What has to be written so that the account is as the operator wishes. A second plan after it is empty. */
export function planAlarms(wish: AlarmWish, account: AlarmAccount, reported: Reported): AlarmPlan {
  const own = ownRulesOf(account, wish.regionId);
  const { coverage } = wish;
  const contactGroup =
    wish.contactGroup ??
    (coverage.kind === "fleet"
      ? usualFleetGroups(own, account)
      : usualGroup(rulesOn(coverage.instanceIds, own), own, account));
  const contactGroups = contactGroup.split(",");
  const first = contactGroups[0]!;
  const contact = contactPart(wish, first, account);
  const groups = [
    groupPart(first, contact, account),
    ...contactGroups.slice(1).map((name) => groupPart(name, { ...NOTHING, name: undefined }, account)),
  ];
  const rest =
    coverage.kind === "fleet"
      ? fleetPart(wish, contactGroups, account, own, reported)
      : instancePart(wish, coverage, account, own, reported);
  return {
    steps: [contact, ...groups, rest].flatMap(({ steps }) => steps),
    deferred: rest.deferred ?? [],
    obstacles: [contact, ...groups, rest].flatMap(({ obstacles }) => obstacles),
    contactGroups,
  };
}

function rulesOn(instanceIds: readonly string[], own: readonly OwnRule[]): readonly OwnRule[] {
  const wanted = new Set(instanceIds);
  return own.filter(({ instanceId }) => wanted.has(instanceId));
}

function instancePart(
  wish: AlarmWish,
  coverage: Extract<Coverage, { kind: "instances" }>,
  account: AlarmAccount,
  own: readonly OwnRule[],
  reported: Reported,
): Part {
  const byInstance = Map.groupBy(own, ({ instanceId }) => instanceId);
  const groupOf = seriesGroups(wish, account);
  const parts = coverage.instanceIds.map((instanceId) => {
    const near = byInstance.get(instanceId) ?? [];
    const context: RuleContext = {
      instanceId,
      regionId: wish.regionId,
      seriesGroupId: groupOf(instanceId),
      contactGroup: wish.contactGroup ?? usualGroup(near, own, account),
      webhook: wish.webhook === "off" ? "" : (wish.webhook ?? usualWebhook(near, own)),
    };
    const withSqueezed = coverage.withSqueezed || near.some(({ rule }) => rule.code === "squeezed");
    return instanceSteps(alarmRules({ withSqueezed }), context, near, account, reported);
  });
  const gone = new Set(coverage.goneIds);
  // Only what says of which region it is: another region's instances do not show in this one's list.
  const deletions = own
    .filter(({ instanceId, regionId }) => regionId === wish.regionId && gone.has(instanceId))
    .map(({ found }) => deletion("rule", found.ruleId));
  const fleet = coverage.instanceIds.length > 0 ? ownEventRule(account) : undefined;
  const steps = parts.flatMap((part) => part.steps);
  return {
    // Points first, and together: CloudMonitor takes a moment before it knows a new series.
    steps: [
      ...steps.filter(({ kind }) => kind === "data"),
      ...steps.filter(({ kind }) => kind !== "data"),
      ...deletions,
    ],
    deferred: parts.flatMap(({ deferred = [] }) => deferred),
    obstacles: [...parts.flatMap(({ obstacles }) => obstacles), ...(fleet ? [besideFleetRule(fleet)] : [])],
  };
}

/** The application group of each instance's series: what is not said stays as it is. */
export function seriesGroups(
  { seriesGroupId, regionId }: Pick<AlarmWish, "seriesGroupId" | "regionId">,
  account: AlarmAccount,
): (instanceId: string) => number {
  if (seriesGroupId !== undefined) return () => seriesGroupId;
  const own = ownRulesOf(account, regionId);
  const ofFleet = fleetSeriesGroup(own, account);
  const byInstance = Map.groupBy(own, ({ instanceId }) => instanceId);
  return (instanceId) =>
    own.length === 0 ? ofFleet : usualSeriesGroup(byInstance.get(instanceId) ?? [], own);
}

/** Whether a rule is to be put where there is none: then CloudMonitor must have seen the series. */
export function isPutAnew(
  found: CloudRule | undefined,
  rule: AlarmRule,
  instanceId: string,
  groupId: number,
): boolean {
  if (!found) return true;
  const { MetricName, Resources } = found.fields;
  const isElsewhere = MetricName !== rule.metricName || Resources !== seriesText(instanceId, groupId);
  return isElsewhere || isMadeAnew(found);
}

/** No call that makes such a rule can write this field: the rule is deleted first. */
function isMadeAnew({ fields }: CloudRule): boolean {
  return fields.NoEffectiveInterval !== "";
}

function seriesText(instanceId: string, groupId: number): string {
  return `groupId=${groupId} ${alarmDimension(instanceId)}`;
}

function besideFleetRule({ name }: EventRule): Obstacle {
  return {
    code: "fleet-rule-in-place",
    expected: {
      en: "--fleet-only, or softnet alarms destroy before rules per instance: both would call twice",
      zh: "--fleet-only，或先执行 softnet alarms destroy 再为各实例创建规则：两者并存会重复报警",
    },
    got: { en: "an event rule that covers every instance", zh: "一条覆盖所有实例的事件规则" },
    where: named(EVENT_RULE, name),
  };
}

/** What a rule on an instance takes from the wish. */
interface RuleContext {
  readonly instanceId: string;
  readonly regionId: string;
  readonly seriesGroupId: number;
  readonly contactGroup: string;
  /** Empty for none. */
  readonly webhook: string;
}

function instanceSteps(
  rules: readonly AlarmRule[],
  context: RuleContext,
  near: readonly OwnRule[],
  account: AlarmAccount,
  reported: Reported,
): Part {
  const { instanceId, regionId, seriesGroupId } = context;
  const obstacles: Obstacle[] = [];
  const steps: RuleStep[] = [];
  const deferred: RuleStep[] = [];
  const metricNames: MetricName[] = [];
  for (const rule of rules) {
    const ruleId = alarmRuleId(rule, instanceId);
    const found = near.find((each) => each.found.ruleId === ruleId)?.found;
    if (!found && account.rules.some((each) => each.ruleId === ruleId)) {
      const elsewhere = ownRules(account).find((each) => each.found.ruleId === ruleId)?.regionId;
      obstacles.push(
        elsewhere === undefined
          ? taken(RULE, ruleId)
          : ofOtherRegion(ruleId, regionId, elsewhere, instanceId),
      );
      continue;
    }
    const fields = wantedFields(rule, context);
    const differences = differencesBetween(found?.fields, fields);
    if (differences.length === 0) continue;
    const isDeferred = found !== undefined && !found.isEnabled;
    const needsData = isPutAnew(found, rule, instanceId, seriesGroupId);
    if (needsData && !isDeferred && !reported.hasData(rule.metricName, instanceId)) {
      metricNames.push(rule.metricName);
    }
    (isDeferred ? deferred : steps).push({
      kind: "rule",
      action: found ? "update" : "create",
      name: ruleId,
      differences: differences.map(withoutSecrets),
      fields,
      isMadeAnew: found !== undefined && isMadeAnew(found),
    });
  }
  const data: DataStep = {
    kind: "data",
    action: "send",
    name: instanceId,
    differences: [],
    instanceId,
    groupId: seriesGroupId,
    metricNames,
  };
  return { steps: [...(metricNames.length > 0 ? [data] : []), ...steps], deferred, obstacles };
}

const RULE: Text = { en: "rule", zh: "规则" };

/** An instance is in one region: with the other one somebody ran it by mistake. */
function ofOtherRegion(ruleId: string, regionId: string, elsewhere: string, instanceId: string): Obstacle {
  const destroy = `softnet alarms destroy --region ${elsewhere} --instance ${instanceId}`;
  return {
    code: "other-region",
    expected: {
      en: `a rule for ${regionId}, or none; if ${elsewhere} was wrong: ${destroy}`,
      zh: `${regionId} 的规则，或没有同名规则；如果 ${elsewhere} 有误：${destroy}`,
    },
    got: { en: `one that softnet made for ${elsewhere}`, zh: `softnet 为 ${elsewhere} 创建的规则` },
    where: named(RULE, ruleId),
  };
}

function wantedFields(rule: AlarmRule, context: RuleContext): RuleFields {
  const { instanceId, regionId, seriesGroupId, contactGroup, webhook } = context;
  return {
    RuleName: alarmRuleName(rule, instanceId, regionId),
    MetricName: rule.metricName,
    Resources: seriesText(instanceId, seriesGroupId),
    Statistics: rule.statistic,
    ComparisonOperator: rule.comparisonOperator,
    Threshold: String(rule.threshold),
    EvaluationCount: String(rule.evaluationCount),
    Level: rule.level,
    ContactGroups: contactGroup,
    Period: String(rule.periodSeconds),
    SilenceTime: String(rule.silenceSeconds),
    EffectiveInterval: WHOLE_DAY,
    NoEffectiveInterval: "",
    EmailSubject: alarmSubject(rule, instanceId, regionId),
    Webhook: webhook,
  };
}

/**
 * Pauses or resumes our rules, and the rule on the event where no instance is named.
 *
 * @param instanceIds undefined is all.
 */
export function planSwitching(
  action: Switching["action"],
  instanceIds: readonly string[] | undefined,
  account: AlarmAccount,
  regionId: string,
): readonly Switching[] {
  const shallBeEnabled = action === "resume";
  const rules = ownRulesOf(account, regionId)
    .filter(({ instanceId }) => instanceIds === undefined || instanceIds.includes(instanceId))
    .filter(({ found }) => found.isEnabled !== shallBeEnabled)
    .map(({ found }): Switching => ({ kind: "rule", action, name: found.ruleId, differences: [] }));
  const eventRule = instanceIds === undefined ? ownEventRule(account) : undefined;
  return eventRule && eventRule.isEnabled !== shallBeEnabled
    ? [...rules, { kind: "event-rule", action, name: eventRule.name, differences: [] }]
    : rules;
}
