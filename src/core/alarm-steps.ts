import type { Contact, ContactTarget, EventRuleFields, RuleFields, WebhookTarget } from "./alarm-account.ts";
import { fingerprint } from "./fnv.ts";
import type { MetricName } from "./metrics.ts";
import type { Text } from "./text.ts";

/** One change of the account, or one thing to send first. */
export type AlarmStep =
  | ContactStep
  | GroupStep
  | DataStep
  | EventStep
  | RuleStep
  | EventRuleStep
  | TargetStep
  | TargetDeletion
  | Deletion
  | Switching;

export interface Difference {
  /** The cloud's name of the parameter. */
  readonly field: string;
  readonly from: string | null;
  readonly to: string | null;
}

interface Step<Kind extends string, Action extends string> {
  readonly kind: Kind;
  readonly action: Action;
  readonly name: string;
  readonly differences: readonly Difference[];
}

export interface ContactStep extends Step<"contact", "create" | "update"> {
  readonly contact: Pick<Contact, "description" | "lang" | "others"> & {
    readonly mail: string | undefined;
    readonly phone: string | undefined;
  };
}

export interface GroupStep extends Step<"group", "create" | "update"> {
  readonly description: string;
  readonly members: readonly string[];
  readonly isSubscribed: boolean | undefined;
}

/** A first point of 0, since a rule needs a series to look at. */
export interface DataStep extends Step<"data", "send"> {
  readonly instanceId: string;
  readonly groupId: number;
  readonly metricNames: readonly MetricName[];
}

/** A first event that is no incident, for the same reason. */
export interface EventStep extends Step<"event", "send"> {
  readonly groupId: number;
}

export interface RuleStep extends Step<"rule", "create" | "update"> {
  readonly fields: RuleFields;
  /** It has something that no write takes away: it is deleted first. */
  readonly isMadeAnew: boolean;
}

export interface EventRuleStep extends Step<"event-rule", "create" | "update"> {
  readonly fields: EventRuleFields;
  readonly isEnabled: boolean;
}

export interface TargetStep extends Step<"target", "create" | "update"> {
  readonly ruleName: string;
  readonly target: ContactTarget | WebhookTarget;
}

/** A target of the event rule that was ours and is wanted no more. */
export interface TargetDeletion extends Step<"target", "delete"> {
  readonly ruleName: string;
}

export type Deletion = Step<"contact" | "group" | "rule" | "event-rule", "delete">;

export type Switching = Step<"rule" | "event-rule", "pause" | "resume">;

/** Why a wish cannot become a plan. */
export interface Obstacle {
  readonly code:
    | "name-taken"
    | "other-region"
    | "contact-group-missing"
    | "contact-group-full"
    | "too-many-groups"
    | "fleet-rule-in-place";
  readonly expected: Text;
  readonly got: Text;
  readonly where: Text;
}

/** What one part of a wish comes to. */
export interface Part {
  readonly steps: readonly AlarmStep[];
  readonly deferred?: readonly RuleStep[];
  readonly obstacles: readonly Obstacle[];
}

export const NOTHING: Part = { steps: [], obstacles: [] };

export function deletion(kind: Deletion["kind"], name: string): Deletion {
  return { kind, action: "delete", name, differences: [] };
}

export function taken(what: Text, name: string): Obstacle {
  return {
    code: "name-taken",
    expected: {
      en: `a ${what.en} that softnet made, or none of that name`,
      zh: `softnet 创建的${what.zh}，或没有同名的${what.zh}`,
    },
    got: { en: "somebody else's", zh: "他人创建的" },
    where: named(what, name),
  };
}

export function named(what: Text, name: string): Text {
  return { en: `${what.en} ${name}`, zh: `${what.zh} ${name}` };
}

/** Field by field; null stands for nothing. What is not there yet differs in every field that will have a value. */
export function differencesBetween(
  from: Readonly<Record<string, string>> | RuleFields | EventRuleFields | undefined,
  to: Readonly<Record<string, string>> | RuleFields | EventRuleFields,
): readonly Difference[] {
  const before = (from ?? {}) as Readonly<Record<string, string | undefined>>;
  return Object.entries(to)
    .map(([field, value]: [string, string]) => ({ field, from: before[field] || null, to: value || null }))
    .filter((difference) => difference.from !== difference.to);
}

/** A webhook's path and query are often all the secret it has. */
export function withoutSecrets({ field, from, to }: Difference): Difference {
  if (field !== "Webhook" && field !== "Url") return { field, from, to };
  return { field, from: maskedUrl(from), to: maskedUrl(to) };
}

export function maskedUrl(url: string | null): string | null {
  if (url === null) return null;
  const [, origin] = /^(https?:\/\/[^/?#]+)/i.exec(url) ?? [];
  return `${origin ?? ""}/… (${fingerprint(url)})`;
}
