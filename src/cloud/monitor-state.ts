import * as v from "valibot";

import type { PendingContact, SeriesQuota } from "../core/checkup.ts";
import { alarmDimension } from "../core/alarm-rules.ts";
import type { MetricName } from "../core/metrics.ts";
import { CloudError } from "../errors.ts";
import { RefusedCall } from "./refusal.ts";
import { callRpc, type CloudAccess, type RpcBody, type RpcParam } from "./rpc-call.ts";

const amount = v.pipe(v.union([v.number(), v.string()]), v.transform(Number), v.number());

const quotaAnswer = v.object({
  ResourceQuota: v.object({
    SuitInfo: v.optional(v.string()),
    CustomMonitor: v.object({
      QuotaLimit: amount,
      QuotaPackage: v.optional(amount, 0),
      QuotaUsed: v.optional(amount),
    }),
  }),
});

/** How many series the account may have: nothing else in the cloud says so. @throws as {@link callRpc} does. */
export async function readSeriesQuota(access: CloudAccess): Promise<SeriesQuota> {
  const action = "DescribeMonitorResourceQuotaAttribute";
  const { ResourceQuota } = parsed(quotaAnswer, await call(access, action, { ShowUsed: true }), action);
  const { QuotaLimit, QuotaPackage, QuotaUsed } = ResourceQuota.CustomMonitor;
  return { edition: ResourceQuota.SuitInfo, limit: QuotaLimit + QuotaPackage, used: QuotaUsed };
}

const contactsAnswer = v.object({
  Contacts: v.object({
    Contact: v.optional(
      v.array(
        v.object({
          Name: v.string(),
          ChannelsState: v.optional(v.record(v.string(), v.string()), {}),
        }),
      ),
      [],
    ),
  }),
});

const PAGE_SIZE = 100;
/** More pages than any account has: an answer that never ends is none. */
const MOST_PAGES = 100;

/** The contacts whose owner has not clicked the link yet, and how many contacts there are. @throws as {@link callRpc} does. */
export async function readPendingContacts(
  access: CloudAccess,
): Promise<{ readonly pending: readonly PendingContact[]; readonly contacts: number }> {
  const action = "DescribeContactList";
  const pending: PendingContact[] = [];
  let contacts = 0;
  for (let page = 1; page <= MOST_PAGES; page++) {
    const body = await call(access, action, { PageNumber: page, PageSize: PAGE_SIZE });
    const list = parsed(contactsAnswer, body, action).Contacts.Contact;
    contacts += list.length;
    for (const { Name, ChannelsState } of list) {
      const channels = Object.keys(ChannelsState).filter((channel) => ChannelsState[channel] === "PENDING");
      if (channels.length > 0) pending.push({ name: Name, channels });
    }
    if (list.length < PAGE_SIZE) break;
  }
  return { pending, contacts };
}

const pointsAnswer = v.object({
  Datapoints: v.pipe(v.optional(v.string(), "[]"), v.parseJson(), v.array(v.object({ timestamp: amount }))),
});

/** Points older than this are of no interest: whoever sent them is gone. */
const LOOK_BACK_MS = 3_600_000;

/**
 * When the newest point of an instance's host series begins, epoch milliseconds; undefined where there is none in the last hour.
 *
 * @throws as {@link callRpc} does.
 */
export async function readLastPointMs(
  access: CloudAccess,
  series: {
    readonly accountId: string;
    readonly groupId: number;
    readonly metricName: MetricName;
    readonly instanceId: string;
  },
  nowMs: number,
): Promise<number | undefined> {
  const action = "DescribeMetricLast";
  const body = await orNone(
    call(access, action, {
      Namespace: `acs_customMetric_${series.accountId}`,
      MetricName: series.metricName,
      Dimensions: JSON.stringify([
        { groupId: String(series.groupId), dimension: alarmDimension(series.instanceId) },
      ]),
      Period: "60",
      StartTime: String(nowMs - LOOK_BACK_MS),
    }),
  );
  if (body === undefined) return undefined;
  const points = parsed(pointsAnswer, body, action).Datapoints;
  return points.length === 0 ? undefined : Math.max(...points.map(({ timestamp }) => timestamp));
}

/** A namespace begins with its first point; until then it is not found. */
async function orNone(called: Promise<RpcBody>): Promise<RpcBody | undefined> {
  try {
    return await called;
  } catch (error) {
    if (error instanceof RefusedCall && error.cloudCode === "404") return undefined;
    throw error;
  }
}

function call(
  access: CloudAccess,
  action: string,
  params: Readonly<Record<string, RpcParam>>,
): Promise<RpcBody> {
  return callRpc({ ...access, product: "cms", version: "2019-01-01", action, params });
}

function parsed<Schema extends v.GenericSchema>(
  schema: Schema,
  body: RpcBody,
  action: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, body);
  if (result.success) return result.output;
  throw new CloudError({
    code: "cloud-unreadable",
    expected: "what the documentation says it answers",
    got: "something else",
    where: `cms:${action}`,
  });
}
