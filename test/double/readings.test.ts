import assert from "node:assert/strict";
import { test } from "node:test";

import { call, codeOf, type Parameter } from "./call.ts";
import { MINUTE_MS, NOON_MS, putMinute, seeded } from "./seeded.ts";

type Fields = Readonly<Record<string, Parameter>>;

const NAMESPACE = "acs_customMetric_1234567890123456";
const ONE = '[{"groupId":"0","dimension":"cpu=all&instanceId=i-1"}]';
const QUERY: Fields = { Namespace: NAMESPACE, MetricName: "softnet_severity", Dimensions: ONE };

const account = seeded({ limits: { edition: "free", seriesQuota: 10 } });
putMinute(account, 1, 2);
putMinute(account, 2, 1);
putMinute(account, 2, 1, { Dimensions: '{"cpu":"all","instanceId":"i-2"}' });
putMinute(account, 0, 1, { Period: "300" });

function ask(action: string, parameters: Fields, nowMs = NOON_MS + 5 * MINUTE_MS) {
  return call(account.families, action, parameters, nowMs);
}

function points(action: string, parameters: Fields, nowMs?: number): string[] {
  const answer = ask(action, parameters, nowMs);
  const list = JSON.parse(answer["Datapoints"] as string) as {
    timestamp: number;
    dimension: string;
    Maximum: number;
  }[];
  return list.map(
    ({ timestamp, dimension, Maximum }) =>
      `${(timestamp - NOON_MS) / MINUTE_MS} ${dimension.replace(/.*=/, "")} ${Maximum}`,
  );
}

test("DescribeMetricLast gives the last point of each series within two hours", () => {
  assert.deepEqual(points("DescribeMetricLast", QUERY), ["2 i-1 1"]);
  const { Dimensions: _, ...all } = QUERY;
  assert.deepEqual(points("DescribeMetricLast", all), ["2 i-1 1", "2 i-2 1"]);
  assert.deepEqual(points("DescribeMetricLast", QUERY, NOON_MS + 122 * MINUTE_MS), []);
  assert.deepEqual(points("DescribeMetricLast", { ...QUERY, Period: 300 }, NOON_MS + MINUTE_MS), ["0 i-1 1"]);
});

test("DescribeMetricList gives the points after the start up to the end, page by page", () => {
  const span = { StartTime: NOON_MS, EndTime: NOON_MS + 2 * MINUTE_MS };
  assert.deepEqual(points("DescribeMetricList", { ...QUERY, ...span }), ["1 i-1 2", "2 i-1 1"]);
  const first = { ...QUERY, ...span, Length: 1 };
  const { NextToken } = ask("DescribeMetricList", first);
  assert.deepEqual(points("DescribeMetricList", { ...first, NextToken: NextToken as string }), ["2 i-1 1"]);
  assert.deepEqual(
    points("DescribeMetricList", {
      ...QUERY,
      StartTime: "2026-11-22 20:00:30",
      EndTime: "2026-11-22 20:01:00",
    }),
    ["1 i-1 2"],
  );
});

const REFUSED: readonly { readonly name: string; readonly change: Fields; readonly code: string }[] = [
  { name: "another account's namespace", change: { Namespace: "acs_customMetric_1" }, code: "404" },
  {
    name: "dimensions of a product",
    change: { Dimensions: '[{"instanceId":"i-1"}]' },
    code: "InvalidParameter",
  },
  {
    name: "dimensions out of order",
    change: { Dimensions: '[{"groupId":"0","dimension":"instanceId=i-1&cpu=all"}]' },
    code: "InvalidParameter",
  },
  {
    name: "51 series",
    change: {
      Dimensions: JSON.stringify(Array.from({ length: 51 }, () => ({ groupId: 0, dimension: "a=1" }))),
    },
    code: "InvalidParameter",
  },
  { name: "a time in seconds", change: { StartTime: "1795348800" }, code: "InvalidParameter" },
  { name: "32 days", change: { StartTime: NOON_MS - 32 * 24 * 60 * MINUTE_MS }, code: "InvalidParameter" },
];
for (const { name, change, code } of REFUSED) {
  test(`DescribeMetricLast answers ${code} to ${name}`, () => {
    assert.equal(
      codeOf(() => ask("DescribeMetricLast", { ...QUERY, ...change })),
      code,
    );
  });
}

test("DescribeCustomMetricList gives the series in a text of JSON, page by page", () => {
  const list = (parameters: Fields) =>
    JSON.parse(ask("DescribeCustomMetricList", parameters)["Result"] as string) as {
      all: number;
      page: number;
      list: { dimension: string; md5: string }[];
    };
  assert.equal(list({}).all, 2);
  const second = list({ PageSize: 1, PageNumber: 2 });
  assert.deepEqual(
    [second.page, second.all, second.list.map(({ dimension }) => dimension)],
    [2, 2, ["cpu=all&instanceId=i-2"]],
  );
  assert.equal(list({ Dimension: "cpu=all&instanceId=i-1" }).all, 1);
  assert.equal(list({ Md5: second.list[0]!.md5 }).all, 1);
  assert.equal(list({ MetricName: "other" }).all, 0);
});

test("DescribeMonitorResourceQuotaAttribute tells the edition, and what is used of each quota", () => {
  const { ResourceQuota } = ask("DescribeMonitorResourceQuotaAttribute", {}) as { ResourceQuota: Fields };
  assert.equal(ResourceQuota["SuitInfo"], "free");
  assert.deepEqual(ResourceQuota["CustomMonitor"], { QuotaLimit: 10, QuotaPackage: 0, QuotaUsed: 2 });
  assert.deepEqual(ResourceQuota["Phone"], { QuotaLimit: 0, QuotaPackage: 0, QuotaUsed: 0 });
});

test("events are found by name within the time that is asked for, which is short unless said", () => {
  const put = (name: string, atMs: number): unknown =>
    call(account.families, "PutCustomEvent", { EventInfo: [{ EventName: name, Content: "drops" }] }, atMs);
  put("softnet_critical", NOON_MS);
  put("softnet_critical", NOON_MS + 4 * MINUTE_MS);
  put("other", NOON_MS + 4 * MINUTE_MS);
  const count = (parameters: Fields): unknown =>
    (ask("DescribeCustomEventCount", parameters) as { CustomEventCounts: Fields }).CustomEventCounts[
      "CustomEventCount"
    ];
  const Time = NOON_MS + 4 * MINUTE_MS;
  assert.deepEqual(count({ Name: "softnet_critical" }), [{ Name: "softnet_critical", Num: 1, Time }]);
  assert.deepEqual(count({ Name: "softnet_critical", StartTime: NOON_MS - 1 }), [
    { Name: "softnet_critical", Num: 2, Time },
  ]);
  const { CustomEvents, Success } = ask("DescribeCustomEventAttribute", { Name: "other" }) as {
    CustomEvents: { CustomEvent: { Content: string }[] };
    Success: string;
  };
  assert.deepEqual([CustomEvents.CustomEvent[0]!.Content, Success], ["drops", "true"]);
});
