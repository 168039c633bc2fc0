import {
  type AccountState,
  type EventPattern,
  type EventRule,
  type EventTarget,
  isPublicUrl,
} from "./account-state.ts";
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
import type { CustomEvents } from "./custom-events.ts";

const NOT_FOUND = complaint("404", "The specified resource is not found.");

/** Rules on events: those of PutEventRule, which can be read, paused and deleted, and those of PutCustomEventRule, which cannot. */
export function eventRules(account: AccountState, { events }: Pick<CustomEvents, "events">): ActionFamily {
  function putEventRule(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    p.optional("RegionId");
    const name = p.required("RuleName");
    const rule: EventRule = {
      name,
      description: p.optional("Description") ?? "",
      eventType: p.oneOf("EventType", ["SYSTEM", "CUSTOM"]) ?? "SYSTEM",
      groupId: p.optional("GroupId"),
      silenceSeconds: p.whole("SilenceTime", 0, 86_400) ?? 86_400,
      // Left out, it is not what it was before.
      state: p.oneOf("State", ["ENABLED", "DISABLED"]) ?? "ENABLED",
      patterns: p.records("EventPattern", 50).map(parsePattern),
      targets: account.eventRules.get(name)?.targets ?? [],
    };
    p.end();
    if (rule.patterns.length === 0)
      throw new ApiError(400, "MissingEventPattern", "EventPattern is mandatory.");
    account.eventRules.set(name, rule);
    return { ...DONE, Data: "1" };
  }

  /** Each list of targets holds five at the most. */
  function putEventRuleTargets(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    p.optional("RegionId");
    const rule = account.eventRules.get(p.required("RuleName"));
    const contacts = p
      .records("ContactParameters", 5)
      .map((entry) => parseContactTarget(entry, account.site));
    const webhooks = p.records("WebhookParameters", 5).map(parseWebhookTarget);
    p.end();
    if (!rule) return NOT_FOUND;
    const failed = contacts.filter(({ contactGroup }) => !account.contactGroups.has(contactGroup));
    const put: readonly EventTarget[] = [
      ...contacts.filter((target) => !failed.includes(target)),
      ...webhooks,
    ];
    if (put.length === 0 && failed.length === 0) return complaint("400", "Illegal parameters: no target.");
    // A target with the same id is put in the old one's place.
    const targets = [
      ...rule.targets.map((old) => put.find(({ id }) => id === old.id) ?? old),
      ...put.filter(({ id }) => !rule.targets.some((old) => old.id === id)),
    ];
    if (
      (["contact", "webhook"] as const).some(
        (kind) => targets.filter((target) => target.kind === kind).length > 5,
      )
    ) {
      return complaint("400", "Illegal parameters: more than five targets.");
    }
    rule.targets = targets;
    // Whoever looks at the code alone does not hear of a group that does not exist.
    return {
      ...DONE,
      FailedParameterCount: String(failed.length),
      ...(failed.length > 0
        ? {
            FailedContactParameters: {
              ContactParameter: failed.map((target) => shownContact(target, Number(target.id))),
            },
          }
        : {}),
    };
  }

  function describeEventRuleList(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    p.optional("RegionId");
    const prefix = p.optional("NamePrefix") ?? "";
    const groupId = p.optional("GroupId");
    // Documented so: whoever does not ask for the disabled ones does not see them.
    const isEnabled = p.flag("IsEnable") ?? true;
    const found = [...account.eventRules.values()].filter(
      (rule) =>
        rule.name.startsWith(prefix) &&
        (groupId === undefined || rule.groupId === groupId) &&
        (rule.state === "ENABLED") === isEnabled,
    );
    const page = pageOf(found, p, { number: "PageNumber", size: "PageSize", defaultSize: 10 });
    p.end();
    return { ...DONE, Total: found.length, EventRules: { EventRule: page.items.map(shownRule) } };
  }

  function describeEventRuleTargetList(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    p.optional("RegionId");
    const rule = account.eventRules.get(p.required("RuleName"));
    p.end();
    if (!rule) return NOT_FOUND;
    return {
      Code: "200",
      ContactParameters: {
        ContactParameter: rule.targets.flatMap((target) =>
          target.kind === "contact" ? [shownContact(target, target.id)] : [],
        ),
      },
      WebhookParameters: {
        WebhookParameter: rule.targets.flatMap((target) =>
          target.kind === "webhook"
            ? [{ Id: target.id, Protocol: "http", Method: target.method, Url: target.url }]
            : [],
        ),
      },
    };
  }

  function deleteEventRuleTargets(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    p.optional("RegionId");
    const rule = account.eventRules.get(p.required("RuleName"));
    const ids = p.list("Ids", 100);
    p.end();
    if (!rule || !ids.every((id) => rule.targets.some((target) => target.id === id))) return NOT_FOUND;
    rule.targets = rule.targets.filter(({ id }) => !ids.includes(id));
    return DONE;
  }

  function onRules(call: Call, act: (rule: EventRule) => void): ActionAnswer {
    const p = new Parameters(call.params);
    p.optional("RegionId");
    const names = p.list("RuleNames", 100);
    p.end();
    if (names.length === 0)
      throw new ApiError(400, "MissingRuleNames", "RuleNames is mandatory for this action.");
    const rules = names.map((name) => account.eventRules.get(name));
    if (!rules.every((rule) => rule !== undefined)) return NOT_FOUND;
    for (const rule of rules) act(rule);
    return DONE;
  }

  function putCustomEventRule(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    const rule = {
      ruleId: p.required("RuleId"),
      ruleName: p.required("RuleName"),
      eventName: p.required("EventName"),
      groupId: p.required("GroupId"),
      contactGroups: p.required("ContactGroups").split(","),
      level: p.oneOf("Level", ["CRITICAL", "WARN", "INFO"]),
      threshold: p.required("Threshold"),
      periodSeconds: p.whole("Period", 60, 86_400) ?? 300,
      webhook: p.optional("Webhook"),
    };
    p.optional("EffectiveInterval");
    p.optional("EmailSubject");
    p.end();
    const { level } = rule;
    if (level === undefined) throw new ApiError(400, "MissingLevel", "Level is mandatory for this action.");
    if (rule.contactGroups.some((group) => !account.contactGroups.has(group))) {
      return complaint("404", "The group is not exists.");
    }
    if (!events.some(({ name, groupId }) => name === rule.eventName && groupId === rule.groupId)) {
      return complaint("404", "The event is not exists: report it first.");
    }
    account.customEventRules.set(rule.ruleId, { ...rule, level });
    return DONE;
  }

  return {
    version: "2019-01-01",
    product: "cms",
    actions: {
      PutEventRule: putEventRule,
      PutEventRuleTargets: putEventRuleTargets,
      DescribeEventRuleList: describeEventRuleList,
      DescribeEventRuleTargetList: describeEventRuleTargetList,
      DeleteEventRuleTargets: deleteEventRuleTargets,
      DeleteEventRules: (call) => onRules(call, ({ name }) => account.eventRules.delete(name)),
      EnableEventRules: (call) =>
        onRules(call, (rule) => {
          rule.state = "ENABLED";
        }),
      DisableEventRules: (call) =>
        onRules(call, (rule) => {
          rule.state = "DISABLED";
        }),
      PutCustomEventRule: putCustomEventRule,
    },
  };
}

function parsePattern(p: Parameters): EventPattern {
  const pattern = {
    product: p.required("Product"),
    names: p.list("NameList", 50),
    levels: p.list("LevelList", 50),
    eventTypes: p.list("EventTypeList", 50),
    statuses: p.list("StatusList", 50),
    customFilters: p.optional("CustomFilters"),
    sqlFilter: p.optional("SQLFilter"),
  };
  p.end();
  if (!pattern.levels.every((level) => /^(CRITICAL|WARN|INFO|\*)$/.test(level))) {
    throw new ApiError(400, "InvalidParameter", "The specified parameter LevelList is not valid.");
  }
  if (!pattern.eventTypes.every((type) => /^(StatusNotification|Exception|Maintenance|\*)$/.test(type))) {
    throw new ApiError(400, "InvalidParameter", "The specified parameter EventTypeList is not valid.");
  }
  return pattern;
}

type ContactTarget = Extract<EventTarget, { kind: "contact" }>;

/** Phone and SMS, and with them their levels, exist on the China site only. */
function parseContactTarget(p: Parameters, site: AccountState["site"]): ContactTarget {
  const id = idOf(p);
  const contactGroup = p.required("ContactGroupName");
  const level = p.oneOf("Level", site === "china" ? (["2", "3", "4"] as const) : (["4"] as const)) ?? "4";
  p.end();
  return { kind: "contact", id, contactGroup, level };
}

function parseWebhookTarget(p: Parameters): EventTarget {
  const id = idOf(p);
  const url = p.required("Url");
  const method = p.oneOf("Method", ["GET", "POST"]) ?? "POST";
  p.oneOf("Protocol", ["http"]);
  p.end();
  if (!isPublicUrl(url))
    throw new ApiError(400, "InvalidParameter", `The specified parameter Url is not valid: ${url}`);
  return { kind: "webhook", id, method, url };
}

/** A text in the request, a number among the failed ones. */
function idOf(p: Parameters): string {
  const id = p.required("Id");
  if (!/^\d{1,9}$/.test(id))
    throw new ApiError(400, "InvalidParameter", `The specified parameter Id is not valid: ${id}`);
  return id;
}

function shownContact({ contactGroup, level }: ContactTarget, id: string | number): object {
  return { Id: id, ContactGroupName: contactGroup, Level: level };
}

/** The statuses are not shown. */
function shownRule(rule: EventRule): object {
  return {
    Name: rule.name,
    Description: rule.description,
    EventType: rule.eventType,
    GroupId: rule.groupId ?? "",
    SilenceTime: rule.silenceSeconds,
    State: rule.state,
    EventPattern: {
      EventPattern: rule.patterns.map((pattern) => ({
        Product: pattern.product,
        NameList: { NameList: pattern.names },
        LevelList: { LevelList: pattern.levels },
        EventTypeList: { EventTypeList: pattern.eventTypes },
        CustomFilters: pattern.customFilters ?? "",
        SQLFilter: pattern.sqlFilter ?? "",
        ...(pattern.keywordFilter
          ? {
              KeywordFilter: {
                Relation: pattern.keywordFilter.relation,
                Keywords: { Keywords: pattern.keywordFilter.keywords },
              },
            }
          : {}),
      })),
    },
  };
}
