import type {
  Channel,
  CloudRule,
  Contact,
  ContactGroup,
  ContactTarget,
  Allowance,
  EventRule,
  MonitorQuota,
  RuleState,
  WebhookTarget,
} from "../core/alarm-account.ts";
import type { RpcBody } from "./rpc-call.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * The entries of `{"Alarms":{"Alarm":[…]}}`: CloudMonitor wraps each list in an object of its own. Undefined where there is no list,
 * which is not an empty one: whoever took it for that would write over what others have.
 */
export function listIn(body: Fields, outer: string, inner: string): readonly Fields[] | undefined {
  const list = object(body[outer])[inner];
  return Array.isArray(list) ? list.map(object) : undefined;
}

function entriesIn(body: Fields, outer: string, inner: string): readonly Fields[] {
  return listIn(body, outer, inner) ?? [];
}

/** Whether an event has come, by the count of events. */
export function hasEventNamed(body: RpcBody, name: string): boolean {
  return entriesIn(body, "CustomEventCounts", "CustomEventCount").some(({ Name }) => Name === name);
}

/** `Total` comes as a number here and as a text there; undefined where it does not come. */
export function totalIn({ Total }: RpcBody): number | undefined {
  const total = Number(Total ?? Number.NaN);
  return Number.isNaN(total) ? undefined : total;
}

export function parseContact(entry: Fields): Contact {
  const [channels, states] = [object(entry["Channels"]), object(entry["ChannelsState"])];
  const { DingWebHook, AliIM } = channels;
  return {
    name: text(entry["Name"]),
    description: text(entry["Desc"]),
    lang: text(entry["Lang"]) || undefined,
    mail: channelOf(channels["Mail"], states["Mail"]),
    phone: channelOf(channels["SMS"], states["SMS"]),
    others: {
      ...(text(DingWebHook) ? { dingWebHook: text(DingWebHook) } : {}),
      ...(text(AliIM) ? { aliIM: text(AliIM) } : {}),
    },
    groups: texts(object(entry["ContactGroups"])["ContactGroup"]),
  };
}

/** A channel that waits for its link is not among the channels, and has a state all the same. */
function channelOf(value: unknown, state: unknown): Channel | undefined {
  const [shown, isPending] = [text(value) || undefined, text(state).toUpperCase() === "PENDING"];
  return shown === undefined && !isPending ? undefined : { value: shown, isPending };
}

export function parseGroup(entry: Fields): ContactGroup {
  const isSubscribed = entry["EnableSubscribed"];
  return {
    name: text(entry["Name"]),
    description: text(entry["Describe"]),
    members: texts(object(entry["Contacts"])["Contact"]),
    isSubscribed: typeof isSubscribed === "boolean" ? isSubscribed : undefined,
  };
}

/** Written as a sign and read back as a word. */
const OPERATORS: Readonly<Record<string, string>> = {
  GreaterThanOrEqualToThreshold: ">=",
  GreaterThanThreshold: ">",
  LessThanOrEqualToThreshold: "<=",
  LessThanThreshold: "<",
  EqualToThreshold: "=",
  NotEqualToThreshold: "!=",
};

export function parseRule(entry: Fields): CloudRule {
  const escalations = object(entry["Escalations"]);
  const levels = (["Critical", "Warn", "Info"] as const).filter(
    (level) => Object.keys(object(escalations[level])).length > 0,
  );
  const condition = object(escalations[levels[0] ?? ""]);
  const operator = text(condition["ComparisonOperator"]);
  const state = text(entry["AlertState"]);
  return {
    ruleId: text(entry["RuleId"]),
    isEnabled: text(entry["EnableState"]) !== "false",
    state: isRuleState(state) ? state : undefined,
    writtenAtMs: timeOf(entry["GmtUpdate"]),
    fields: {
      RuleName: text(entry["RuleName"]),
      MetricName: text(entry["MetricName"]),
      Resources: resourcesOf(text(entry["Resources"]), text(entry["GroupId"])),
      Statistics: text(condition["Statistics"]).replace(/^\$/, ""),
      ComparisonOperator: OPERATORS[operator] ?? operator,
      Threshold: numberText(condition["Threshold"]),
      EvaluationCount: numberText(condition["Times"]),
      Level: levels.join(",").toUpperCase(),
      ContactGroups: listText(entry["ContactGroups"]),
      Period: numberText(entry["Period"]),
      SilenceTime: numberText(entry["SilenceTime"]),
      EffectiveInterval: text(entry["EffectiveInterval"]),
      NoEffectiveInterval: text(entry["NoEffectiveInterval"]),
      EmailSubject: text(entry["MailSubject"]),
      Webhook: webhookOf(text(entry["Webhook"])),
    },
  };
}

/** Milliseconds, or a date as the cloud writes it. */
function timeOf(value: unknown): number | undefined {
  const written = text(value);
  const timeMs = /^\d+$/.test(written) ? Number(written) : Date.parse(written);
  return timeMs > 0 ? timeMs : undefined;
}

function isRuleState(word: string): word is RuleState {
  return word === "OK" || word === "ALARM" || word === "INSUFFICIENT_DATA";
}

/** Either as it was written, or with the dimensions as fields of their own. What cannot be read is given as it is. */
function resourcesOf(json: string, ruleGroupId: string): string {
  const list = parseJson(json);
  if (!Array.isArray(list)) return json;
  return list
    .map((entry: unknown) => {
      const { groupId, dimension, ...dimensions } = object(entry);
      const pairs =
        typeof dimension === "string"
          ? dimension
          : Object.entries(dimensions)
              .map(([key, value]) => `${key}=${text(value)}`)
              .sort()
              .join("&");
      return `groupId=${text(groupId) || ruleGroupId || "0"} ${pairs}`;
    })
    .join(",");
}

/** Names with commas between them, or a JSON list of names. */
function listText(value: unknown): string {
  const list = Array.isArray(value) ? value : parseJson(text(value));
  return Array.isArray(list) ? texts(list).join(",") : text(value);
}

/** A URL, or an object that holds one. */
function webhookOf(given: string): string {
  return text(object(parseJson(given))["url"]) || given;
}

export function parseEventRule(entry: Fields): Pick<EventRule, "name" | "fields" | "isEnabled"> {
  const patterns = entriesIn(entry, "EventPattern", "EventPattern");
  const joined = (field: string): string =>
    patterns.map((pattern) => texts(object(pattern[field])[field]).join(",")).join(";");
  const filtersBy = (say: (pattern: Fields) => string): string =>
    patterns
      .map(say)
      .filter((filter) => filter !== "")
      .join(";");
  const groupId = text(entry["GroupId"]);
  return {
    name: text(entry["Name"]),
    isEnabled: text(entry["State"]).toUpperCase() !== "DISABLED",
    fields: {
      Description: text(entry["Description"]),
      EventType: text(entry["EventType"]),
      Product: patterns.map(({ Product }) => text(Product)).join(";"),
      NameList: joined("NameList"),
      LevelList: joined("LevelList"),
      EventTypeList: joined("EventTypeList"),
      CustomFilters: filtersBy(({ CustomFilters }) => text(CustomFilters)),
      SQLFilter: filtersBy(({ SQLFilter }) => text(SQLFilter)),
      KeywordFilter: filtersBy(keywordFilterOf),
      SilenceTime: numberText(entry["SilenceTime"]),
      GroupId: groupId === "0" ? "" : groupId,
    },
  };
}

/** `OR: reboot, stop` */
function keywordFilterOf(pattern: Fields): string {
  const { Keywords, Relation } = object(pattern["KeywordFilter"]);
  const words = texts(object(Keywords)["Keywords"]).join(", ");
  return words === "" ? "" : `${text(Relation) || "OR"}: ${words}`;
}

export function parseTargets(body: RpcBody): Pick<EventRule, "contactTargets" | "webhookTargets"> {
  return {
    contactTargets: entriesIn(body, "ContactParameters", "ContactParameter").map((entry): ContactTarget => ({
      id: text(entry["Id"]),
      ContactGroupName: text(entry["ContactGroupName"]),
      Level: text(entry["Level"]),
    })),
    webhookTargets: entriesIn(body, "WebhookParameters", "WebhookParameter").map((entry): WebhookTarget => ({
      id: text(entry["Id"]),
      Url: text(entry["Url"]),
      Method: text(entry["Method"]).toUpperCase(),
    })),
  };
}

export function parseQuota({ ResourceQuota }: RpcBody): MonitorQuota {
  const quota = object(ResourceQuota);
  return {
    edition: text(quota["SuitInfo"]) || undefined,
    series: allowanceOf(quota["CustomMonitor"]),
    sms: allowanceOf(quota["SMS"]),
    phoneCalls: allowanceOf(quota["Phone"]),
  };
}

function allowanceOf(value: unknown): Allowance {
  const { QuotaUsed, QuotaLimit } = object(value);
  const number = (given: unknown): number | undefined => (text(given) === "" ? undefined : Number(given));
  return { used: number(QuotaUsed), limit: number(QuotaLimit) };
}

/** The newest point of each instance, epoch milliseconds, from `Datapoints`, which is JSON in a text. */
export function parseLastPoints({ Datapoints }: RpcBody): ReadonlyMap<string, number> {
  const points = parseJson(text(Datapoints));
  const newest = new Map<string, number>();
  for (const point of Array.isArray(points) ? points.map(object) : []) {
    const atMs = Number(point["timestamp"]);
    const instanceId = text(point["instanceId"]) || /instanceId=([^&]+)/.exec(text(point["dimension"]))?.[1];
    if (!instanceId || !(atMs > 0)) continue;
    newest.set(instanceId, Math.max(atMs, newest.get(instanceId) ?? 0));
  }
  return newest;
}

function object(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** A number that came as a number, as `0.0` or as `60`. */
function numberText(value: unknown): string {
  const written = text(value);
  return written === "" || Number.isNaN(Number(written)) ? written : String(Number(written));
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : "";
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(text) : [];
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
