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
import { metricRules } from "./metric-rules.ts";
import { securityTokenService } from "./sts.ts";

export interface AccountOptions extends NewAccount {
  readonly limits?: MetricLimits;
}

/** One account: what it holds, and every product that works on it. */
export interface Account {
  readonly state: AccountState;
  readonly metrics: CustomMetrics;
  readonly events: CustomEvents;
  /** For `startCloudDouble`. */
  readonly families: readonly ActionFamily[];
  /** Clicks the link that was sent to a contact. */
  activate(contact: string, channel: ChannelName): void;
  /** What alarms are made of, to be compared before and after. */
  snapshot(): unknown;
}

export function openAccount({
  limits = { edition: "free", seriesQuota: 100 },
  ...account
}: AccountOptions = {}): Account {
  const state = newAccountState(account);
  const metrics = customMetrics(limits);
  const events = customEvents();
  return {
    state,
    metrics,
    events,
    families: [
      metrics,
      events,
      contacts(state),
      metricRules(state, metrics),
      securityTokenService(state),
      ecs(state),
    ],
    activate: (contact, channel) => activate(state, contact, channel),
    snapshot: () => snapshot(state),
  };
}
