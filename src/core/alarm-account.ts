import { type AlarmRule, alarmDimension, alarmRuleId, alarmRules } from "./alarm-rules.ts";

/** What CloudMonitor holds now, as far as alarms are concerned. */
export interface AlarmAccount {
  readonly contacts: readonly Contact[];
  readonly groups: readonly ContactGroup[];
  /** Rules on custom metrics, ours and others'. */
  readonly rules: readonly CloudRule[];
  readonly eventRules: readonly EventRule[];
}

export interface Contact {
  readonly name: string;
  readonly description: string;
  readonly lang: string | undefined;
  readonly mail: Channel | undefined;
  readonly phone: Channel | undefined;
  /** Channels that we never set, and must hand back when we write the contact. */
  readonly others: { readonly dingWebHook?: string; readonly aliIM?: string };
  readonly groups: readonly string[];
}

export interface Channel {
  /** CloudMonitor does not show an address before its owner has clicked the link. */
  readonly value: string | undefined;
  readonly isPending: boolean;
}

export interface ContactGroup {
  readonly name: string;
  readonly description: string;
  readonly members: readonly string[];
  readonly isSubscribed: boolean | undefined;
}

/** What of a rule is compared, by the cloud's names: the parameters of PutCustomMetricRule, and what only others can set. */
export interface RuleFields {
  readonly RuleName: string;
  readonly MetricName: string;
  /** The series, `groupId=0 cpu=all&instanceId=i-…`; several are joined by a comma. */
  readonly Resources: string;
  readonly Statistics: string;
  readonly ComparisonOperator: string;
  readonly Threshold: string;
  readonly EvaluationCount: string;
  readonly Level: string;
  /** Names, joined by a comma. */
  readonly ContactGroups: string;
  readonly Period: string;
  readonly SilenceTime: string;
  readonly EffectiveInterval: string;
  /** When it is silent; PutCustomMetricRule has no such parameter. Empty for never. */
  readonly NoEffectiveInterval: string;
  readonly EmailSubject: string;
  /** Empty for none. */
  readonly Webhook: string;
}

export type RuleState = "OK" | "ALARM" | "INSUFFICIENT_DATA";

export interface CloudRule {
  readonly ruleId: string;
  readonly fields: RuleFields;
  readonly isEnabled: boolean;
  /** Undefined where CloudMonitor does not say. */
  readonly state: RuleState | undefined;
  /** When it was last written, epoch milliseconds; undefined where CloudMonitor does not say. */
  readonly writtenAtMs: number | undefined;
}

/** What of an event rule is compared; lists are joined by a comma. */
export interface EventRuleFields {
  readonly Description: string;
  readonly EventType: string;
  readonly Product: string;
  readonly NameList: string;
  readonly LevelList: string;
  readonly EventTypeList: string;
  /** What an event has to say besides, by somebody's hand; empty for nothing. */
  readonly CustomFilters: string;
  readonly SQLFilter: string;
  readonly KeywordFilter: string;
  readonly SilenceTime: string;
  /** Application group of the events; empty for none. */
  readonly GroupId: string;
}

export interface EventRule {
  readonly name: string;
  readonly fields: EventRuleFields;
  readonly isEnabled: boolean;
  readonly contactTargets: readonly ContactTarget[];
  readonly webhookTargets: readonly WebhookTarget[];
}

export interface ContactTarget {
  readonly id: string;
  readonly ContactGroupName: string;
  readonly Level: string;
}

export interface WebhookTarget {
  readonly id: string;
  readonly Url: string;
  readonly Method: string;
}

/** What the account may use; undefined where CloudMonitor does not say. */
export interface MonitorQuota {
  /** `free`, `pro`, … */
  readonly edition: string | undefined;
  readonly series: Allowance;
  readonly sms: Allowance;
  readonly phoneCalls: Allowance;
}

export interface Allowance {
  readonly used: number | undefined;
  readonly limit: number | undefined;
}

/** The first words of the description of all that we make and that has one: by them destroy knows it again. */
const MARK = "softnet-agent: ";

export function isMarked({ description }: { readonly description: string }): boolean {
  return description.startsWith(MARK);
}

export function marked(text: string): string {
  return MARK + text;
}

/** A rule that we made, and what it is about. */
export interface OwnRule {
  readonly rule: AlarmRule;
  readonly instanceId: string;
  /** As its name says it, or its subject; undefined where somebody changed both. */
  readonly regionId: string | undefined;
  readonly found: CloudRule;
}

const EVERY_RULE = alarmRules({ withSqueezed: true });

/**
 * The rules that we made: by their id, and by one of what they are called and what they look at, so that a person who
 * happened on such an id loses nothing to us.
 */
export function ownRules({ rules }: Pick<AlarmAccount, "rules">): readonly OwnRule[] {
  return rules.flatMap((found) => {
    for (const rule of EVERY_RULE) {
      const prefix = alarmRuleId(rule, "");
      if (!found.ruleId.startsWith(prefix)) continue;
      const instanceId = found.ruleId.slice(prefix.length);
      const { RuleName, EmailSubject, Resources } = found.fields;
      // The subject says it too, should somebody have given the rule another name.
      const told = [/^softnet (\S+) (\S+) /.exec(RuleName), /^[A-Z]+ (\S+) ([^\s:]+): /.exec(EmailSubject)];
      const [, , regionId] = told.find((words) => words?.[1] === instanceId) ?? [];
      const looksAtIt = Resources.endsWith(` ${alarmDimension(instanceId)}`);
      if (instanceId === "" || (regionId === undefined && !looksAtIt)) return [];
      return [{ rule, instanceId, regionId, found }];
    }
    return [];
  });
}

/** Ours that are of this region, or do not say of which. */
export function ownRulesOf(account: Pick<AlarmAccount, "rules">, regionId: string): readonly OwnRule[] {
  return ownRules(account).filter((own) => own.regionId === undefined || own.regionId === regionId);
}
