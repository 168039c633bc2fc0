import type {
  AlarmAccount,
  CloudRule,
  Contact,
  ContactTarget,
  EventRule,
  MonitorQuota,
} from "../core/alarm-account.ts";
import { FLEET_RULE_NAME } from "../core/alarm-event-rule.ts";
import type { AlarmStep, DataStep, GroupStep, TargetStep } from "../core/alarm-steps.ts";
import { alarmDimension, FLEET_EVENT_RULE } from "../core/alarm-rules.ts";
import { ENTRIES_PER_CALL, hostEntries, type MetricEntry, type MetricName } from "../core/metrics.ts";
import { CloudError } from "../errors.ts";
import {
  hasEventNamed,
  listIn,
  parseContact,
  parseEventRule,
  parseGroup,
  parseLastPoints,
  parseQuota,
  parseRule,
  parseTargets,
  totalIn,
} from "./alarm-answers.ts";
import { RefusedCall } from "./refusal.ts";
import { callRpc, type CloudAccess, type RpcBody, type RpcParam } from "./rpc-call.ts";

export interface AlarmsSettings {
  /** To CloudMonitor. */
  readonly access: CloudAccess;
  /** The main account's id: it names the metrics' namespace. */
  readonly accountId: string;
  readonly nowMs: () => number;
}

/** An instance's series `cpu=all`, in the application group that it is sent to. */
export interface HostSeries {
  readonly instanceId: string;
  readonly groupId: number;
}

/** What the alarm verbs say to CloudMonitor. Every call may be made again: a second time changes nothing. */
export interface AlarmsCloud {
  /**
   * @param scope `ours`: rules on custom metrics and our event rule; `everything`: all that may name a contact group.
   * @throws RefusedCall, and CloudError `incomplete-list`.
   */
  readAccount(scope: "ours" | "everything"): Promise<AlarmAccount>;
  readContacts(): Promise<readonly Contact[]>;
  /** Contacts with the groups they are in, by what either of them says: nobody must seem to be in none. */
  readPeople(): Promise<Pick<AlarmAccount, "contacts" | "groups">>;
  /** Rules on custom metrics, ours and others'. */
  readRules(): Promise<readonly CloudRule[]>;
  readQuota(): Promise<MonitorQuota>;
  /**
   * The newest point of the last day of each of these series, epoch milliseconds, by instance; one without a point is left out.
   *
   * @param series undefined is that of every instance that sent one.
   */
  readLastPoints(
    metricName: MetricName,
    series: readonly HostSeries[] | undefined,
  ): Promise<ReadonlyMap<string, number>>;
  /** Whether the fleet's event has come lately. */
  hasFleetEvent(): Promise<boolean>;
  /**
   * Carries out one step after the other, like ones together where the cloud takes them so.
   *
   * @param onDone hears how many are done; false from it ends the work there.
   */
  carryOut(steps: readonly AlarmStep[], onDone: (count: number) => boolean): Promise<void>;
}

const VERSION = "2019-01-01";
const PAGE_SIZE = 100;
/** More pages than any account has: an answer that never ends is none. */
const MOST_PAGES = 1000;
/** DescribeMetricLast takes so many. */
const INSTANCES_PER_CALL = 50;
/** The documentation of DeleteMetricRules names no limit; its sisters take 100. */
const RULES_PER_CALL = 100;
/** Each has three host series at the most. */
const INSTANCES_PER_PUT = Math.floor(ENTRIES_PER_CALL / 3);
/** Whoever sent a point within this time is missed when no more come. The interface looks back 31 days at the most. */
const LOOK_BACK_MS = 86_400_000;
const EVENT_LOOK_BACK_MS = 7 * 86_400_000;

/** Through the generic client: the typed one would load five times as much for the same requests. */
export function connectAlarms({ access, accountId, nowMs }: AlarmsSettings): AlarmsCloud {
  const namespace = `acs_customMetric_${accountId}`;

  function call(action: string, params: Readonly<Record<string, RpcParam>> = {}): Promise<RpcBody> {
    return callRpc({ ...access, product: "cms", version: VERSION, action, params, isRepeatable: true });
  }

  async function list<Item>(
    action: string,
    [outer, inner]: readonly [string, string],
    parse: (entry: Readonly<Record<string, unknown>>) => Item,
    params: Readonly<Record<string, RpcParam>> = {},
    pageParam = "PageNumber",
  ): Promise<readonly Item[]> {
    const items: Item[] = [];
    for (let page = 1; page <= MOST_PAGES; page++) {
      const body = await call(action, { ...params, [pageParam]: page, PageSize: PAGE_SIZE });
      const total = totalIn(body);
      const entries = listIn(body, outer, inner) ?? (total === 0 ? [] : undefined);
      if (!entries) throw unreadable(action);
      items.push(...entries.map(parse));
      if (total === undefined ? entries.length < PAGE_SIZE : items.length >= total) return items;
      if (entries.length === 0) throw incomplete(action, total ?? items.length + 1, items.length);
    }
    throw incomplete(action, MOST_PAGES * PAGE_SIZE, items.length);
  }

  /** Page after page of what goes on by a token; none where the namespace does not exist, which it begins to with its first point. */
  async function* pagesOf(
    action: string,
    params: Readonly<Record<string, RpcParam>>,
  ): AsyncGenerator<RpcBody> {
    let NextToken: string | undefined;
    for (let page = 1; page <= MOST_PAGES; page++) {
      const body = await orNotFound(call(action, { ...params, NextToken }));
      if (!body) return;
      yield body;
      const next: unknown = body["NextToken"];
      if (typeof next !== "string" || next === "") return;
      if (next === NextToken) throw endless(action, "the same page again");
      NextToken = next;
    }
    throw endless(action, `${MOST_PAGES} pages and more`);
  }

  async function readEventRules(scope: "ours" | "everything"): Promise<readonly EventRule[]> {
    const prefix = scope === "ours" ? { NamePrefix: FLEET_RULE_NAME } : {};
    const rules: EventRule[] = [];
    // Unless it is asked, the list leaves the paused ones out.
    for (const IsEnable of [true, false]) {
      const found = await list("DescribeEventRuleList", ["EventRules", "EventRule"], parseEventRule, {
        ...prefix,
        IsEnable,
      });
      for (const rule of found) {
        if (rules.some(({ name }) => name === rule.name)) continue;
        const targets = await call("DescribeEventRuleTargetList", { RuleName: rule.name });
        rules.push({ ...rule, ...parseTargets(targets) });
      }
    }
    return rules;
  }

  async function carryOutOne(step: AlarmStep): Promise<void> {
    switch (step.kind) {
      case "contact":
        if (step.action === "delete") {
          await gone(() => call("DeleteContact", { ContactName: step.name }));
          return;
        }
        await ofChinaSite(
          step.contact.phone !== undefined,
          call("PutContact", {
            ContactName: step.name,
            Describe: step.contact.description,
            Lang: step.contact.lang,
            Channels: {
              Mail: step.contact.mail,
              SMS: step.contact.phone,
              DingWebHook: step.contact.others.dingWebHook,
              AliIM: step.contact.others.aliIM,
            },
          }),
        );
        return;
      case "group":
        if (step.action === "delete") {
          await gone(() => call("DeleteContactGroup", { ContactGroupName: step.name }));
          return;
        }
        await putGroup(step);
        return;
      case "data":
        await sendFirstPoints([step]);
        return;
      case "event":
        await sendFirstEvent(step.groupId);
        return;
      case "rule":
        if (step.action === "create" || step.action === "update") {
          if (step.isMadeAnew) await switchRules("delete", [step.name]);
          await call("PutCustomMetricRule", ruleParams(step.name, step.fields));
          return;
        }
        await switchRules(step.action, [step.name]);
        return;
      case "event-rule":
        switch (step.action) {
          case "delete":
            await gone(() => call("DeleteEventRules", { RuleNames: [step.name] }));
            return;
          case "pause":
            await call("DisableEventRules", { RuleNames: [step.name] });
            return;
          case "resume":
            await call("EnableEventRules", { RuleNames: [step.name] });
            return;
          case "create":
          case "update":
            await call("PutEventRule", {
              RuleName: step.name,
              Description: step.fields.Description,
              EventType: step.fields.EventType,
              EventPattern: [
                {
                  Product: step.fields.Product,
                  NameList: step.fields.NameList.split(","),
                  LevelList: step.fields.LevelList.split(","),
                  EventTypeList: step.fields.EventTypeList.split(","),
                },
              ],
              SilenceTime: step.fields.SilenceTime,
              GroupId: step.fields.GroupId || undefined,
              State: step.isEnabled ? "ENABLED" : "DISABLED",
            });
        }
        return;
      case "target":
        if (step.action === "delete") {
          await gone(() => call("DeleteEventRuleTargets", { RuleName: step.ruleName, Ids: [step.name] }));
          return;
        }
        await putTarget(step);
    }
  }

  /** The answer says yes even where it could not take a target. */
  async function putTarget({ ruleName, target }: TargetStep): Promise<void> {
    const { FailedParameterCount } = await ofChinaSite(
      isContactTarget(target) && target.Level !== "4",
      call("PutEventRuleTargets", { RuleName: ruleName, ...targetParams(target) }),
    );
    if (Number(FailedParameterCount ?? 0) === 0) return;
    throw new CloudError({
      code: "target-refused",
      expected: `the target ${"Url" in target ? "webhook" : target.ContactGroupName} to be taken`,
      got: "it was not: does the contact group exist?",
      where: "cms:PutEventRuleTargets",
    });
  }

  async function putGroup(step: GroupStep): Promise<void> {
    await call("PutContactGroup", {
      ContactGroupName: step.name,
      ContactNames: step.members,
      Describe: step.description || undefined,
      EnableSubscribed: step.isSubscribed,
    });
  }

  async function sendFirstPoints(steps: readonly DataStep[]): Promise<void> {
    const entries = steps.flatMap(({ instanceId, groupId, metricNames }) =>
      firstPoints(instanceId, groupId, nowMs()).filter(({ metricName }) => metricNames.includes(metricName)),
    );
    try {
      await call("PutCustomMetric", {
        MetricList: entries.map(({ metricName, groupId, dimensions, type, period, time, values }) => ({
          MetricName: metricName,
          GroupId: groupId,
          Dimensions: dimensions,
          Type: type,
          Period: period,
          Time: time,
          Values: values,
        })),
      });
    } catch (error) {
      if (!(error instanceof RefusedCall) || error.cloudCode !== "206") throw error;
      throw new CloudError(
        {
          code: "series-quota",
          expected: `room for ${entries.length} series of ${steps.map(({ name }) => name).join(", ")} in the account's quota (softnet alarms status shows it; --fleet-only needs none)`,
          got: error.said,
          where: error.ramAction,
        },
        { cause: error },
      );
    }
  }

  async function sendFirstEvent(groupId: number): Promise<void> {
    await call("PutCustomEvent", {
      EventInfo: [
        {
          EventName: FLEET_EVENT_RULE.eventName,
          GroupId: String(groupId),
          Time: String(nowMs()),
          Content: FIRST_EVENT,
        },
      ],
    });
  }

  /** A list in which one rule is not there is refused as a whole: then each is asked for by itself. */
  async function switchRules(
    action: "delete" | "pause" | "resume",
    ruleIds: readonly string[],
  ): Promise<void> {
    const send = (ids: readonly string[]): Promise<RpcBody> =>
      action === "delete"
        ? call("DeleteMetricRules", { Id: ids })
        : call(action === "pause" ? "DisableMetricRules" : "EnableMetricRules", { RuleId: ids });
    const areThere = await gone(() => send(ruleIds));
    if (areThere || ruleIds.length === 1) return;
    for (const ruleId of ruleIds) await gone(() => send([ruleId]));
  }

  const dimensionsOf = (series: readonly HostSeries[]): { readonly Dimensions: string } => ({
    Dimensions: JSON.stringify(
      series.map(({ instanceId, groupId }) => ({
        groupId: String(groupId),
        dimension: alarmDimension(instanceId),
      })),
    ),
  });

  const readContacts = (): Promise<readonly Contact[]> =>
    list("DescribeContactList", ["Contacts", "Contact"], parseContact);

  const readRules = (scope: "ours" | "everything"): Promise<readonly CloudRule[]> =>
    list(
      "DescribeMetricRuleList",
      ["Alarms", "Alarm"],
      parseRule,
      scope === "ours" ? { Namespace: namespace } : {},
      "Page",
    );

  const readPeople = async (): Promise<Pick<AlarmAccount, "contacts" | "groups">> => {
    const contacts = await readContacts();
    const groups = await list("DescribeContactGroupList", ["ContactGroupList", "ContactGroup"], parseGroup);
    const groupsOf = (contact: Contact): readonly string[] =>
      groups.filter(({ members }) => members.includes(contact.name)).map(({ name }) => name);
    return {
      groups,
      contacts: contacts.map((contact) => ({
        ...contact,
        groups: [...new Set([...contact.groups, ...groupsOf(contact)])],
      })),
    };
  };

  return {
    readContacts,
    readRules: () => readRules("ours"),
    readQuota: async () =>
      parseQuota(await call("DescribeMonitorResourceQuotaAttribute", { ShowUsed: true })),
    readPeople,
    readAccount: async (scope) => ({
      ...(await readPeople()),
      rules: await readRules(scope),
      eventRules: await readEventRules(scope),
    }),
    readLastPoints: async (metricName, series) => {
      const newest = new Map<string, number>();
      const [StartTime, EndTime] = [nowMs() - LOOK_BACK_MS, nowMs()].map(String);
      const params = { Namespace: namespace, MetricName: metricName, Period: "60", StartTime, EndTime };
      const questions =
        series === undefined ? [{}] : [...chunksOf(series, INSTANCES_PER_CALL)].map(dimensionsOf);
      for (const question of questions) {
        for await (const body of pagesOf("DescribeMetricLast", { ...params, ...question })) {
          for (const [instanceId, atMs] of parseLastPoints(body)) {
            newest.set(instanceId, Math.max(atMs, newest.get(instanceId) ?? 0));
          }
        }
      }
      return newest;
    },
    hasFleetEvent: async () => {
      const body = await call("DescribeCustomEventCount", {
        Name: FLEET_EVENT_RULE.eventName,
        StartTime: String(nowMs() - EVENT_LOOK_BACK_MS),
        EndTime: String(nowMs()),
      });
      return hasEventNamed(body, FLEET_EVENT_RULE.eventName);
    },
    carryOut: async (steps, onDone) => {
      let done = 0;
      while (done < steps.length) {
        const step = steps[done]!;
        if (step.kind === "rule" && !("fields" in step)) {
          const like = likeStepsFrom(steps, done, RULES_PER_CALL);
          await switchRules(
            step.action,
            like.map(({ name }) => name),
          );
          done += like.length;
        } else if (step.kind === "data") {
          const like = likeStepsFrom(steps, done, INSTANCES_PER_PUT) as readonly DataStep[];
          await sendFirstPoints(like);
          done += like.length;
        } else {
          await carryOutOne(step);
          done++;
        }
        if (!onDone(done)) return;
      }
    },
  };
}

/** The steps from here on that are of the same kind and action, as many as one call takes. */
function likeStepsFrom(steps: readonly AlarmStep[], first: number, most: number): readonly AlarmStep[] {
  const { kind, action } = steps[first]!;
  const rest = steps.slice(first, first + most);
  const other = rest.findIndex((step) => step.kind !== kind || step.action !== action);
  return other < 0 ? rest : rest.slice(0, other);
}

function ruleParams(
  ruleId: string,
  { Resources, Webhook, ...fields }: Extract<AlarmStep, { kind: "rule"; fields: unknown }>["fields"],
): Readonly<Record<string, RpcParam>> {
  const [, groupId, dimension] = /^groupId=(\d+) (.*)$/.exec(Resources)!;
  return {
    RuleId: ruleId,
    ...fields,
    GroupId: groupId,
    Resources: JSON.stringify([{ groupId: Number(groupId), dimension }]),
    Webhook: Webhook || undefined,
    // No parameter of this call.
    NoEffectiveInterval: undefined,
  };
}

function targetParams(
  target: Extract<AlarmStep, { kind: "target"; target: unknown }>["target"],
): Readonly<Record<string, RpcParam>> {
  return isContactTarget(target)
    ? {
        ContactParameters: [
          { Id: target.id, ContactGroupName: target.ContactGroupName, Level: target.Level },
        ],
      }
    : { WebhookParameters: [{ Id: target.id, Protocol: "http", Method: target.Method, Url: target.Url }] };
}

function isContactTarget(target: object): target is ContactTarget {
  return "ContactGroupName" in target;
}

const FIRST_EVENT =
  "No incident: softnet alarms apply makes the event known before it makes the rule. 并非故障：创建规则前先上报一次该事件。";

/**
 * Zeros of a minute that is past: no agent pushes into it whose first window is still to come, so that no point is ever
 * written with two values.
 */
function firstPoints(instanceId: string, groupId: number, nowMs: number): readonly MetricEntry[] {
  const startMs = Math.floor(nowMs / 60_000) * 60_000 - 120_000;
  const zero = { sum: 0, elapsedSeconds: 60, rates: [0] };
  return hostEntries({ period: "60", startMs }, { dropped: zero, squeezed: zero }, [0], {
    instanceId,
    groupId,
    hostSeries: "all",
  });
}

/** True where it worked, false where what should be worked on is not there (any more). */
async function gone(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    const isMissing =
      error instanceof RefusedCall &&
      (/NotExist|NotFound|^404$/.test(error.cloudCode ?? "") || /not? (found|exist)/i.test(error.said));
    if (!isMissing) throw error;
    return false;
  }
}

/**
 * The international site has no phone, no SMS, and so one level only. How it refuses them is not documented, so whatever it says
 * there is told with what may mend it.
 *
 * @param needsIt whether what is asked for exists on the China site only.
 */
async function ofChinaSite(needsIt: boolean, asked: Promise<RpcBody>): Promise<RpcBody> {
  try {
    return await asked;
  } catch (error) {
    if (!needsIt || !(error instanceof RefusedCall) || error.code !== "cloud-refused") throw error;
    throw new CloudError(
      {
        code: "site-refused",
        expected:
          "success; where the account is of the international site: --site intl (SOFTNET_SITE=intl), without --phone",
        got: error.got,
        where: error.where,
      },
      { cause: error },
    );
  }
}

/** Undefined where the answer is that there is no such thing. */
async function orNotFound(asked: Promise<RpcBody>): Promise<RpcBody | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof RefusedCall && error.cloudCode === "404") return undefined;
    throw error;
  }
}

function endless(action: string, got: string): CloudError {
  return new CloudError({
    code: "incomplete-list",
    expected: "a last page",
    got,
    where: `cms:${action}`,
  });
}

function incomplete(action: string, expected: number, got: number): CloudError {
  return new CloudError({
    code: "incomplete-list",
    expected: `${expected} entries`,
    got: `${got}, and an empty page`,
    where: `cms:${action}`,
  });
}

function unreadable(action: string): CloudError {
  return new CloudError({
    code: "cloud-unreadable",
    expected: "a list",
    got: "an answer without one",
    where: `cms:${action}`,
  });
}

function* chunksOf<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}
