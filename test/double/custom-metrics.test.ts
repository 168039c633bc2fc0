import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type ActionAnswer, ApiError } from "./action.ts";
import { customEvents } from "./custom-events.ts";
import { customMetrics, type MetricLimits } from "./custom-metrics.ts";

type Fields = Readonly<Record<string, string | undefined>>;

const GOOD: Fields = {
  GroupId: "0",
  MetricName: "softnet_severity",
  Dimensions: '{"cpu":"all","instanceId":"i-1"}',
  Type: "1",
  Period: "60",
  Time: "1795348800000",
  Values: '{"Average":1,"Sum":60}',
};

function paramsOf(list: string, entries: readonly Fields[]): ReadonlyMap<string, string> {
  return new Map(
    entries.flatMap((entry, i) =>
      Object.entries(entry).flatMap(([field, value]): [string, string][] =>
        value === undefined ? [] : [[`${list}.${i + 1}.${field}`, value]],
      ),
    ),
  );
}

function put(entries: readonly Fields[], limits: MetricLimits = { edition: "free", seriesQuota: 100 }) {
  const metrics = customMetrics(limits);
  const params = paramsOf("MetricList", entries);
  const answer = metrics.actions["PutCustomMetric"]!({ params, accessKeyId: "k", receivedAtMs: 0 });
  return { answer, metrics };
}

function codeOf(run: () => ActionAnswer): unknown {
  try {
    return run()["Code"];
  } catch (error) {
    assert.ok(error instanceof ApiError);
    return error.code;
  }
}

describe("the double of PutCustomMetric", () => {
  const ROWS: readonly { readonly name: string; readonly change: Fields; readonly code: string }[] = [
    { name: "a good entry", change: {}, code: "200" },
    { name: "a time with a zone", change: { Time: "20171012T132456.888+0800" }, code: "200" },
    { name: "no time", change: { Time: undefined }, code: "200" },
    { name: "a name that begins with a digit", change: { MetricName: "1st" }, code: "400" },
    { name: "a name with a dot", change: { MetricName: "softnet.dropped" }, code: "400" },
    { name: "a name of 65 characters", change: { MetricName: "a".repeat(65) }, code: "400" },
    { name: "a group that is no number", change: { GroupId: "web" }, code: "400" },
    {
      name: "dimensions out of order",
      change: { Dimensions: '{"instanceId":"i-1","cpu":"all"}' },
      code: "400",
    },
    { name: "dimensions that are no object", change: { Dimensions: '["cpu"]' }, code: "400" },
    { name: "no dimension", change: { Dimensions: "{}" }, code: "400" },
    { name: "a dimension that is a number", change: { Dimensions: '{"cpu":1}' }, code: "400" },
    { name: "a dimension with an equals sign", change: { Dimensions: '{"cpu":"a=b"}' }, code: "400" },
    {
      name: "a dimension of 65 characters",
      change: { Dimensions: `{"cpu":"${"x".repeat(65)}"}` },
      code: "400",
    },
    {
      name: "eleven dimensions",
      change: {
        Dimensions: JSON.stringify(Object.fromEntries(Array.from("abcdefghijk").map((key) => [key, "1"]))),
      },
      code: "400",
    },
    { name: "a period of 15 s", change: { Period: "15" }, code: "400" },
    { name: "no period", change: { Period: undefined }, code: "400" },
    { name: "an unknown statistic", change: { Values: '{"P42":1}' }, code: "400" },
    { name: "a value that is a text", change: { Values: '{"Sum":"1"}' }, code: "400" },
    { name: "a value that is no number of JSON", change: { Values: '{"Sum":NaN}' }, code: "400" },
    { name: "no value", change: { Values: "{}" }, code: "400" },
    { name: "a time in seconds", change: { Time: "1795348800" }, code: "400" },
    { name: "raw data", change: { Type: "0", Values: '{"value":1}', Period: undefined }, code: "206" },
    { name: "a type that is none", change: { Type: "2" }, code: "206" },
    { name: "no values", change: { Values: undefined }, code: "MissingValues" },
    { name: "a field that does not exist", change: { Unit: "packets" }, code: "InvalidParameter" },
  ];
  for (const { name, change, code } of ROWS) {
    test(`answers ${code} to ${name}`, () => {
      assert.equal(
        codeOf(() => put([{ ...GOOD, ...change }]).answer),
        code,
      );
    });
  }

  test("takes 21 entries and not 22", () => {
    const entries = (count: number): Fields[] =>
      Array.from({ length: count }, (_, i) => ({ ...GOOD, Dimensions: `{"cpu":"${i}"}` }));
    assert.equal(put(entries(21)).metrics.points.size, 21);
    assert.equal(
      codeOf(() => put(entries(22)).answer),
      "InvalidParameter",
    );
  });

  test("takes raw data of a paid edition", () => {
    const raw = { ...GOOD, Type: "0", Values: '{"value":1}', Period: undefined };
    assert.equal(put([raw], { edition: "pro", seriesQuota: 1 }).answer["Code"], "200");
  });

  test("takes what the quota allows, in the order it came", () => {
    const { answer, metrics } = put(
      [GOOD, { ...GOOD, MetricName: "second" }, { ...GOOD, Time: "1795348860000" }],
      { edition: "free", seriesQuota: 1 },
    );
    assert.deepEqual(answer, { Code: "206", Message: "reach max time series num" });
    assert.equal(metrics.points.size, 2);
  });

  test("tells a repeat from a conflict", () => {
    const same = put([GOOD, GOOD]).metrics;
    assert.equal(same.repeatedWrites(), 1);
    assert.deepEqual(same.conflicts(), []);
    const other = put([GOOD, { ...GOOD, Values: '{"Sum":61}' }]).metrics;
    assert.equal(other.conflicts().length, 1);
  });
});

describe("the double of PutCustomEvent", () => {
  const EVENT: Fields = { EventName: "softnet_critical", Content: "x", Time: "20171013T170923.456+0800" };

  function putEvents(entries: readonly Fields[]): ActionAnswer {
    const params = paramsOf("EventInfo", entries);
    return customEvents().actions["PutCustomEvent"]!({ params, accessKeyId: "k", receivedAtMs: 0 });
  }

  const ROWS: readonly {
    readonly name: string;
    readonly events: readonly Fields[];
    readonly code: string;
  }[] = [
    { name: "an event", events: [EVENT], code: "200" },
    { name: "a time in milliseconds", events: [{ ...EVENT, Time: "1552199984000" }], code: "200" },
    { name: "50 events", events: Array.from({ length: 50 }, () => EVENT), code: "200" },
    { name: "51 events", events: Array.from({ length: 51 }, () => EVENT), code: "InvalidParameter" },
    { name: "a time that is none", events: [{ ...EVENT, Time: "2017-10-13" }], code: "400" },
    { name: "no content", events: [{ ...EVENT, Content: undefined }], code: "MissingContent" },
    { name: "an empty content", events: [{ ...EVENT, Content: "" }], code: "400" },
    { name: "600 KB", events: [{ ...EVENT, Content: "x".repeat(600_000) }], code: "InvalidParameter" },
  ];
  for (const { name, events, code } of ROWS) {
    test(`answers ${code} to ${name}`, () =>
      assert.equal(
        codeOf(() => putEvents(events)),
        code,
      ));
  }
});
