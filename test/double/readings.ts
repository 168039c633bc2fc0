import { createHash } from "node:crypto";

import type { AccountState } from "./account-state.ts";
import {
  type ActionAnswer,
  type ActionFamily,
  ApiError,
  type Call,
  complaint,
  DONE,
  pageOf,
  Parameters,
} from "./action.ts";
import type { CustomEvents, StoredEvent } from "./custom-events.ts";
import { type CustomMetrics, dimensionText, type MetricLimits, type StoredPoint } from "./custom-metrics.ts";

export interface Stored {
  readonly metrics: Pick<CustomMetrics, "points" | "seriesCount">;
  readonly events: Pick<CustomEvents, "events">;
  readonly limits: MetricLimits;
}

const HOUR_MS = 3_600_000;
/** What a query of points by the minute looks back over unless told otherwise. */
const DEFAULT_SPAN_MS = 2 * HOUR_MS;
const LONGEST_SPAN_MS = 31 * 24 * HOUR_MS;
/** The documentation names no default: whoever leaves the range out sees little. */
const DEFAULT_EVENT_SPAN_MS = 5 * 60_000;

/** What can be read back of points, events and quotas. */
export function readings(account: AccountState, { metrics, events, limits }: Stored): ActionFamily {
  /** The points that a query of either kind is about, by series and time. */
  function queried(p: Parameters, nowMs: number): readonly StoredPoint[] | undefined {
    const namespace = p.required("Namespace");
    const metricName = p.required("MetricName");
    const series = parseSeries(p.optional("Dimensions"));
    const period = p.oneOf("Period", ["60", "300"]) ?? "60";
    const endMs = timeOf(p, "EndTime") ?? nowMs;
    const startMs = timeOf(p, "StartTime") ?? endMs - DEFAULT_SPAN_MS;
    if (endMs <= startMs || endMs - startMs > LONGEST_SPAN_MS) {
      throw new ApiError(400, "InvalidParameter", "StartTime and EndTime are not valid.");
    }
    // Whether it is there before its first point is not documented. Here it is not, so that nobody relies on it.
    if (namespace !== `acs_customMetric_${account.uid}` || metrics.points.size === 0) return undefined;
    return [...metrics.points.values()]
      .filter(
        (point) =>
          point.metricName === metricName &&
          point.period === period &&
          (!series || series.includes(seriesOf(point))) &&
          point.timeMs > startMs &&
          point.timeMs <= endMs,
      )
      .sort((a, b) => a.timeMs - b.timeMs);
  }

  function answered(p: Parameters, found: readonly StoredPoint[] | undefined): ActionAnswer {
    const length = p.whole("Length", 1, 1440) ?? 1000;
    const token = p.optional("NextToken") ?? "from-0";
    p.optional("RegionId");
    p.end();
    if (!found) return complaint("404", "The specified resource is not found.");
    const start = Number(/^from-(\d+)$/.exec(token)?.[1]);
    if (Number.isNaN(start)) throw new ApiError(400, "InvalidParameter", "NextToken is not valid.");
    const end = start + length;
    return {
      ...DONE,
      Period: "60",
      Datapoints: JSON.stringify(found.slice(start, end).map((point) => datapoint(point, account.uid))),
      ...(end < found.length ? { NextToken: `from-${end}` } : {}),
    };
  }

  function describeMetricList(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    return answered(p, queried(p, call.receivedAtMs));
  }

  function describeMetricLast(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    const found = queried(p, call.receivedAtMs);
    return answered(p, found && [...new Map(found.map((point) => [seriesOf(point), point])).values()]);
  }

  function describeCustomMetricList(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    p.optional("RegionId");
    const wanted = {
      metricName: p.optional("MetricName"),
      groupId: p.optional("GroupId"),
      dimension: p.optional("Dimension")?.replaceAll(/^\{|\}$/g, ""),
      md5: p.optional("Md5"),
    };
    const all = new Map<string, Series>();
    for (const point of metrics.points.values()) {
      all.set(`${point.metricName} ${seriesOf(point)}`, seriesEntry(point, account.uid));
    }
    const found = [...all.values()].filter((series) =>
      (Object.keys(wanted) as (keyof typeof wanted)[]).every(
        (key) => wanted[key] === undefined || wanted[key] === series[key],
      ),
    );
    const page = pageOf(found, p, { number: "PageNumber", size: "PageSize", defaultSize: 10 });
    p.end();
    return {
      Code: "200",
      Message: "success",
      Result: JSON.stringify({
        all: found.length,
        size: page.size,
        page: page.number,
        param: { service: "metric-center.aliyun-inc.com" },
        list: page.items,
      }),
    };
  }

  function describeMonitorResourceQuotaAttribute(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    p.optional("RegionId");
    const showsUsed = p.flag("ShowUsed") ?? true;
    p.end();
    const quota = (limit: number, used: number): object => ({
      QuotaLimit: limit,
      QuotaPackage: 0,
      ...(showsUsed ? { QuotaUsed: used } : {}),
    });
    return {
      Code: "200",
      Message: "success",
      ResourceQuota: {
        SuitInfo: limits.edition,
        CustomMonitor: quota(limits.seriesQuota, metrics.seriesCount()),
        SMS: quota(account.quota.sms, account.quota.sms - account.smsLeft),
        Phone: quota(account.quota.phoneCalls, account.quota.phoneCalls - account.phoneCallsLeft),
        EventMonitor: quota(5, 0),
        Api: quota(100, 0),
      },
    };
  }

  function queriedEvents(
    p: Parameters,
    nowMs: number,
  ): readonly { readonly id: string; readonly event: StoredEvent }[] {
    p.optional("RegionId");
    const endMs = timeOf(p, "EndTime") ?? nowMs;
    const startMs = timeOf(p, "StartTime") ?? endMs - DEFAULT_EVENT_SPAN_MS;
    const name = p.optional("Name");
    const groupId = p.optional("GroupId");
    const keyword = p.optional("SearchKeywords") ?? "";
    const eventId = p.optional("EventId");
    return events.events
      .map((event, i) => ({ id: String(i + 1), event }))
      .filter(
        ({ id, event }) =>
          (name === undefined || event.name === name) &&
          (groupId === undefined || event.groupId === groupId) &&
          (eventId === undefined || id === eventId) &&
          event.content.includes(keyword) &&
          event.timeMs > startMs &&
          event.timeMs <= endMs,
      );
  }

  function describeCustomEventCount(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    const found = queriedEvents(p, call.receivedAtMs);
    p.end();
    const names = [...new Set(found.map(({ event }) => event.name))];
    return {
      ...DONE,
      CustomEventCounts: {
        CustomEventCount: names.map((name) => {
          const ofName = found.filter(({ event }) => event.name === name);
          return { Name: name, Num: ofName.length, Time: ofName.at(-1)!.event.timeMs };
        }),
      },
    };
  }

  function describeCustomEventAttribute(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    const found = queriedEvents(p, call.receivedAtMs);
    const page = pageOf(found, p, { number: "PageNumber", size: "PageSize", defaultSize: 50 });
    p.end();
    return {
      ...DONE,
      // A text in this one answer.
      Success: "true",
      CustomEvents: {
        CustomEvent: page.items.map(({ id, event }) => ({
          Id: id,
          Name: event.name,
          GroupId: event.groupId,
          Content: event.content,
          Time: String(event.timeMs),
        })),
      },
    };
  }

  return {
    version: "2019-01-01",
    product: "cms",
    actions: {
      DescribeMetricList: describeMetricList,
      DescribeMetricLast: describeMetricLast,
      DescribeCustomMetricList: describeCustomMetricList,
      DescribeMonitorResourceQuotaAttribute: describeMonitorResourceQuotaAttribute,
      DescribeCustomEventCount: describeCustomEventCount,
      DescribeCustomEventAttribute: describeCustomEventAttribute,
    },
  };
}

interface Series {
  readonly metricName: string;
  readonly groupId: string;
  readonly dimension: string;
  readonly md5: string;
  readonly project: string;
  readonly status: 1;
}

function seriesEntry(point: StoredPoint, uid: string): Series {
  const dimension = dimensionText(point.dimensions);
  return {
    metricName: point.metricName,
    groupId: point.groupId,
    dimension,
    md5: createHash("md5").update(`${point.groupId} ${point.metricName} ${dimension}`).digest("hex"),
    project: `acs_customMetric_${uid}`,
    status: 1,
  };
}

function seriesOf({ groupId, dimensions }: StoredPoint): string {
  return `${groupId} ${dimensionText(dimensions)}`;
}

/** Of a point that was written again, the last write counts. */
function datapoint(point: StoredPoint, uid: string): object {
  return {
    timestamp: point.timeMs,
    userId: uid,
    groupId: point.groupId,
    dimension: dimensionText(point.dimensions),
    ...(JSON.parse(point.writes.at(-1)!) as object),
  };
}

/** @throws ApiError for anything but `[{"groupId":"0","dimension":"cpu=all&instanceId=i-1"}]`, at most 50. */
function parseSeries(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const refusal = new ApiError(
    400,
    "InvalidParameter",
    `The specified parameter Dimensions is not valid: ${text}`,
  );
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw refusal;
  }
  if (!Array.isArray(list) || list.length === 0 || list.length > 50) throw refusal;
  return list.map((entry: unknown) => {
    const { groupId, dimension, ...rest } = Object(entry) as Record<string, unknown>;
    if (Object.keys(rest).length > 0 || !/^\d+$/.test(String(groupId)) || typeof dimension !== "string") {
      throw refusal;
    }
    const keys = dimension.split("&").map((pair) => pair.split("=")[0]!);
    if (keys.some((key, i) => i > 0 && keys[i - 1]! >= key)) throw refusal;
    return `${String(groupId)} ${dimension}`;
  });
}

/** Epoch milliseconds, or `2026-11-22 20:00:00` in China's time. */
function timeOf(p: Parameters, name: string): number | undefined {
  const text = p.optional(name);
  if (text === undefined) return undefined;
  if (/^\d{13}$/.test(text)) return Number(text);
  const timeMs = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)
    ? Date.parse(`${text.replace(" ", "T")}+08:00`)
    : Number.NaN;
  if (Number.isNaN(timeMs)) throw new ApiError(400, "InvalidParameter", `${name} is not valid: ${text}`);
  return timeMs;
}
