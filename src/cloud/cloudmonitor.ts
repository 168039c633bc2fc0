import { setTimeout as wait } from "node:timers/promises";

import { type CustomEvent, EVENTS_PER_CALL } from "../core/custom-event.ts";
import type { PushOutcome } from "../core/delivery.ts";
import type { MetricEntry } from "../core/metrics.ts";
import { KnownError } from "../errors.ts";
import { version } from "../version.ts";
import type { CredentialProvider, Credentials } from "./credentials.ts";
import { type Endpoint, firstReachable, parseEndpoint } from "./endpoint.ts";
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

/** An unreachable endpoint is given up sooner than a slow answer: there may be another one. */
const LONGEST_CONNECT_MS = 2000;

/** The SDK's own timers get this much to fire first, because only they close the connection. */
const DEADLINE_MARGIN_MS = 250;

/**
 * CloudMonitor through its SDK, which is loaded at the first call.
 *
 * @throws UsageError for an endpoint that is none, or that would get a signature over plain http.
 */
export function connectCloudMonitor(settings: CloudMonitorSettings): CloudMonitor {
  const endpoints = settings.endpoints.map(parseEndpoint);
  const connectMs = Math.min(settings.timeoutMs, LONGEST_CONNECT_MS);
  let settled: Endpoint | undefined;
  let refused: Credentials | undefined;

  /** The endpoint that answered last, else the first that can be reached. */
  async function endpointNow(): Promise<{ endpoint: Endpoint } | { code: string }> {
    if (settled) return { endpoint: settled };
    if (endpoints.length === 1) return { endpoint: endpoints[0]! };
    return firstReachable(endpoints, connectMs);
  }

  async function call(
    action: PushAction,
    send: (client: InstanceType<Sdk["Client"]>, sdk: Sdk) => Promise<unknown>,
  ): Promise<PushOutcome> {
    const credentials = await credentialsOrDenial(settings.credentials, refused);
    if ("kind" in credentials) return credentials;
    const sdk = await import("./sdk.ts");
    const reached = await endpointNow();
    if ("code" in reached) return { kind: "unsent", code: reached.code };

    const client = new sdk.Client(clientConfig(sdk, reached.endpoint, credentials, settings));
    const outcome = await withinDeadline(send(client, sdk), settings.timeoutMs + DEADLINE_MARGIN_MS, action);
    refused = outcome.kind === "denied" ? credentials : undefined;
    // Whoever gave no answer is not held on to: the next call looks again for one that can be reached.
    settled = outcome.kind === "unsent" || outcome === unanswered ? undefined : reached.endpoint;
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

function clientConfig(
  { Config }: Sdk,
  { protocol, host }: Endpoint,
  credentials: Credentials,
  { regionId, timeoutMs }: CloudMonitorSettings,
): InstanceType<Sdk["Config"]> {
  return new Config({
    protocol,
    endpoint: host,
    regionId,
    userAgent: `softnet-agent/${version}`,
    // The connect timeout is really one of inactivity, which would cut a longer read timeout short.
    connectTimeout: timeoutMs,
    readTimeout: timeoutMs,
    // The SDK asks nothing else of a credential; its own package for them would be loaded for nothing.
    credential: {
      getCredential: () =>
        Promise.resolve({ type: credentials.securityToken ? "sts" : "access_key", ...credentials }),
    },
  });
}

/** The SDK's timeout does not always fire: a timer left behind on a kept connection cancels it. */
async function withinDeadline(
  sent: Promise<unknown>,
  deadlineMs: number,
  action: PushAction,
): Promise<PushOutcome> {
  const done = new AbortController();
  try {
    return await Promise.race([
      sent.then(
        (answer) => pushOutcomeOf(answer, action),
        (error: unknown) => pushOutcomeOf(error, action),
      ),
      wait(deadlineMs, unanswered, { signal: done.signal }),
    ]);
  } finally {
    done.abort();
  }
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
