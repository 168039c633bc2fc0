import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  parseContact,
  parseEventRule,
  parseLastPoints,
  parseQuota,
  parseRule,
} from "../../src/cloud/alarm-answers.ts";

/** A rule as CloudMonitor prints it, with what a test changes. */
function rule(changes: Record<string, unknown> = {}) {
  return parseRule({
    RuleId: "softnet-dropped-warn-i-1",
    RuleName: "softnet",
    MetricName: "softnet_dropped_per_second",
    GroupId: "0",
    Resources: '[{"dimension":"cpu=all&instanceId=i-1","groupId":0}]',
    Period: "60",
    SilenceTime: 3600,
    EffectiveInterval: "00:00-23:59",
    ContactGroups: "ops",
    EnableState: true,
    AlertState: "OK",
    Escalations: {
      Critical: {},
      Warn: { ComparisonOperator: "GreaterThanThreshold", Statistics: "Maximum", Threshold: "0", Times: 3 },
      Info: {},
    },
    ...changes,
  });
}

describe("a rule reads the same however CloudMonitor spells it", () => {
  const ROWS: readonly (readonly [string, Record<string, unknown>])[] = [
    [
      "the group of the series as a text",
      { Resources: '[{"groupId":"0","dimension":"cpu=all&instanceId=i-1"}]' },
    ],
    ["dimensions as fields", { Resources: '[{"instanceId":"i-1","cpu":"all"}]' }],
    ["contact groups as a list", { ContactGroups: '["ops"]' }],
    ["numbers as texts", { SilenceTime: "3600", EnableState: "true" }],
    [
      "the operator as it was written, and a dollar before the statistic",
      {
        Escalations: {
          Warn: { ComparisonOperator: ">", Statistics: "$Maximum", Threshold: "0.0", Times: "3" },
        },
      },
    ],
    ["no webhook as an empty text", { Webhook: "" }],
  ];
  for (const [name, changes] of ROWS) {
    test(name, () => assert.deepEqual(rule(changes), rule()));
  }

  test("and is what was written", () => {
    const { fields, isEnabled, state } = rule({
      Webhook: '{"method":"POST","url":"https://example.com/hook"}',
    });
    assert.deepEqual([isEnabled, state], [true, "OK"]);
    assert.deepEqual(fields, {
      RuleName: "softnet",
      MetricName: "softnet_dropped_per_second",
      Resources: "groupId=0 cpu=all&instanceId=i-1",
      Statistics: "Maximum",
      ComparisonOperator: ">",
      Threshold: "0",
      EvaluationCount: "3",
      Level: "WARN",
      ContactGroups: "ops",
      Period: "60",
      SilenceTime: "3600",
      EffectiveInterval: "00:00-23:59",
      NoEffectiveInterval: "",
      EmailSubject: "",
      Webhook: "https://example.com/hook",
    });
  });
});

test("a channel that waits for its link is there, without its address", () => {
  const { mail, phone } = parseContact({
    Name: "a",
    Desc: "",
    Channels: { Mail: "a@example.com" },
    ChannelsState: { Mail: "OK", SMS: "PENDING" },
  });
  assert.deepEqual(
    [mail, phone],
    [
      { value: "a@example.com", isPending: false },
      { value: undefined, isPending: true },
    ],
  );
});

test("an event rule without a pattern differs from ours and is not a crash", () => {
  const { fields, isEnabled } = parseEventRule({ Name: "x", State: "DISABLED" });
  assert.equal(isEnabled, false);
  assert.equal(fields.NameList, "");
});

test("the newest point of each instance counts, whichever way its dimensions come", () => {
  const points = [
    { timestamp: 1000, dimension: "cpu=all&instanceId=i-1" },
    { timestamp: 3000, instanceId: "i-1" },
    { timestamp: 2000, instanceId: "i-2" },
    { timestamp: "x", instanceId: "i-3" },
  ];
  assert.deepEqual(
    [...parseLastPoints({ Datapoints: JSON.stringify(points) })],
    [
      ["i-1", 3000],
      ["i-2", 2000],
    ],
  );
  assert.equal(parseLastPoints({ Datapoints: "[" }).size, 0);
});

test("what the quota does not say is not zero", () => {
  const { series, sms, edition } = parseQuota({ ResourceQuota: { CustomMonitor: { QuotaLimit: 10 } } });
  assert.deepEqual(
    [series, sms, edition],
    [{ used: undefined, limit: 10 }, { used: undefined, limit: undefined }, undefined],
  );
});
