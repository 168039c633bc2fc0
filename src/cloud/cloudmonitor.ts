import { type CustomEvent, EVENTS_PER_CALL } from "../core/custom-event.ts";
import type { PushOutcome } from "../core/delivery.ts";
import type { MetricEntry } from "../core/metrics.ts";
import { KnownError } from "../errors.ts";
import { clientSettings } from "./client-settings.ts";
import type { CredentialProvider, Credentials } from "./credentials.ts";
import { withinDeadline } from "./deadline.ts";
import { chooseEndpoint } from "./endpoint.ts";
import { type PushAction, pushOutcomeOf, unanswered } from "./push-outcome.ts";
import type * as sdkModule from "./sdk.ts";

export interface CloudMonitorSettings {
  /** Hosts or URLs, in the order to try them. */
  readonly endpoints: readonly string[];
  readonly regionId: string;
  readonly credentials: CredentialProvider;
  /** How long one call may take. */
  readonly timeoutMs: number;
}

/** What the agent says to CloudMonitor. A call never throws for what the cloud or the network does: the outcome says it. */
export interface CloudMonitor {
  /** One PutCustomMetric call; the same entries are the same parameters, byte by byte. */
  putMetrics(entries: readonly MetricEntry[]): Promise<PushOutcome>;
  /** One PutCustomEvent call. Unlike a metric's point, an event that arrives twice is two events. */
  putEvents(events: readonly CustomEvent[]): Promise<PushOutcome>;
}

type Sdk = typeof sdkModule;

/**
 * CloudMonitor through its SDK, which is loaded at the first call.
 *
 * @throws UsageError for an endpoint that is none, or that would get a signature over plain http.
 */
export function connectCloudMonitor(settings: CloudMonitorSettings): CloudMonitor {
  const chosen = chooseEndpoint(settings.endpoints, settings.timeoutMs);
  let refused: Credentials | undefined;

  async function call(
    action: PushAction,
    send: (client: InstanceType<Sdk["Client"]>, sdk: Sdk) => Promise<unknown>,
  ): Promise<PushOutcome> {
    const credentials = await credentialsOrDenial(settings.credentials, refused);
    if ("kind" in credentials) return credentials;
    const sdk = await import("./sdk.ts");
    const reached = await chosen.now();
    if ("code" in reached) return { kind: "unsent", code: reached.code };

    const client = new sdk.Client(
      new sdk.Config({
        ...clientSettings(reached.endpoint, credentials, settings.timeoutMs),
        regionId: settings.regionId,
      }),
    );
    const outcome = await withinDeadline(
      send(client, sdk).then(
        (answer) => pushOutcomeOf(answer, action),
        (error: unknown) => pushOutcomeOf(error, action),
      ),
      settings.timeoutMs,
      unanswered,
    );
    refused = outcome.kind === "denied" ? credentials : undefined;
    chosen.settle(outcome.kind === "unsent" || outcome === unanswered ? undefined : reached.endpoint);
    return outcome;
  }

  return {
    putMetrics: (entries) =>
      call("PutCustomMetric", (client, { PutCustomMetricRequest }) =>
        client.putCustomMetric(new PutCustomMetricRequest({ metricList: entries })),
      ),
    putEvents: (events) => {
      if (events.length > EVENTS_PER_CALL) throw new RangeError(`${events.length} events in one call`);
      return call("PutCustomEvent", (client, { PutCustomEventRequest }) =>
        client.putCustomEvent(
          new PutCustomEventRequest({
            eventInfo: events.map(({ name, groupId, atMs, content }) => ({
              eventName: name,
              groupId,
              time: String(atMs),
              content,
            })),
          }),
        ),
      );
    },
  };
}

async function credentialsOrDenial(
  provider: CredentialProvider,
  refused: Credentials | undefined,
): Promise<Credentials | PushOutcome> {
  try {
    const credentials = await provider(refused);
    return (
      credentials ?? {
        kind: "denied",
        code: "no-credentials",
        reason: "neither the environment nor the instance's RAM role gives credentials: attach a role",
      }
    );
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return { kind: "denied", code: error.code, reason: error.message };
  }
}
