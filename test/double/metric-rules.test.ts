import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { Account } from "./account.ts";
import { call, codeOf, type Parameter } from "./call.ts";
import { seeded, SEVERITY_RULE } from "./seeded.ts";

type Fields = Readonly<Record<string, Parameter>>;

function put(account: Account, change: Fields = {}): string {
  return codeOf(() => call(account.families, "PutCustomMetricRule", { ...SEVERITY_RULE, ...change }));
}

describe("the double of PutCustomMetricRule", () => {
  const ROWS: readonly { readonly name: string; readonly change: Fields; readonly code: string }[] = [
    { name: "a good rule", change: {}, code: "200" },
    {
      name: "an operator in words",
      change: { ComparisonOperator: "GreaterThanThreshold" },
      code: "InvalidParameter",
    },
    { name: "a level that is none", change: { Level: "WARNING" }, code: "InvalidParameter" },
    { name: "a statistic that is none", change: { Statistics: "Max" }, code: "400" },
    { name: "a threshold that is none", change: { Threshold: "two" }, code: "400" },
    { name: "a silence of a minute", change: { SilenceTime: 60 }, code: "InvalidParameter" },
    { name: "a period of 90 s", change: { Period: 90 }, code: "400" },
    { name: "an interval that is none", change: { EffectiveInterval: "9-17" }, code: "400" },
    { name: "a webhook at home", change: { Webhook: "http://127.0.0.1/" }, code: "400" },
    { name: "a public webhook", change: { Webhook: "https://hooks.example.com/softnet" }, code: "200" },
    { name: "a group that does not exist", change: { ContactGroups: "ops,dev" }, code: "404" },
    { name: "no level", change: { Level: "" }, code: "InvalidParameter" },
    { name: "no resources", change: { Resources: "[]" }, code: "InvalidParameter" },
    {
      name: "a dimension out of order",
      change: { Resources: '[{"groupId":0,"dimension":"instanceId=i-1&cpu=all"}]' },
      code: "InvalidParameter",
    },
    {
      name: "dimensions of the other form",
      change: { Resources: '[{"instanceId":"i-1"}]' },
      code: "InvalidParameter",
    },
    {
      name: "a series without data",
      change: { Resources: '[{"groupId":0,"dimension":"cpu=all&instanceId=i-2"}]' },
      code: "404",
    },
    { name: "a field that does not exist", change: { NoDataPolicy: "OK" }, code: "InvalidParameter" },
  ];
  for (const { name, change, code } of ROWS) {
    test(`answers ${code} to ${name}`, () => {
      assert.equal(put(seeded(), change), code);
    });
  }

  test("wakes a paused rule", () => {
    const account = seeded();
    put(account);
    call(account.families, "DisableMetricRules", { RuleId: ["softnet-critical"] });
    assert.equal(account.state.metricRules.get("softnet-critical")!.enabled, false);
    put(account);
    assert.equal(account.state.metricRules.get("softnet-critical")!.enabled, true);
  });

  test("takes no more rules than the quota, and changes those that are there", () => {
    const account = seeded();
    account.state.ruleQuota = 1;
    assert.equal(put(account), "200");
    assert.equal(put(account, { RuleId: "another" }), "ExceedingQuota");
    assert.equal(put(account, { Threshold: "1" }), "200");
  });
});

describe("the double of DescribeMetricRuleList", () => {
  test("prints a rule in the cloud's own words", () => {
    const account = seeded();
    put(account);
    const { Alarms, ...rest } = call(account.families, "DescribeMetricRuleList") as {
      Alarms: { Alarm: Fields[] };
    };
    assert.deepEqual(rest, { Code: 200, Success: true, Total: "1" });
    const [alarm] = Alarms.Alarm;
    assert.equal(alarm!["Namespace"], "acs_customMetric_1234567890123456");
    assert.equal(alarm!["Resources"], '[{"dimension":"cpu=all&instanceId=i-1","groupId":"0"}]');
    assert.deepEqual(alarm!["Escalations"], {
      Critical: {
        ComparisonOperator: "GreaterThanOrEqualToThreshold",
        Statistics: "Maximum",
        Threshold: "2",
        Times: 1,
      },
      Warn: {},
      Info: {},
    });
  });

  test("finds by id, state and page", () => {
    const account = seeded();
    for (const RuleId of ["a", "b", "c"]) put(account, { RuleId });
    call(account.families, "DisableMetricRules", { RuleId: ["b"] });
    const ids = (parameters: Fields): string[] => {
      const { Alarms } = call(account.families, "DescribeMetricRuleList", parameters) as {
        Alarms: { Alarm: { RuleId: string }[] };
      };
      return Alarms.Alarm.map(({ RuleId }) => RuleId);
    };
    assert.deepEqual(ids({ RuleIds: "a,c,unknown" }), ["a", "c"]);
    assert.deepEqual(ids({ EnableState: false }), ["b"]);
    assert.deepEqual(ids({ AlertState: "ALARM" }), []);
    assert.deepEqual(ids({ Namespace: "acs_ecs_dashboard" }), []);
    assert.deepEqual(ids({ Page: 2, PageSize: 2 }), ["c"]);
    assert.equal(
      codeOf(() =>
        call(account.families, "DescribeMetricRuleList", {
          RuleIds: Array.from({ length: 21 }, String).join(),
        }),
      ),
      "InvalidParameter",
    );
  });
});

test("one unknown id keeps a whole list of rules from being deleted", () => {
  const account = seeded();
  put(account);
  assert.equal(call(account.families, "DeleteMetricRules", { Id: ["softnet-critical", "x"] })["Code"], "404");
  assert.equal(account.state.metricRules.size, 1);
  assert.equal(call(account.families, "DeleteMetricRules", { Id: ["softnet-critical"] })["Code"], "200");
  assert.equal(account.state.metricRules.size, 0);
});

test("a group that a rule calls cannot be deleted", () => {
  const account = seeded();
  put(account);
  assert.equal(call(account.families, "DeleteContactGroup", { ContactGroupName: "ops" })["Success"], false);
  call(account.families, "DeleteMetricRules", { Id: ["softnet-critical"] });
  assert.equal(call(account.families, "DeleteContactGroup", { ContactGroupName: "ops" })["Success"], true);
});
