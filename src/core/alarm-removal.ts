import {
  type AlarmAccount,
  type Contact,
  type ContactGroup,
  isMarked,
  type OwnRule,
  ownRules,
  ownRulesOf,
} from "./alarm-account.ts";
import { contactNameFor, groupOfContact } from "./alarm-contacts.ts";
import { ownEventRule } from "./alarm-event-rule.ts";
import { type AlarmStep, type Deletion, deletion, type GroupStep } from "./alarm-steps.ts";
import type { Text } from "./text.ts";

/** Something of ours that stays, because somebody else uses it. */
export interface Kept {
  readonly kind: "contact" | "group";
  readonly name: string;
  readonly why: Text;
}

export interface RemovalPlan {
  readonly steps: readonly AlarmStep[];
  readonly kept: readonly Kept[];
  /** Where there are rules of ours too; theirs stay. */
  readonly otherRegions: readonly string[];
}

/**
 * Takes away what we made and nothing else.
 *
 * @param account with the rules of every namespace and the targets of every event rule: they say who else uses a group.
 * @param instanceIds undefined is everything; else only the rules of these instances go.
 */
export function planRemoval(
  account: AlarmAccount,
  regionId: string,
  instanceIds: readonly string[] | undefined,
): RemovalPlan {
  const isMeant = ({ instanceId }: OwnRule): boolean =>
    instanceIds === undefined || instanceIds.includes(instanceId);
  const rules = ownRulesOf(account, regionId)
    .filter(isMeant)
    .map(({ found }) => deletion("rule", found.ruleId));
  const regions = ownRules(account)
    .filter(isMeant)
    .flatMap((own) => (own.regionId === undefined || own.regionId === regionId ? [] : [own.regionId]));
  const otherRegions = [...new Set(regions)].toSorted();
  if (instanceIds !== undefined) return { steps: rules, kept: [], otherRegions };
  const eventRule = ownEventRule(account);
  const eventRules = eventRule ? [deletion("event-rule", eventRule.name)] : [];
  const users = usersOfGroups(account, new Set([...rules, ...eventRules].map(({ name }) => name)));
  const contacts = account.contacts.filter(isOurs);
  const fates = account.groups.map((group) => fateOfGroup(group, contacts, users.get(group.name) ?? []));
  const contactFates = contacts.map((contact) => fateOfContact(contact, fates));
  return {
    steps: [
      ...rules,
      ...eventRules,
      ...fates.flatMap(({ step }) => (step ? [step] : [])),
      ...contactFates.flatMap(({ step }) => (step ? [step] : [])),
    ],
    kept: [...fates, ...contactFates].flatMap(({ kept }) => (kept ? [kept] : [])),
    otherRegions,
  };
}

/** By its description, and by the name that we would give it. */
function isOurs(contact: Contact): boolean {
  const group = groupOfContact(contact);
  return group !== undefined && contact.name === contactNameFor(group);
}

/** Which rules will still name a group when ours are gone. */
function usersOfGroups(
  { rules, eventRules }: AlarmAccount,
  leaving: ReadonlySet<string>,
): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>();
  const add = (group: string, user: string): void => {
    users.set(group, [...(users.get(group) ?? []), user]);
  };
  for (const { ruleId, fields } of rules) {
    if (leaving.has(ruleId)) continue;
    for (const group of fields.ContactGroups.split(",")) add(group, fields.RuleName || ruleId);
  }
  for (const { name, contactTargets } of eventRules) {
    if (leaving.has(name)) continue;
    for (const { ContactGroupName } of contactTargets) add(ContactGroupName, name);
  }
  return users;
}

interface GroupFate {
  readonly group: string;
  readonly step: GroupStep | Deletion | undefined;
  readonly kept: Kept | undefined;
  /** Whether our contact in it stays, since nobody else would be told. */
  readonly needsContact: boolean;
}

function fateOfGroup(group: ContactGroup, contacts: readonly Contact[], users: readonly string[]): GroupFate {
  const { name } = group;
  const ours = new Set(
    contacts.filter((contact) => groupOfContact(contact) === name).map((contact) => contact.name),
  );
  const others = group.members.filter((member) => !ours.has(member));
  const isMade = isMarked(group);
  const stays = { group: name, step: undefined, kept: undefined, needsContact: false };
  const hasOurs = group.members.some((member) => ours.has(member));
  if (!isMade && !hasOurs) return stays;
  if (others.length === 0) {
    if (users.length > 0) {
      return { ...stays, needsContact: true, kept: { kind: "group", name, why: usedBy(users) } };
    }
    // The last member leaves with the contact itself: a group without any cannot be written.
    return isMade
      ? { ...stays, step: deletion("group", name) }
      : { ...stays, kept: { kind: "group", name, why: DESCRIBED_ANEW } };
  }
  return {
    ...stays,
    step: hasOurs ? withMembers(group, others) : undefined,
    kept: isMade
      ? { kind: "group", name, why: users.length > 0 ? usedBy(users) : hasMembers(others) }
      : undefined,
  };
}

function withMembers(
  { name, description, members, isSubscribed }: ContactGroup,
  left: readonly string[],
): GroupStep {
  return {
    kind: "group",
    action: "update",
    name,
    differences: [{ field: "ContactNames", from: members.join(","), to: left.join(",") }],
    description,
    members: left,
    isSubscribed,
  };
}

function fateOfContact(
  { name, groups }: Contact,
  fates: readonly GroupFate[],
): { readonly step: Deletion | undefined; readonly kept: Kept | undefined } {
  const needing = fates.filter((fate) => fate.needsContact && groups.includes(fate.group));
  const foreign = groups.filter((group) => contactNameFor(group) !== name);
  const keeping = [...new Set([...needing.map(({ group }) => group), ...foreign])];
  if (keeping.length === 0) return { step: deletion("contact", name), kept: undefined };
  const list = keeping.join(", ");
  return {
    step: undefined,
    kept: { kind: "contact", name, why: { en: `it is in the group ${list}`, zh: `属于联系人组 ${list}` } },
  };
}

const DESCRIBED_ANEW: Text = {
  en: "its description is not softnet's; nobody else is in it, and no rule uses it",
  zh: "其描述不是 softnet 所写；组内没有其他联系人，也没有规则使用",
};

const MOST_NAMED = 3;

function usedBy(users: readonly string[]): Text {
  const names = users.slice(0, MOST_NAMED).join(", ") + (users.length > MOST_NAMED ? ", …" : "");
  return { en: `other rules use it: ${names}`, zh: `其他规则正在使用：${names}` };
}

function hasMembers(others: readonly string[]): Text {
  const names = others.slice(0, MOST_NAMED).join(", ") + (others.length > MOST_NAMED ? ", …" : "");
  return { en: `others are in it: ${names}`, zh: `其中还有其他联系人：${names}` };
}
