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
  type Part,
  taken,
  type TargetDeletion,
  type TargetStep,
  withoutSecrets,
} from "./alarm-steps.ts";
import type { AlarmWish, Reported, Site } from "./alarm-wish.ts";
import { groupOfOurContact, usualGroup, usualWebhook } from "./alarm-usual.ts";
import { fleetDescription } from "./alarm-wording.ts";

export const FLEET_RULE_NAME = `softnet-${FLEET_EVENT_RULE.code}`;
/** Numbers by documentation's example, and none that a person would begin with. */
const CONTACT_TARGET_ID = "7501";
const WEBHOOK_TARGET_ID = "7502";

export function ownEventRule({ eventRules }: Pick<AlarmAccount, "eventRules">): EventRule | undefined {
  return eventRules.find(
    ({ name, fields }) => name === FLEET_RULE_NAME && isMarked({ description: fields.Description }),
  );
}

/** The group that is meant where nobody names one. */
export function usualFleetGroup(own: readonly OwnRule[], account: AlarmAccount): string {
  const found = ownEventRule(account)?.contactTargets.find(({ id }) => id === CONTACT_TARGET_ID);
  return groupOfOurContact(account) ?? found?.ContactGroupName ?? usualGroup([], own, account);
}

export function fleetPart(
  wish: AlarmWish,
  contactGroup: string,
  account: AlarmAccount,
  own: readonly OwnRule[],
  reported: Reported,
): Part {
  const found = ownEventRule(account);
  if (!found && account.eventRules.some(({ name }) => name === FLEET_RULE_NAME)) {
    return { steps: [], obstacles: [taken("event rule", FLEET_RULE_NAME)] };
  }
  const fields: EventRuleFields = {
    Description: marked(fleetDescription(FLEET_EVENT_RULE)),
    EventType: "CUSTOM",
    Product: "CUSTOM",
    NameList: FLEET_EVENT_RULE.eventName,
    LevelList: "*",
    EventTypeList: "*",
    CustomFilters: "",
    SQLFilter: "",
    KeywordFilter: "",
    SilenceTime: String(FLEET_EVENT_RULE.silenceSeconds),
    GroupId: wish.seriesGroupId === 0 ? "" : String(wish.seriesGroupId),
  };
  const differences = differencesBetween(found?.fields, fields);
  const eventRule: EventRuleStep = {
    kind: "event-rule",
    action: found ? "update" : "create",
    name: FLEET_RULE_NAME,
    differences,
    fields,
    isEnabled: found?.isEnabled ?? true,
  };
  const event: EventStep = {
    kind: "event",
    action: "send",
    name: FLEET_EVENT_RULE.eventName,
    differences: [],
  };
  return {
    steps: [
      ...(found || reported.hasEvent ? [] : [event]),
      ...(differences.length > 0 ? [eventRule] : []),
      ...targetSteps(wish, contactGroup, own, found),
      ...own.map((each) => deletion("rule", each.found.ruleId)),
    ],
    obstacles: [],
  };
}

function targetSteps(
  wish: AlarmWish,
  contactGroup: string,
  own: readonly OwnRule[],
  found: EventRule | undefined,
): readonly (TargetStep | TargetDeletion)[] {
  const foundContact = found?.contactTargets.find(({ id }) => id === CONTACT_TARGET_ID);
  const foundWebhook = found?.webhookTargets.find(({ id }) => id === WEBHOOK_TARGET_ID);
  const contact: ContactTarget = {
    id: CONTACT_TARGET_ID,
    ContactGroupName: contactGroup,
    Level: targetLevel(FLEET_EVENT_RULE.level, wish.site),
  };
  // What is there stays, and what the rules called that it replaces is called by it.
  const url = wish.webhook ?? foundWebhook?.Url ?? usualWebhook([], own);
  return [
    ...targetStep(contact, foundContact),
    ...(url === "" || url === "off"
      ? []
      : targetStep({ id: WEBHOOK_TARGET_ID, Url: url, Method: "POST" }, foundWebhook)),
    ...(url === "off" && foundWebhook
      ? [
          {
            kind: "target",
            action: "delete",
            name: WEBHOOK_TARGET_ID,
            differences: [],
            ruleName: FLEET_RULE_NAME,
          } as const,
        ]
      : []),
  ];
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

/** By documentation 2 is phone, SMS, mail and chat, 3 is without the phone, 4 is mail and chat, which is all the international site has. */
function targetLevel(level: AlarmLevel, site: Site): string {
  return site === "intl" ? "4" : { CRITICAL: "2", WARN: "3", INFO: "4" }[level];
}
