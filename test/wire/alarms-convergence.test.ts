import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { connectCloudMonitor } from "../../src/cloud/cloudmonitor.ts";
import type { EventRule, MetricRule } from "../double/account-state.ts";
import { CLEAR_FAULTS, type Fault, jsonAnswer, UNCLEAR_FAULTS } from "../double/faults.ts";
import type { Ended } from "../support/run-softnet.ts";
import { instance, team, type Team, THEIR_GROUP } from "./alarms-setup.ts";
import { credentialsOf, USER } from "./setup.ts";

const WHO = "--mail ops@example.com --phone 86-13800138000";
const ONE = `--instance i-a ${WHO}`;
const HOOK = "--webhook https://hooks.example.com/softnet";

/** What an operator may ask for. */
const WISHES: readonly { readonly name: string; readonly wish: string }[] = [
  { name: "one instance", wish: `${ONE} ${HOOK} --with-squeezed` },
  {
    name: "two instances in another team's group",
    wish: `${ONE} --instance i-b --contact-group ${THEIR_GROUP}`,
  },
  { name: "all instances with a tag", wish: `--from-tag app=web ${WHO}` },
  { name: "the fleet", wish: `--fleet-only ${WHO} ${HOOK}` },
  {
    name: "the fleet, told to another team's group alone",
    wish: `--fleet-only --contact-group ${THEIR_GROUP}`,
  },
];

async function fleet(options: Parameters<typeof team>[0] = {}): Promise<Team> {
  const it = await team(options);
  it.account.state.instances.push(instance("i-a"), instance("i-b"), instance("i-c", { app: "db" }));
  return it;
}

function succeeded({ code, stderr }: Ended, expected = 0): void {
  assert.equal(code, expected, stderr);
}

interface Planned {
  readonly steps: readonly {
    readonly kind: string;
    readonly action: string;
    readonly name: string;
    readonly differences: readonly { readonly field: string; readonly from: string; readonly to: string }[];
  }[];
}

async function planned(it: Team, wish: string, expected = 1): Promise<Planned["steps"]> {
  const ended = await it.alarms(`plan --json ${wish}`.trim());
  succeeded(ended, expected);
  return (JSON.parse(ended.stdout) as Planned).steps;
}

describe("softnet alarms", { concurrency: true }, () => {
  for (const { name, wish } of WISHES) {
    test(`for ${name}: a second apply writes nothing, and destroy leaves the account as it was`, async () => {
      await using it = await fleet();
      const before = it.account.snapshot();
      succeeded(await it.alarms(`apply --yes ${wish}`));
      assert.notDeepEqual(it.writes(), []);
      assert.notDeepEqual(it.account.snapshot(), before);

      succeeded(await it.alarms(`apply --yes ${wish}`));
      assert.deepEqual(it.writes(), []);
      // What is not said again stays as it is.
      succeeded(await it.alarms("apply --yes"));
      assert.deepEqual(it.writes(), []);
      for (const contact of it.account.state.contacts.values()) {
        for (const channel of Object.values(contact.channels)) channel.state = "OK";
      }
      succeeded(await it.alarms(`apply --yes ${wish}`));
      assert.deepEqual(it.writes(), [], "an activated contact is in step too");

      succeeded(await it.alarms("destroy --yes"));
      assert.deepEqual(it.account.snapshot(), before);
      it.writes();
      succeeded(await it.alarms("destroy --yes"));
      assert.deepEqual(it.writes(), []);
    });
  }

  for (const wish of [
    "--instance i-a --mail ops@example.com",
    `--fleet-only --mail ops@example.com ${HOOK}`,
  ]) {
    test(`on the international site: ${wish} is applied, in step and destroyed`, async () => {
      await using it = await fleet({ site: "international" });
      const before = it.account.snapshot();
      succeeded(await it.alarms(`apply --yes --site intl ${wish}`));
      it.writes();
      succeeded(await it.alarms(`apply --yes --site intl ${wish}`));
      assert.deepEqual(it.writes(), []);
      succeeded(await it.alarms("destroy --yes"));
      assert.deepEqual(it.account.snapshot(), before);
    });
  }

  test("makes the rules of the contract, with a first point of each series before them", async () => {
    await using it = await fleet();
    succeeded(await it.alarms(`apply --yes --with-squeezed ${ONE}`));
    const ours = [...it.account.state.metricRules.values()].filter(({ ruleId }) =>
      ruleId.startsWith("softnet-"),
    );
    assert.deepEqual(
      ours.map(
        ({
          ruleId,
          metricName,
          statistics,
          comparisonOperator,
          threshold,
          evaluationCount,
          level,
          silenceSeconds,
        }) =>
          `${ruleId}: ${metricName} ${statistics} ${comparisonOperator} ${threshold} x ${evaluationCount} ${level} ${silenceSeconds}`,
      ),
      [
        "softnet-critical-critical-i-a: softnet_severity Maximum >= 2 x 1 CRITICAL 3600",
        "softnet-dropped-warn-i-a: softnet_dropped_per_second Maximum > 0 x 3 WARN 3600",
        "softnet-squeezed-info-i-a: softnet_squeezed_per_second Average > 1000 x 10 INFO 3600",
      ],
    );
    assert.equal(it.account.metrics.points.size, 4);
    assert.equal(it.account.state.activationLinks.filter(({ contact }) => contact !== "bob").length, 2);
  });

  describe("plan shows the one field that somebody changed by hand", { concurrency: true }, () => {
    const OF_RULE: readonly { readonly field: string; readonly change: Partial<MetricRule> }[] = [
      { field: "RuleName", change: { ruleName: "renamed" } },
      { field: "Resources", change: { resources: [{ groupId: "0", dimension: "cpu=all&instanceId=i-z" }] } },
      { field: "Statistics", change: { statistics: "Average" } },
      { field: "ComparisonOperator", change: { comparisonOperator: ">=" } },
      { field: "Threshold", change: { threshold: "5" } },
      { field: "EvaluationCount", change: { evaluationCount: 9 } },
      { field: "Level", change: { level: "INFO" } },
      { field: "ContactGroups", change: { contactGroups: [THEIR_GROUP] } },
      { field: "Period", change: { periodSeconds: 300 } },
      { field: "SilenceTime", change: { silenceSeconds: 86_400 } },
      { field: "EffectiveInterval", change: { effectiveInterval: "09:00-17:00" } },
      { field: "EmailSubject", change: { emailSubject: "hello" } },
      { field: "Webhook", change: { webhook: "https://elsewhere.example.com/" } },
    ];
    for (const { field, change } of OF_RULE) {
      test(`${field} of a rule`, async () => {
        await using it = await fleet();
        const wish = `${ONE} ${HOOK} --contact-group oncall`;
        succeeded(await it.alarms(`apply --yes ${wish}`));
        const after = it.account.snapshot();
        Object.assign(it.account.state.metricRules.get("softnet-dropped-warn-i-a")!, change);
        const steps = await planned(it, wish);
        assert.deepEqual(
          steps.map(({ kind, action, name, differences }) => [
            kind,
            action,
            name,
            differences.map((each) => each.field),
          ]),
          [["rule", "update", "softnet-dropped-warn-i-a", [field]]],
        );
        it.writes();
        succeeded(await it.alarms(`apply --yes ${wish}`));
        assert.deepEqual(it.writes(), ["PutCustomMetricRule"]);
        assert.deepEqual(it.account.snapshot(), after);
      });
    }

    test("NoEffectiveInterval of a rule, which takes the rule to be made anew", async () => {
      await using it = await fleet();
      succeeded(await it.alarms(`apply --yes ${ONE}`));
      const after = it.account.snapshot();
      const ruleId = "softnet-dropped-warn-i-a";
      it.account.state.metricRules.get(ruleId)!.noEffectiveInterval = "00:00-23:59";
      assert.deepEqual(
        (await planned(it, "")).map(({ name, differences }) => [name, differences]),
        [[ruleId, [{ field: "NoEffectiveInterval", from: "00:00-23:59", to: null }]]],
      );
      assert.match((await it.alarms("plan")).stdout, /NoEffectiveInterval[\s\S]*deleted and made anew/);
      assert.equal((await it.alarms("status")).code, 1);
      it.writes();
      succeeded(await it.alarms("apply --yes"));
      assert.deepEqual(it.writes(), ["DeleteMetricRules", "PutCustomMetricRule"]);
      assert.deepEqual(it.account.snapshot(), after);
      succeeded(await it.alarms("apply --yes"));
      assert.deepEqual(it.writes(), []);
    });

    test("a rule that is made anew comes after a point where CloudMonitor has forgotten the series", async () => {
      await using it = await fleet();
      succeeded(await it.alarms(`apply --yes ${ONE}`));
      it.account.state.metricRules.get("softnet-dropped-warn-i-a")!.noEffectiveInterval = "00:00-23:59";
      (it.account.metrics.points as Map<string, object>).clear();
      it.writes();
      succeeded(await it.alarms("apply --yes"));
      assert.deepEqual(it.writes(), ["PutCustomMetric", "DeleteMetricRules", "PutCustomMetricRule"]);
    });

    for (const ruleId of ["softnet-critical-critical-i-a", "softnet-dropped-warn-i-a"]) {
      test(`the webhook of ${ruleId}, also where nobody says which is right`, async () => {
        await using it = await fleet();
        succeeded(await it.alarms(`apply --yes ${ONE} ${HOOK}`));
        const after = it.account.snapshot();
        const rule = it.account.state.metricRules.get(ruleId)!;
        rule.webhook = undefined;
        rule.updatedAtMs += 60_000;
        const steps = await planned(it, "");
        assert.deepEqual(
          steps.map(({ name, differences }) => [name, differences.map((each) => each.field)]),
          [[ruleId, ["Webhook"]]],
        );
        succeeded(await it.alarms("apply --yes"));
        assert.deepEqual(it.account.snapshot(), after);
      });
    }

    const OF_EVENT_RULE: readonly { readonly field: string; readonly change: (rule: EventRule) => void }[] = [
      {
        field: "SilenceTime",
        change: (rule) => {
          rule.silenceSeconds = 0;
        },
      },
      {
        field: "NameList",
        change: (rule) => {
          rule.patterns = [{ ...rule.patterns[0]!, names: ["softnet_warning"] }];
        },
      },
      ...(
        [
          ["CustomFilters", { customFilters: "Stopping" }],
          ["SQLFilter", { sqlFilter: "i-a and Executed" }],
          ["KeywordFilter", { keywordFilter: { relation: "OR", keywords: ["Stopping", "Starting"] } }],
        ] as const
      ).map(([field, filter]) => ({
        field,
        change: (rule: EventRule): void => {
          rule.patterns = [{ ...rule.patterns[0]!, ...filter }];
        },
      })),
      {
        field: "Level",
        change: (rule) => {
          rule.targets = rule.targets.map((target) =>
            target.kind === "contact" ? { ...target, level: "4" } : target,
          );
        },
      },
      {
        field: "Url",
        change: (rule) => {
          rule.targets = rule.targets.map((target) =>
            target.kind === "webhook" ? { ...target, url: "https://elsewhere.example.com/" } : target,
          );
        },
      },
    ];
    for (const { field, change } of OF_EVENT_RULE) {
      test(`${field} of the rule on the fleet's event`, async () => {
        await using it = await fleet();
        const wish = `--fleet-only ${WHO} ${HOOK}`;
        succeeded(await it.alarms(`apply --yes ${wish}`));
        const after = it.account.snapshot();
        change(it.account.state.eventRules.get("softnet-fleet-critical")!);
        const steps = await planned(it, wish);
        assert.deepEqual(
          steps.flatMap(({ differences }) => differences.map((each) => each.field)),
          [field],
        );
        succeeded(await it.alarms(`apply --yes ${wish}`));
        assert.deepEqual(it.account.snapshot(), after);
      });
    }

    test("our contact that somebody took out of the group", async () => {
      await using it = await fleet();
      const wish = `${ONE} --contact-group ${THEIR_GROUP}`;
      succeeded(await it.alarms(`apply --yes ${wish}`));
      it.account.state.contactGroups.get(THEIR_GROUP)!.contacts = ["bob"];
      const [step, ...others] = await planned(it, wish);
      assert.deepEqual(others, []);
      assert.deepEqual(
        [step!.kind, step!.differences.map(({ field }) => field)],
        ["group", ["ContactNames"]],
      );
      succeeded(await it.alarms(`apply --yes ${wish}`));
      assert.equal(it.account.state.contactGroups.get(THEIR_GROUP)!.contacts.length, 2);
    });

    test("an address of our contact", async () => {
      await using it = await fleet();
      succeeded(await it.alarms(`apply --yes ${ONE}`));
      const contact = it.account.state.contacts.get("softnet_oncall")!;
      contact.channels = {
        Mail: { value: "wrong@example.com", state: "OK" },
        SMS: { value: "86-13800138000", state: "OK" },
      };
      const steps = await planned(it, ONE);
      assert.deepEqual(
        steps.map(({ kind, differences }) => [kind, differences]),
        [["contact", [{ field: "Mail", from: "wrong@example.com", to: "ops@example.com" }]]],
      );
      succeeded(await it.alarms(`apply --yes ${ONE}`));
      assert.equal(it.account.state.contacts.get("softnet_oncall")!.channels.Mail!.value, "ops@example.com");
      assert.equal(it.account.state.contacts.get("softnet_oncall")!.channels.SMS!.state, "OK");
    });
  });

  test("the rule on the fleet's event tells of every instance, with what the event says, and not of the first event", async () => {
    await using it = await fleet();
    succeeded(await it.alarms(`apply --yes --fleet-only ${WHO}`));
    it.account.activate("softnet_oncall", "Mail");
    const cloudMonitor = connectCloudMonitor({
      endpoints: [it.cloud.url],
      regionId: "cn-hangzhou",
      credentials: () => Promise.resolve(credentialsOf(USER)),
      timeoutMs: 5000,
    });
    for (const instanceId of ["i-a", "i-b"]) {
      const content = `${instanceId}: CPU 0 drops 250 packets/s`;
      const event = { name: "softnet_critical", groupId: "0", atMs: Date.now(), content } as const;
      assert.deepEqual(await cloudMonitor.putEvents([event]), { kind: "accepted" });
      it.later(120_000);
    }
    assert.deepEqual(
      it.account.outbox.notifications.map(({ level, channel, text }) => [level, channel, text]),
      [
        ["CRITICAL", "Mail", "i-a: CPU 0 drops 250 packets/s"],
        ["CRITICAL", "Mail", "i-b: CPU 0 drops 250 packets/s"],
      ],
    );
  });
});

describe("softnet alarms on a cloud in trouble", { concurrency: true }, () => {
  const CUT: Fault = {
    name: "cut",
    taken: false,
    how: jsonAnswer(400, { RequestId: "FAULT", Code: "OperationDenied", Message: "not now" }),
  };

  for (const { name, wish } of WISHES) {
    test(`for ${name}: after a failure at any call, apply run again comes to the same end`, async () => {
      const { end, calls } = await undisturbed(wish);
      for (let nth = 0; nth < calls; nth++) {
        await using it = await fleet();
        it.cloud.failBy((count) => (count === nth ? CUT : undefined));
        const { code, stdout } = await it.alarms(`apply --yes ${wish}`);
        if (code === 0) {
          // The last write was done before.
          assert.match(stdout, /changes? made\.[\s\S]*could not be read/, `call ${nth}`);
          assert.deepEqual(it.account.snapshot(), end, `call ${nth}`);
        } else assert.equal(code, 2, `call ${nth}`);
        it.cloud.failBy(() => undefined);
        succeeded(await it.alarms(`apply --yes ${wish}`));
        assert.deepEqual(it.account.snapshot(), end, `call ${nth}`);
      }
    });
  }

  for (const { name, wish } of WISHES) {
    test(`for ${name}, paused: no failure at any call wakes a rule, and apply run again writes nothing`, async () => {
      const paused = async (): Promise<Team> => {
        const it = await fleet();
        succeeded(await it.alarms(`apply --yes ${wish}`));
        succeeded(await it.alarms("pause --yes"));
        for (const rule of it.account.state.metricRules.values()) {
          if (rule.ruleId.startsWith("softnet-dropped")) rule.threshold = "7";
        }
        const eventRule = it.account.state.eventRules.get("softnet-fleet-critical");
        if (eventRule) eventRule.silenceSeconds = 7200;
        return it;
      };
      const isAwake = ({ account }: Team): boolean =>
        [...account.state.metricRules.values()].some(
          (rule) => rule.enabled && rule.ruleId.startsWith("softnet-"),
        ) || account.state.eventRules.get("softnet-fleet-critical")?.state === "ENABLED";
      for (let nth = 0; ; nth++) {
        await using it = await paused();
        it.cloud.failBy((count) => (count === nth ? CUT : undefined));
        const { code } = await it.alarms(`apply --yes ${wish}`);
        assert.equal(isAwake(it), false, `call ${nth}`);
        it.cloud.failBy(() => undefined);
        succeeded(await it.alarms(`apply --yes ${wish}`));
        assert.equal(isAwake(it), false, `call ${nth}`);
        it.writes();
        succeeded(await it.alarms(`apply --yes ${wish}`));
        assert.deepEqual(it.writes(), [], `call ${nth}`);
        if (code !== 0) continue;
        succeeded(await it.alarms("resume --yes"));
        succeeded(await it.alarms(`apply --yes ${wish}`));
        assert.deepEqual(it.account.snapshot(), (await undisturbed(wish)).end);
        break;
      }
    });
  }

  test("that does not answer a write which it took, and later with a page of HTML: apply comes to the same end", async () => {
    const { end } = await undisturbed(ONE);
    await using it = await fleet();
    const troubles: readonly Fault[] = [
      { name: "stall", taken: true, how: "stall" },
      { name: "html", taken: true, how: UNCLEAR_FAULTS.unavailableHtml },
      { name: "throttled", taken: false, how: CLEAR_FAULTS.throttled },
    ];
    let writes = 0;
    it.cloud.failBy((_, action = "") => (action.startsWith("Put") ? troubles[writes++] : undefined));
    succeeded(await it.alarms(`apply --yes ${ONE}`));
    assert.deepEqual(it.account.snapshot(), end);
  });

  test("that fails in the middle of destroy: destroy run again leaves the account as it was", async () => {
    for (let nth = 0; ; nth++) {
      await using it = await fleet();
      const before = it.account.snapshot();
      succeeded(await it.alarms(`apply --yes ${ONE} --contact-group ${THEIR_GROUP}`));
      it.cloud.failBy((count) => (count === nth ? CUT : undefined));
      const { code } = await it.alarms("destroy --yes");
      it.cloud.failBy(() => undefined);
      if (code === 0) break;
      assert.equal(code, 2);
      succeeded(await it.alarms("destroy --yes"));
      assert.deepEqual(it.account.snapshot(), before, `call ${nth}`);
    }
  });
});

describe("softnet alarms without a grant", { concurrency: true }, () => {
  const APPLIED = `apply --yes --with-squeezed ${ONE} ${HOOK} --contact-group ${THEIR_GROUP}`;
  const VERBS: readonly {
    readonly line: string;
    readonly after?: readonly string[];
    readonly spoil?: (it: Team) => void;
  }[] = [
    { line: `plan ${ONE}` },
    { line: APPLIED },
    { line: `apply --yes --from-tag app=web ${WHO}` },
    { line: `apply --yes --fleet-only ${WHO} ${HOOK}` },
    { line: "apply --yes --fleet-only --webhook off", after: [`apply --yes --fleet-only ${WHO} ${HOOK}`] },
    { line: "status", after: [APPLIED] },
    { line: "pause --yes", after: [APPLIED] },
    { line: "resume --yes", after: [APPLIED, "pause --yes"] },
    { line: "destroy --yes", after: [APPLIED] },
    { line: "destroy --yes", after: [`apply --yes ${ONE}`] },
    { line: "pause --yes", after: [`apply --yes --fleet-only ${WHO}`] },
    { line: "resume --yes", after: [`apply --yes --fleet-only ${WHO}`, "pause --yes"] },
    { line: "destroy --yes", after: [`apply --yes --fleet-only ${WHO}`] },
    {
      line: APPLIED,
      after: [APPLIED, "pause --yes"],
      spoil: ({ account }) => {
        account.state.metricRules.get("softnet-dropped-warn-i-a")!.threshold = "5";
      },
    },
  ];

  for (const { line, after = [], spoil } of VERBS) {
    test(`${line} names the action that it may not take, whichever it is${after.length > 0 ? `, after ${after.at(-1)}` : ""}`, async () => {
      const ready = async (explainsDenials: boolean): Promise<Team> => {
        const it = await fleet({ explainsDenials });
        for (const each of after) succeeded(await it.alarms(each));
        spoil?.(it);
        return it;
      };
      await using free = await ready(false);
      const before = free.cloud.requests.length;
      const { code } = await free.alarms(line);
      assert.ok(code === 0 || code === 1);
      const actions = new Set(free.cloud.requests.slice(before).map(ramActionOf));
      // It needs no grant.
      actions.delete("sts:GetCallerIdentity");
      assert.ok(actions.size > 1);
      for (const missing of actions) {
        await using it = await ready(missing.length % 2 === 0);
        it.users[0] = { ...USER, allowed: [...actions].filter((action) => action !== missing) };
        const { code: refused, stdout, stderr } = await it.alarms(`${line} --json`);
        assert.equal(refused, 2, missing);
        assert.equal(
          stdout === "" ? stderr.includes(missing) : stdout.includes(missing),
          true,
          `${missing}: ${stdout}${stderr}`,
        );
        assert.ok(!`${stdout}${stderr}`.includes("    at "), stderr);
      }
    });
  }
});

async function undisturbed(wish: string): Promise<{ readonly end: unknown; readonly calls: number }> {
  await using it = await fleet();
  succeeded(await it.alarms(`apply --yes ${wish}`));
  return {
    end: it.account.snapshot(),
    calls: it.cloud.requests.filter(({ action }) => action !== undefined).length,
  };
}

function ramActionOf({
  action,
  version,
}: {
  readonly action: string | undefined;
  readonly version: string | undefined;
}): string {
  const product = { "2019-01-01": "cms", "2014-05-26": "ecs", "2015-04-01": "sts" }[version ?? ""];
  return `${product}:${action}`;
}
