import { type AlarmAccount, isMarked, type OwnRule } from "./alarm-account.ts";
import { contactNameFor, DEFAULT_GROUP, groupOfContact } from "./alarm-contacts.ts";

/**
 * The group that is meant where nobody names one: what the rules at hand name, then what all our rules name. A rule that says
 * something else than its fellows was changed by hand.
 *
 * @param near the rules of one instance; none for the whole account.
 */
export function usualGroup(near: readonly OwnRule[], all: readonly OwnRule[], account: AlarmAccount): string {
  const named = (rules: readonly OwnRule[]): readonly string[] =>
    rules.map(({ found }) => found.fields.ContactGroups);
  return usual(named(near), named(all), groupOfOurContact(account) ?? DEFAULT_GROUP);
}

/** The same for the webhook; empty is none. */
export function usualWebhook(near: readonly OwnRule[], all: readonly OwnRule[]): string {
  const called = (rules: readonly OwnRule[]): readonly string[] =>
    rules.map(({ found }) => found.fields.Webhook);
  return usual(called(near), called(all), "");
}

/** Where we made one contact only, the group that it was made for. */
export function groupOfOurContact({ contacts }: Pick<AlarmAccount, "contacts">): string | undefined {
  const groups = contacts
    .filter(isMarked)
    .map((contact) => ({ group: groupOfContact(contact), name: contact.name }))
    .filter(({ group, name }) => group !== undefined && contactNameFor(group) === name);
  return groups.length === 1 ? groups[0]!.group : undefined;
}

function usual(near: readonly string[], all: readonly string[], fallback: string): string {
  return (
    majority(near) ??
    majority(all) ??
    (all.length === 0 || all.includes(fallback) ? fallback : all.toSorted()[0]!)
  );
}

function majority(values: readonly string[]): string | undefined {
  return values.find((value) => values.filter((each) => each === value).length * 2 > values.length);
}
