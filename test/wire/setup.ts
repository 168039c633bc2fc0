import { connectCloudMonitor } from "../../src/cloud/cloudmonitor.ts";
import type { Credentials } from "../../src/cloud/credentials.ts";
import { hostEntries, type MetricEntry } from "../../src/core/metrics.ts";
import { type CloudUser, startCloudDouble } from "../double/cloud.ts";
import { customEvents } from "../double/custom-events.ts";
import { customMetrics, type MetricLimits } from "../double/custom-metrics.ts";

export const NOON = Date.UTC(2026, 10, 22, 12);
export const USER = {
  accessKeyId: "LTAI5tDoubleDoubleDouble",
  accessKeySecret: "double-secret",
} satisfies CloudUser;

export interface WireOptions {
  readonly limits?: MetricLimits;
  readonly users?: CloudUser[];
  readonly nowMs?: () => number;
  readonly timeoutMs?: number;
  readonly endpoints?: (url: string) => readonly string[];
  /** What the client signs with; the double's first user unless said otherwise. */
  readonly credentials?: () => Promise<Credentials | undefined>;
}

/** CloudMonitor's double, and our adapter with the real SDK talking to it over HTTP. */
export async function wire(options: WireOptions = {}) {
  const metrics = customMetrics(options.limits ?? { edition: "free", seriesQuota: 100 });
  const events = customEvents();
  const users = options.users ?? [USER];
  const cloud = await startCloudDouble({
    users,
    families: [metrics, events],
    ...(options.nowMs ? { nowMs: options.nowMs } : {}),
  });
  const cloudMonitor = connectCloudMonitor({
    endpoints: options.endpoints?.(cloud.url) ?? [cloud.url],
    regionId: "cn-hangzhou",
    credentials: options.credentials ?? (() => Promise.resolve(credentialsOf(users[0]!))),
    timeoutMs: options.timeoutMs ?? 5000,
  });
  return {
    cloud,
    metrics,
    events,
    users,
    cloudMonitor,
    [Symbol.asyncDispose]: () => cloud[Symbol.asyncDispose](),
  };
}

export function credentialsOf({ accessKeyId, accessKeySecret, securityToken }: CloudUser): Credentials {
  return { accessKeyId, accessKeySecret, securityToken };
}

/** The three host series of one minute; the numbers differ from minute to minute. */
export function minuteEntries(startMs: number, instanceId = "i-bp1double"): readonly MetricEntry[] {
  const rates = [0, (startMs / 60_000) % 97, 1.5];
  const tally = { sum: rates.reduce((a, b) => a + b, 0), elapsedSeconds: 3, rates };
  return hostEntries({ period: "60", startMs }, { dropped: tally, squeezed: tally }, [0, 1, 0], {
    instanceId,
    groupId: 0,
    hostSeries: "all",
  });
}
