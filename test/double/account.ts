import {
  type AccountState,
  activate,
  type ChannelName,
  newAccountState,
  type NewAccount,
  snapshot,
} from "./account-state.ts";
import type { ActionFamily } from "./action.ts";
import { contacts } from "./contacts.ts";
import { type CustomEvents, customEvents } from "./custom-events.ts";
import { type CustomMetrics, customMetrics, type MetricLimits } from "./custom-metrics.ts";
import { ecs } from "./ecs.ts";
import { Evaluation, EventEvaluation } from "./evaluation.ts";
import { eventRules } from "./event-rules.ts";
import { metricRules } from "./metric-rules.ts";
import { Outbox } from "./outbox.ts";
import { readings } from "./readings.ts";
import { securityTokenService } from "./sts.ts";

export interface AccountOptions extends NewAccount {
  readonly limits?: MetricLimits;
  /** Where a rule's public address leads; without it a webhook's call is noted and not made. */
  readonly webhookTarget?: (url: string) => string;
}

/** One account: what it holds, and every product that works on it. */
export interface Account {
  readonly state: AccountState;
  readonly metrics: CustomMetrics;
  readonly events: CustomEvents;
  readonly outbox: Outbox;
  /** For `startCloudDouble`. */
  readonly families: readonly ActionFamily[];
  /** Clicks the link that was sent to a contact. */
  activate(contact: string, channel: ChannelName): void;
  /** What alarms are made of, to be compared before and after. */
  snapshot(): unknown;
  /** Every threshold rule over the periods that are over by then. Rules on events are told of an event as it comes. */
  evaluate(nowMs: number): void;
}

export function openAccount({
  limits = { edition: "free", seriesQuota: 100 },
  webhookTarget,
  ...account
}: AccountOptions = {}): Account {
  const state = newAccountState(account);
  const outbox = new Outbox(state, webhookTarget);
  const metrics = customMetrics(limits);
  const eventEvaluation = new EventEvaluation(state, outbox);
  const events = customEvents((event, nowMs) => eventEvaluation.take(event, nowMs));
  const evaluation = new Evaluation(state, metrics, outbox);
  return {
    state,
    metrics,
    events,
    outbox,
    families: [
      metrics,
      events,
      readings(state, { metrics, events, limits }),
      contacts(state),
      metricRules(state, metrics),
      eventRules(state, events),
      securityTokenService(state),
      ecs(state),
    ],
    activate: (contact, channel) => activate(state, contact, channel),
    snapshot: () => snapshot(state),
    evaluate: (nowMs) => evaluation.evaluate(nowMs),
  };
}
