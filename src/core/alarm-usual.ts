import { type AlarmAccount, type CloudRule, isMarked, type OwnRule } from "./alarm-account.ts";
import { contactNameFor, DEFAULT_GROUP, groupOfContact } from "./alarm-contacts.ts";

/**
 * The group that is meant where nobody names one: what the rules at hand name, then what all our rules name. A rule that says
 * something else than its fellows was changed by hand.
 *
 * @param near the rules of one instance; none for the whole account.
 */
export function usualGroup(near: readonly OwnRule[], all: readonly OwnRule[], account: AlarmAccount): string {
  const ofContact = groupOfOurContact(account) ?? DEFAULT_GROUP;
  const named = ({ fields }: CloudRule): string => fields.ContactGroups;
  const most = mostOf(near, named) ?? mostOf(all, named);
  if (most !== undefined) return most;
  if (speaking(all).some(({ found }) => named(found) === ofContact)) return ofContact;
  return firstWritten(near, named) ?? firstWritten(all, named) ?? ofContact;
}

/** The same for the webhook; empty is none. */
export function usualWebhook(near: readonly OwnRule[], all: readonly OwnRule[]): string {
  return usual(near, all, ({ fields }) => fields.Webhook) ?? "";
}

/** The same for the application group of the series; 0 is none. */
export function usualSeriesGroup(near: readonly OwnRule[], all: readonly OwnRule[]): number {
  const group = usual(near, all, ({ fields }) => /^groupId=(\d+) /.exec(fields.Resources)?.[1] ?? "");
  return Number(group ?? 0);
}

function usual(
  near: readonly OwnRule[],
  all: readonly OwnRule[],
  say: (rule: CloudRule) => string,
): string | undefined {
  return mostOf(near, say) ?? mostOf(all, say) ?? firstWritten(near, say) ?? firstWritten(all, say);
}

/** Where we made one contact only, the group that it was made for. */
function groupOfOurContact({ contacts }: Pick<AlarmAccount, "contacts">): string | undefined {
  const groups = contacts
    .filter(isMarked)
    .map((contact) => ({ group: groupOfContact(contact), name: contact.name }))
    .filter(({ group, name }) => group !== undefined && contactNameFor(group) === name);
  return groups.length === 1 ? groups[0]!.group : undefined;
}

/** A paused rule is not written, so what it says may be older than what was wished since: it is heard where no other is. */
function speaking(rules: readonly OwnRule[]): readonly OwnRule[] {
  const enabled = rules.filter(({ found }) => found.isEnabled);
  return enabled.length > 0 ? enabled : rules;
}

/** What more than half of the rules say. */
function mostOf(rules: readonly OwnRule[], say: (rule: CloudRule) => string): string | undefined {
  const values = speaking(rules).map(({ found }) => say(found));
  return values.find((value) => values.filter((each) => each === value).length * 2 > values.length);
}

/** Where two say different things, the one that was written last was changed by hand. Where nobody knows when, something goes before nothing. */
function firstWritten(rules: readonly OwnRule[], say: (rule: CloudRule) => string): string | undefined {
  const [first] = speaking(rules)
    .map(({ found }) => ({ value: say(found), writtenAtMs: found.writtenAtMs ?? Number.POSITIVE_INFINITY }))
    .toSorted(
      (a, b) =>
        Math.sign(a.writtenAtMs - b.writtenAtMs) ||
        Number(a.value === "") - Number(b.value === "") ||
        (a.value < b.value ? -1 : 1),
    );
  return first?.value;
}
