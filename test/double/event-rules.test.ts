import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { Account } from "./account.ts";
import { call, codeOf, type Parameter } from "./call.ts";
import { seeded } from "./seeded.ts";

type Fields = Readonly<Record<string, Parameter>>;

const RULE: Fields = {
  RuleName: "softnet-fleet",
  EventType: "CUSTOM",
  Description: "drops",
  SilenceTime: 3600,
  EventPattern: [{ Product: "CUSTOM", NameList: ["softnet_critical"] }],
};

const TARGETS: Fields = {
  RuleName: "softnet-fleet",
  ContactParameters: [{ Id: "1", ContactGroupName: "ops", Level: "2" }],
};

function withRule(): Account {
  const account = seeded();
  call(account.families, "PutEventRule", RULE);
  call(account.families, "PutEventRuleTargets", TARGETS);
  return account;
}

function putEvent(account: Account, name: string, atMs: number): void {
  call(account.families, "PutCustomEvent", { EventInfo: [{ EventName: name, Content: "i-1 drops" }] }, atMs);
}

describe("the double of PutEventRule", () => {
  const ROWS: readonly { readonly name: string; readonly change: Fields; readonly code: string }[] = [
    { name: "a good rule", change: {}, code: "200" },
    { name: "no pattern", change: { EventPattern: [] }, code: "MissingEventPattern" },
    { name: "a pattern without a product", change: { EventPattern: [{}] }, code: "MissingEventPattern" },
    {
      name: "a pattern whose product is empty",
      change: { EventPattern: [{ Product: "" }] },
      code: "MissingEventPattern.1.Product",
    },
    { name: "a type that is none", change: { EventType: "custom" }, code: "InvalidParameter" },
    { name: "a state that is none", change: { State: "PAUSED" }, code: "InvalidParameter" },
    {
      name: "a pattern's field that does not exist",
      change: { EventPattern: [{ Product: "CUSTOM", EventName: "x" }] },
      code: "InvalidParameter",
    },
  ];
  for (const { name, change, code } of ROWS) {
    test(`answers ${code} to ${name}`, () => {
      assert.equal(
        codeOf(() => call(seeded().families, "PutEventRule", { ...RULE, ...change })),
        code,
      );
    });
  }

  test("keeps the targets of a rule that is written again, and shows both", () => {
    const { families } = withRule();
    call(families, "PutEventRule", { ...RULE, Description: "more drops" });
    const { EventRules } = call(families, "DescribeEventRuleList", { NamePrefix: "softnet" }) as {
      EventRules: { EventRule: Fields[] };
    };
    assert.equal(EventRules.EventRule[0]!["Description"], "more drops");
    const { ContactParameters } = call(families, "DescribeEventRuleTargetList", {
      RuleName: "softnet-fleet",
    });
    assert.deepEqual(ContactParameters, {
      ContactParameter: [{ Id: "1", ContactGroupName: "ops", Level: "2" }],
    });
  });

  test("lists a paused rule to those only who ask for paused ones", () => {
    const { families } = withRule();
    const total = (parameters: Fields): unknown =>
      call(families, "DescribeEventRuleList", parameters)["Total"];
    call(families, "DisableEventRules", { RuleNames: ["softnet-fleet"] });
    assert.deepEqual([total({}), total({ IsEnable: false })], [0, 1]);
    call(families, "EnableEventRules", { RuleNames: ["softnet-fleet"] });
    assert.deepEqual([total({}), total({ IsEnable: false })], [1, 0]);
  });

  test("forgets a rule with its targets", () => {
    const { families, state } = withRule();
    assert.equal(call(families, "DeleteEventRules", { RuleNames: ["softnet-fleet", "x"] })["Code"], "404");
    assert.equal(call(families, "DeleteEventRules", { RuleNames: ["softnet-fleet"] })["Code"], "200");
    assert.equal(state.eventRules.size, 0);
  });
});

describe("the double of PutEventRuleTargets", () => {
  test("names a group that does not exist only among what failed", () => {
    const { families, state } = withRule();
    const answer = call(families, "PutEventRuleTargets", {
      RuleName: "softnet-fleet",
      ContactParameters: [{ Id: "2", ContactGroupName: "nobody", Level: "2" }],
    });
    assert.deepEqual([answer["Code"], answer["Success"], answer["FailedParameterCount"]], ["200", true, "1"]);
    assert.equal(state.eventRules.get("softnet-fleet")!.targets.length, 1);
  });

  const ROWS: readonly { readonly name: string; readonly change: Fields; readonly code: string }[] = [
    {
      name: "a public webhook",
      change: { WebhookParameters: [{ Id: "2", Url: "https://x.example.com/" }] },
      code: "200",
    },
    {
      name: "a webhook at home",
      change: { WebhookParameters: [{ Id: "2", Url: "http://10.0.0.1/" }] },
      code: "InvalidParameter",
    },
    {
      name: "a level that is none",
      change: { ContactParameters: [{ Id: "1", ContactGroupName: "ops", Level: "CRITICAL" }] },
      code: "InvalidParameter",
    },
    { name: "a rule that does not exist", change: { RuleName: "x" }, code: "404" },
  ];
  for (const { name, change, code } of ROWS) {
    test(`answers ${code} to ${name}`, () => {
      assert.equal(
        codeOf(() => call(withRule().families, "PutEventRuleTargets", { ...TARGETS, ...change })),
        code,
      );
    });
  }

  test("takes a target away by its id", () => {
    const { families, state } = withRule();
    assert.equal(
      call(families, "DeleteEventRuleTargets", { RuleName: "softnet-fleet", Ids: ["1"] })["Code"],
      "200",
    );
    assert.deepEqual(state.eventRules.get("softnet-fleet")!.targets, []);
  });
});

test("an event that fits is told once within the silence, with its content", () => {
  const account = withRule();
  putEvent(account, "softnet_warning", 1000);
  assert.deepEqual(account.outbox.notifications, []);
  putEvent(account, "softnet_critical", 2000);
  putEvent(account, "softnet_critical", 3000);
  assert.deepEqual(
    account.outbox.notifications.map(({ channel, text }) => [channel, text]),
    [
      ["SMS", "i-1 drops"],
      ["Mail", "i-1 drops"],
    ],
  );
  putEvent(account, "softnet_critical", 3_602_000);
  assert.equal(account.outbox.notifications.length, 4);
});

for (const [name, filter] of [
  ["CustomFilters", { customFilters: "stopped" }],
  ["SQLFilter", { sqlFilter: "drops and stopped" }],
  ["KeywordFilter", { keywordFilter: { relation: "OR", keywords: ["stopped", "started"] } }],
] as const) {
  test(`an event that ${name} of the rule leaves out is told to nobody`, () => {
    const account = withRule();
    const rule = account.state.eventRules.get("softnet-fleet")!;
    rule.patterns = [{ ...rule.patterns[0]!, ...filter }];
    putEvent(account, "softnet_critical", 2000);
    assert.deepEqual(account.outbox.notifications, []);
    call(account.families, "PutEventRule", RULE);
    putEvent(account, "softnet_critical", 3000);
    assert.equal(account.outbox.notifications.length, 2);
  });
}

test("what PutCustomEventRule makes needs an event first, and is not among the rules that can be listed or deleted", () => {
  const account = seeded();
  const put = (): string =>
    codeOf(() =>
      call(account.families, "PutCustomEventRule", {
        RuleId: "fleet",
        RuleName: "fleet",
        EventName: "softnet_critical",
        GroupId: "0",
        ContactGroups: "ops",
        Level: "CRITICAL",
        Threshold: "1",
      }),
    );
  assert.equal(put(), "404");
  putEvent(account, "softnet_critical", 1000);
  assert.equal(put(), "200");
  assert.equal(call(account.families, "DescribeEventRuleList")["Total"], 0);
  assert.equal(call(account.families, "DescribeMetricRuleList")["Total"], "0");
  assert.equal(call(account.families, "DeleteEventRules", { RuleNames: ["fleet"] })["Code"], "404");
  assert.equal(account.state.customEventRules.size, 1);
});
