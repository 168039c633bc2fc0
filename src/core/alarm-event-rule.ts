import {
  type AlarmAccount,
  type ContactTarget,
  type EventRule,
  type EventRuleFields,
  isMarked,
  marked,
  type OwnRule,
  type WebhookTarget,
} from "./alarm-account.ts";
import { type AlarmLevel, FLEET_EVENT_RULE } from "./alarm-rules.ts";
import {
  deletion,
  differencesBetween,
  type EventRuleStep,
  type EventStep,
  named,
  type Obstacle,
  type Part,
  taken,
  type TargetDeletion,
  type TargetStep,
  withoutSecrets,
} from "./alarm-steps.ts";
import type { AlarmWish, Reported, Site } from "./alarm-wish.ts";
import { usualGroup, usualSeriesGroup, usualWebhook } from "./alarm-usual.ts";
import { fleetDescription } from "./alarm-wording.ts";
import type { Text } from "./text.ts";

export const FLEET_RULE_NAME = `softnet-${FLEET_EVENT_RULE.code}`;
/** Numbers by documentation's example, and none that a person would begin with; a rule has five targets of a kind at the most. */
const CONTACT_TARGET_IDS: readonly string[] = ["7501", "7503", "7504", "7505", "7506"];
const WEBHOOK_TARGET_ID = "7502";

export const EVENT_RULE: Text = { en: "event rule", zh: "事件规则" };

export function ownEventRule({ eventRules }: Pick<AlarmAccount, "eventRules">): EventRule | undefined {
  return eventRules.find(
    ({ name, fields }) => name === FLEET_RULE_NAME && isMarked({ description: fields.Description }),
  );
}

/**
 * What was asked for last stands in the description, which nobody changes by hand who wants something else: of what there is but
 * once, no fellow says how it was.
 */
function describe(contactGroups: readonly string[], seriesGroupId: number): string {
  const ofSeries = seriesGroupId === 0 ? "" : `application group ${seriesGroupId}; `;
  return marked(`tells ${contactGroups.join(",")}; ${ofSeries}${fleetDescription(FLEET_EVENT_RULE)}`);
}

function described(
  found: EventRule | undefined,
): { readonly contactGroups: string; readonly seriesGroupId: number } | undefined {
  const words = /: tells ([^;]+); (?:application group (\d+); )?/.exec(found?.fields.Description ?? "");
  return words ? { contactGroups: words[1]!, seriesGroupId: Number(words[2] ?? 0) } : undefined;
}

/** The groups that are meant where nobody names one, joined by a comma. */
export function usualFleetGroups(own: readonly OwnRule[], account: AlarmAccount): string {
  const found = ownEventRule(account);
  const told = contactTargetsOf(found).map(({ ContactGroupName }) => ContactGroupName);
  return (
    described(found)?.contactGroups ??
    (own.length === 0 && told.length > 0 ? told.join(",") : usualGroup([], own, account))
  );
}

/** The application group of the events that is meant where nobody names one. */
export function fleetSeriesGroup(own: readonly OwnRule[], account: AlarmAccount): number {
  const found = ownEventRule(account);
  return found
    ? (described(found)?.seriesGroupId ?? Number(found.fields.GroupId))
    : usualSeriesGroup([], own);
}

function contactTargetsOf(found: EventRule | undefined): readonly ContactTarget[] {
  return (found?.contactTargets ?? []).filter(({ id }) => CONTACT_TARGET_IDS.includes(id));
}

export function fleetPart(
  wish: AlarmWish,
  contactGroups: readonly string[],
  account: AlarmAccount,
  own: readonly OwnRule[],
  reported: Reported,
): Part {
  const found = ownEventRule(account);
  if (!found && account.eventRules.some(({ name }) => name === FLEET_RULE_NAME)) {
    return { steps: [], obstacles: [taken(EVENT_RULE, FLEET_RULE_NAME)] };
  }
  if (contactGroups.length > CONTACT_TARGET_IDS.length) {
    return { steps: [], obstacles: [tooManyGroups(contactGroups)] };
  }
  const groupId = wish.seriesGroupId ?? fleetSeriesGroup(own, account);
  const fields: EventRuleFields = {
    Description: describe(contactGroups, groupId),
    EventType: "CUSTOM",
    Product: "CUSTOM",
    NameList: FLEET_EVENT_RULE.eventName,
    LevelList: "*",
    EventTypeList: "*",
    CustomFilters: "",
    SQLFilter: "",
    KeywordFilter: "",
    SilenceTime: String(FLEET_EVENT_RULE.silenceSeconds),
    GroupId: groupId === 0 ? "" : String(groupId),
  };
  const differences = differencesBetween(found?.fields, fields);
  const eventRule: EventRuleStep = {
    kind: "event-rule",
    action: found ? "update" : "create",
    name: FLEET_RULE_NAME,
    differences,
    fields,
    // Where all that it replaces was paused, nobody is to be called yet.
    isEnabled: found?.isEnabled ?? (own.length === 0 || own.some((each) => each.found.isEnabled)),
  };
  const event: EventStep = {
    kind: "event",
    action: "send",
    name: FLEET_EVENT_RULE.eventName,
    differences: [],
    groupId,
  };
  return {
    steps: [
      ...(found || reported.hasEvent ? [] : [event]),
      ...(differences.length > 0 ? [eventRule] : []),
      ...targetSteps(wish, contactGroups, own, found),
      ...own.map((each) => deletion("rule", each.found.ruleId)),
    ],
    obstacles: [],
  };
}

function targetSteps(
  wish: AlarmWish,
  contactGroups: readonly string[],
  own: readonly OwnRule[],
  found: EventRule | undefined,
): readonly (TargetStep | TargetDeletion)[] {
  const foundContacts = contactTargetsOf(found);
  const foundWebhook = found?.webhookTargets.find(({ id }) => id === WEBHOOK_TARGET_ID);
  const contacts = contactGroups.map((ContactGroupName, i): ContactTarget => ({
    id: CONTACT_TARGET_IDS[i]!,
    ContactGroupName,
    Level: targetLevel(FLEET_EVENT_RULE.level, wish.site),
  }));
  const surplus = foundContacts.filter(({ id }) => !contacts.some((each) => each.id === id));
  // What is there stays, and what the rules called that it replaces is called by it.
  const url = wish.webhook ?? foundWebhook?.Url ?? usualWebhook([], own);
  return [
    ...contacts.flatMap((contact) =>
      targetStep(
        contact,
        foundContacts.find(({ id }) => id === contact.id),
      ),
    ),
    ...(url === "" || url === "off"
      ? []
      : targetStep({ id: WEBHOOK_TARGET_ID, Url: url, Method: "POST" }, foundWebhook)),
    ...[...surplus, ...(url === "off" && foundWebhook ? [foundWebhook] : [])].map(targetDeletion),
  ];
}

function targetDeletion({ id }: { readonly id: string }): TargetDeletion {
  return { kind: "target", action: "delete", name: id, differences: [], ruleName: FLEET_RULE_NAME };
}

function targetStep<Target extends ContactTarget | WebhookTarget>(
  target: Target,
  found: Target | undefined,
): readonly TargetStep[] {
  const differences = differencesBetween(found && withoutId({ ...found }), withoutId({ ...target }));
  if (differences.length === 0) return [];
  return [
    {
      kind: "target",
      action: found ? "update" : "create",
      name: target.id,
      differences: differences.map(withoutSecrets),
      ruleName: FLEET_RULE_NAME,
      target,
    },
  ];
}

function withoutId(target: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(target).filter(([field]) => field !== "id"));
}

function tooManyGroups(contactGroups: readonly string[]): Obstacle {
  const most = CONTACT_TARGET_IDS.length;
  return {
    code: "too-many-groups",
    expected: {
      en: `at most ${most} contact groups, or one by --contact-group: a rule on an event tells no more`,
      zh: `最多 ${most} 个联系人组，或用 --contact-group 指定一个：事件规则不能通知更多`,
    },
    got: { en: contactGroups.join(", "), zh: contactGroups.join("、") },
    where: named(EVENT_RULE, FLEET_RULE_NAME),
  };
}

/** By documentation 2 is phone, SMS, mail and chat, 3 is without the phone, 4 is mail and chat, which is all the international site has. */
function targetLevel(level: AlarmLevel, site: Site): string {
  return site === "intl" ? "4" : { CRITICAL: "2", WARN: "3", INFO: "4" }[level];
}
