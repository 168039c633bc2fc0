/** What one account of the cloud holds, as plain values that a test may read, seed and change by hand. */
export interface AccountState {
  /** The main account's id. */
  readonly uid: string;
  /** SMS and phone exist on the China site only. */
  readonly site: "china" | "international";
  readonly contacts: Map<string, Contact>;
  readonly contactGroups: Map<string, ContactGroup>;
  readonly metricRules: Map<string, MetricRule>;
  readonly eventRules: Map<string, EventRule>;
  /** What PutCustomEventRule made: no call reads these back. */
  readonly customEventRules: Map<string, CustomEventRule>;
  readonly instances: EcsInstance[];
  /** Threshold rules that the account may have. */
  ruleQuota: number;
  /** Messages and calls of a month, and those that are left. */
  quota: { sms: number; phoneCalls: number };
  smsLeft: number;
  phoneCallsLeft: number;
  /** Every activation link that was sent out, oldest first: a needless write sends another one. */
  readonly activationLinks: { readonly contact: string; readonly channel: ChannelName }[];
}

export type ChannelName = "Mail" | "SMS" | "DingWebHook" | "AliIM";

export interface Contact {
  readonly name: string;
  describe: string;
  lang: "zh-cn" | "en";
  channels: Partial<Record<ChannelName, Channel>>;
  createdAtMs: number;
  updatedAtMs: number;
}

export interface Channel {
  value: string;
  /** Until its owner clicks the link, a channel is silent. */
  state: "PENDING" | "OK";
}

export interface ContactGroup {
  readonly name: string;
  describe: string;
  contacts: string[];
  enableSubscribed: boolean;
  createdAtMs: number;
  updatedAtMs: number;
}

export type Level = "CRITICAL" | "WARN" | "INFO";

export interface MetricRule {
  readonly ruleId: string;
  ruleName: string;
  /** `acs_customMetric_<uid>` for ours. */
  namespace: string;
  metricName: string;
  groupId: string;
  resources: RuleResource[];
  statistics: string;
  comparisonOperator: ComparisonOperator;
  threshold: string;
  evaluationCount: number;
  level: Level;
  contactGroups: string[];
  periodSeconds: number;
  silenceSeconds: number;
  effectiveInterval: string;
  /** No parameter of PutCustomMetricRule sets it; other calls and the console do. */
  noEffectiveInterval: string | undefined;
  emailSubject: string | undefined;
  webhook: string | undefined;
  enabled: boolean;
  alertState: AlertState;
  createdAtMs: number;
  updatedAtMs: number;
}

export type AlertState = "OK" | "ALARM" | "INSUFFICIENT_DATA";
export type ComparisonOperator = ">=" | "=" | "<=" | ">" | "<" | "!=";

export interface RuleResource {
  readonly groupId: string;
  /** `cpu=all&instanceId=i-1` */
  readonly dimension: string;
}

export interface EventRule {
  readonly name: string;
  description: string;
  eventType: "SYSTEM" | "CUSTOM";
  groupId: string | undefined;
  silenceSeconds: number;
  state: "ENABLED" | "DISABLED";
  patterns: EventPattern[];
  targets: EventTarget[];
}

export interface EventPattern {
  readonly product: string;
  readonly names: readonly string[];
  readonly levels: readonly string[];
  readonly eventTypes: readonly string[];
  readonly statuses: readonly string[];
  readonly customFilters: string | undefined;
  readonly sqlFilter: string | undefined;
  /** No parameter of PutEventRule sets it; the console does. */
  readonly keywordFilter?: { readonly relation: "OR" | "AND"; readonly keywords: readonly string[] };
}

export type EventTarget =
  | {
      readonly kind: "contact";
      readonly id: string;
      readonly contactGroup: string;
      /** 2 is phone, SMS, mail and DingTalk, 3 all but the phone, 4 mail and DingTalk. */
      readonly level: "2" | "3" | "4";
    }
  | { readonly kind: "webhook"; readonly id: string; readonly method: "GET" | "POST"; readonly url: string };

export interface CustomEventRule {
  readonly ruleId: string;
  readonly ruleName: string;
  readonly eventName: string;
  readonly groupId: string;
  readonly contactGroups: readonly string[];
  readonly level: Level;
  readonly threshold: string;
  readonly periodSeconds: number;
  readonly webhook: string | undefined;
}

export interface EcsInstance {
  readonly instanceId: string;
  readonly regionId: string;
  readonly instanceName: string;
  readonly instanceType: string;
  status: "Running" | "Stopped";
  tags: Record<string, string>;
}

export interface NewAccount {
  readonly uid?: string;
  readonly site?: AccountState["site"];
}

export function newAccountState({ uid = "1234567890123456", site = "china" }: NewAccount = {}): AccountState {
  return {
    uid,
    site,
    contacts: new Map(),
    contactGroups: new Map(),
    metricRules: new Map(),
    eventRules: new Map(),
    customEventRules: new Map(),
    instances: [],
    ruleQuota: 1000,
    // There is no free package of calls.
    quota: { sms: 1000, phoneCalls: 0 },
    smsLeft: 1000,
    phoneCallsLeft: 0,
    activationLinks: [],
  };
}

/** Clicks the link that was sent to a contact's channel. @throws RangeError where no such link is open. */
export function activate(state: AccountState, contact: string, channel: ChannelName): void {
  const pending = state.contacts.get(contact)?.channels[channel];
  if (pending?.state !== "PENDING") throw new RangeError(`${contact} has no pending ${channel}`);
  pending.state = "OK";
}

/** Everything that alarms are made of, without times and states: equal before and after for whoever left it as it was. */
export function snapshot(state: AccountState): unknown {
  const passing = new Set(["createdAtMs", "updatedAtMs", "alertState"]);
  const withoutTimes = (item: object): object =>
    Object.fromEntries(Object.entries(item).filter(([field]) => !passing.has(field)));
  const sorted = (items: Iterable<readonly [string, object]>): unknown =>
    [...items].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => withoutTimes(item));
  return structuredClone({
    contacts: sorted(state.contacts),
    contactGroups: sorted(state.contactGroups),
    metricRules: sorted(state.metricRules),
    eventRules: sorted(state.eventRules),
    customEventRules: sorted(state.customEventRules),
  });
}

/** Whether the address can be reached from the cloud. */
export function isPublicUrl(text: string): boolean {
  const url = URL.parse(text);
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:") || url.username !== "") return false;
  return !/^(localhost|127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|\[)/.test(
    url.hostname,
  );
}
