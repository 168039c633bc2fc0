import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  type AlarmAccount,
  type CloudRule,
  type Contact,
  type ContactGroup,
  type EventRule,
  marked,
} from "../../src/core/alarm-account.ts";
import { fleetChange } from "../../src/core/alarm-fleet.ts";
import { contactNameFor, DEFAULT_GROUP, groupOfContact } from "../../src/core/alarm-contacts.ts";
import { type AlarmPlan, planAlarms, planSwitching } from "../../src/core/alarm-plan.ts";
import { type AlarmStep, maskedUrl } from "../../src/core/alarm-steps.ts";
import type { AlarmWish, Reported } from "../../src/core/alarm-wish.ts";
import { planRemoval } from "../../src/core/alarm-removal.ts";

const REGION = "cn-hangzhou";
const EMPTY: AlarmAccount = { contacts: [], groups: [], rules: [], eventRules: [] };
const NOTHING_REPORTED: Reported = { hasData: () => false, hasEvent: false };
const ALL_REPORTED: Reported = { hasData: () => true, hasEvent: true };

function wish(changes: Partial<AlarmWish> = {}): AlarmWish {
  return {
    regionId: REGION,
    seriesGroupId: 0,
    contactGroup: undefined,
    mail: "ops@example.com",
    phone: undefined,
    contactLang: "en",
    webhook: undefined,
    site: "china",
    coverage: covering("i-1"),
    ...changes,
  };
}

function covering(...instanceIds: string[]): AlarmWish["coverage"] {
  return { kind: "instances", instanceIds, withSqueezed: false, goneIds: [] };
}

const AS_IT_IS = { mail: undefined, phone: undefined } as const;

/** What the account holds when every step has been carried out. */
function after(account: AlarmAccount, steps: readonly AlarmStep[]): AlarmAccount {
  let { contacts, groups, rules, eventRules } = account;
  for (const step of steps) {
    if (step.action === "delete") {
      contacts = contacts.filter((each) => step.kind !== "contact" || each.name !== step.name);
      groups = groups
        .filter((each) => step.kind !== "group" || each.name !== step.name)
        .map((each) =>
          step.kind === "contact"
            ? { ...each, members: each.members.filter((one) => one !== step.name) }
            : each,
        );
      rules = rules.filter((each) => step.kind !== "rule" || each.ruleId !== step.name);
      eventRules = eventRules
        .filter((each) => step.kind !== "event-rule" || each.name !== step.name)
        .map((each) => ({
          ...each,
          webhookTargets: each.webhookTargets.filter(({ id }) => step.kind !== "target" || id !== step.name),
        }));
    } else if (step.kind === "contact") {
      const { mail, phone, ...rest } = step.contact;
      const channel = (value: string | undefined): Contact["mail"] =>
        (value && { value: undefined, isPending: true }) || undefined;
      const contact = { ...rest, name: step.name, mail: channel(mail), phone: channel(phone), groups: [] };
      contacts = [...contacts.filter(({ name }) => name !== step.name), contact];
    } else if (step.kind === "group") {
      const { name, description, members, isSubscribed } = step;
      groups = [
        ...groups.filter((group) => group.name !== name),
        { name, description, members, isSubscribed },
      ];
    } else if (step.kind === "rule" && "fields" in step) {
      const rule = {
        ruleId: step.name,
        fields: step.fields,
        isEnabled: true,
        state: undefined,
        writtenAtMs: 1000,
      };
      rules = [...rules.filter(({ ruleId }) => ruleId !== step.name), rule];
    } else if (step.kind === "event-rule" && "fields" in step) {
      const { name, fields, isEnabled } = step;
      const found = eventRules.find((each) => each.name === name);
      const targets = found ?? { contactTargets: [], webhookTargets: [] };
      eventRules = [
        ...eventRules.filter((each) => each.name !== name),
        { ...targets, name, fields, isEnabled },
      ];
    } else if (step.kind === "target") {
      eventRules = eventRules.map((each) => withTarget(each, step.target));
    }
  }
  contacts = contacts.map((contact) => ({
    ...contact,
    groups: groups.filter(({ members }) => members.includes(contact.name)).map(({ name }) => name),
  }));
  return { contacts, groups, rules, eventRules };
}

function withTarget(
  rule: EventRule,
  target: EventRule["contactTargets"][number] | EventRule["webhookTargets"][number],
): EventRule {
  return "Url" in target
    ? { ...rule, webhookTargets: [...rule.webhookTargets.filter(({ id }) => id !== target.id), target] }
    : { ...rule, contactTargets: [...rule.contactTargets.filter(({ id }) => id !== target.id), target] };
}

function shortly({ steps }: { readonly steps: readonly AlarmStep[] }): readonly string[] {
  return steps.map(({ kind, action, name }) => `${action} ${kind} ${name}`);
}

function planned(asked: AlarmWish, account: AlarmAccount, reported = ALL_REPORTED): AlarmPlan {
  return planAlarms(asked, account, reported);
}

function applied(asked: AlarmWish = wish(), account: AlarmAccount = EMPTY): AlarmAccount {
  return after(account, planned(asked, account).steps);
}

function ruleChanged(
  account: AlarmAccount,
  ruleId: string,
  change: (rule: CloudRule) => CloudRule,
): AlarmAccount {
  return { ...account, rules: account.rules.map((rule) => (rule.ruleId === ruleId ? change(rule) : rule)) };
}

const FOREIGN_CONTACT: Contact = {
  name: "alice",
  description: "Alice of operations",
  lang: "en",
  mail: { value: "alice@example.com", isPending: false },
  phone: undefined,
  others: {},
  groups: ["ops"],
};
const FOREIGN_GROUP: ContactGroup = {
  name: "ops",
  description: "operations",
  members: ["alice"],
  isSubscribed: true,
};
const FOREIGN_RULE: CloudRule = {
  ...applied().rules[0]!,
  ruleId: "their-rule",
  fields: { ...applied().rules[0]!.fields, RuleName: "theirs", ContactGroups: "ops" },
};
const SOMEBODYS: AlarmAccount = {
  ...EMPTY,
  contacts: [FOREIGN_CONTACT],
  groups: [FOREIGN_GROUP],
  rules: [FOREIGN_RULE],
};

const CRITICAL_ID = "softnet-critical-critical-i-1";
const DROPPED_ID = "softnet-dropped-warn-i-1";

describe("a plan for instances", () => {
  test("makes contact, group, first points and rules, in the order in which each needs the one before", () => {
    assert.deepEqual(shortly(planned(wish(), EMPTY, NOTHING_REPORTED)), [
      "create contact softnet_oncall",
      "create group softnet_oncall",
      "send data i-1",
      `create rule ${CRITICAL_ID}`,
      `create rule ${DROPPED_ID}`,
    ]);
  });

  test("sends a first point only to the series that have none", () => {
    const reported: Reported = { hasData: (metric) => metric === "softnet_severity", hasEvent: false };
    const data = planned(wish(), EMPTY, reported).steps.find(({ kind }) => kind === "data");
    assert.deepEqual(data && "metricNames" in data && data.metricNames, ["softnet_dropped_per_second"]);
  });

  test("is empty after it was carried out", () => {
    const asked = wish({ phone: "86-13800138000", webhook: "https://example.com/hook" });
    assert.deepEqual(planned(asked, applied(asked)).steps, []);
  });

  test("says what is lost, where, and what mends it, in both languages", () => {
    const { RuleName, EmailSubject } = applied().rules[0]!.fields;
    assert.match(RuleName, /^softnet i-1 cn-hangzhou .*drop.* .*丢包/);
    assert.match(
      EmailSubject,
      /i-1.*lost.*softnet diagnose.*sudo softnet remedy apply.*丢包.*softnet remedy apply/,
    );
    assert.ok(EmailSubject.length < 250);
  });

  test("adds the rule on squeezes when it is asked for, and leaves it when nobody says so later", () => {
    const coverage = { ...covering("i-1"), withSqueezed: true } as AlarmWish["coverage"];
    const account = applied(wish({ coverage }));
    assert.ok(account.rules.some(({ ruleId }) => ruleId === "softnet-squeezed-info-i-1"));
    assert.deepEqual(planned(wish(), account).steps, []);
    const changed = ruleChanged(account, "softnet-squeezed-info-i-1", (rule) => ({
      ...rule,
      fields: { ...rule.fields, Threshold: "5" },
    }));
    assert.equal(planned(wish(), changed).steps.length, 1);
  });

  const FIELDS = [
    "RuleName",
    "MetricName",
    "Statistics",
    "ComparisonOperator",
    "Threshold",
    "EvaluationCount",
    "Level",
    "Period",
    "SilenceTime",
    "EffectiveInterval",
    "NoEffectiveInterval",
    "EmailSubject",
    "Resources",
    "ContactGroups",
    "Webhook",
  ] as const;
  for (const field of FIELDS) {
    test(`shows ${field} alone where that was changed by hand`, () => {
      const account = ruleChanged(applied(), DROPPED_ID, (rule) => ({
        ...rule,
        writtenAtMs: 2000,
        fields: { ...rule.fields, [field]: "by hand" },
      }));
      const { steps } = planned(wish(AS_IT_IS), account);
      assert.deepEqual(shortly({ steps }), [`update rule ${DROPPED_ID}`]);
      assert.deepEqual(
        steps[0]!.differences.map((difference) => [difference.field, difference.from]),
        [[field, field === "Webhook" ? maskedUrl("by hand") : "by hand"]],
      );
    });
  }

  for (const byHand of ["https://elsewhere.example.com/", ""]) {
    test(`takes a webhook that was changed by hand to ${byHand || "nothing"} for no wish`, () => {
      const before = applied(wish({ webhook: "https://example.com/hook" }));
      const changed = (writtenAtMs: number | undefined) =>
        ruleChanged(before, DROPPED_ID, (rule) => ({
          ...rule,
          writtenAtMs,
          fields: { ...rule.fields, Webhook: byHand },
        }));
      assert.deepEqual(shortly(planned(wish(AS_IT_IS), changed(2000))), [`update rule ${DROPPED_ID}`]);
      // Where nobody knows which was first, none is taken away.
      const [step] = planned(wish(AS_IT_IS), changed(undefined)).steps;
      assert.ok(step?.kind === "rule" && "fields" in step && step.fields.Webhook !== "");
    });
  }

  test("leaves webhook and group as they are where nobody says anything", () => {
    const account = applied(wish({ webhook: "https://example.com/hook" }));
    assert.deepEqual(planned(wish(AS_IT_IS), account).steps, []);
    assert.equal(planned(wish({ ...AS_IT_IS, webhook: "off" }), account).steps.length, 2);
    assert.equal(
      planned(wish({ ...AS_IT_IS, coverage: covering("i-1", "i-2") }), account).contactGroups[0],
      DEFAULT_GROUP,
    );
  });

  test("does not show a webhook's secret", () => {
    const { steps } = planned(wish({ webhook: "https://hooks.example.com/s3cret?token=s3cret" }), EMPTY);
    assert.ok(!JSON.stringify(steps.map(({ differences }) => differences)).includes("s3cret"));
    assert.notEqual(maskedUrl("https://a.example/1"), maskedUrl("https://a.example/2"));
  });

  test("does not write a rule that is paused, shows what differs in it, and writes it when it is resumed", () => {
    const changed = ruleChanged(applied(), DROPPED_ID, (rule) => ({
      ...rule,
      fields: { ...rule.fields, Threshold: "7" },
    }));
    const paused = ruleChanged(changed, DROPPED_ID, (rule) => ({ ...rule, isEnabled: false }));
    const { steps, deferred } = planned(wish(), paused);
    assert.deepEqual(steps, []);
    assert.deepEqual(shortly({ steps: deferred }), [`update rule ${DROPPED_ID}`]);
    assert.deepEqual(deferred[0]!.differences, [{ field: "Threshold", from: "7", to: "0" }]);
    const resumed = planned(wish(), changed);
    assert.deepEqual(shortly(resumed), [`update rule ${DROPPED_ID}`]);
    assert.deepEqual(resumed.deferred, []);
    const onlyPaused = ruleChanged(applied(), DROPPED_ID, (rule) => ({ ...rule, isEnabled: false }));
    assert.deepEqual(planned(wish(), onlyPaused).deferred, []);
  });

  for (const { flag, asked, ids } of [
    { flag: "--webhook", asked: { webhook: "https://example.com/new" }, ids: ["i-1"] },
    { flag: "--group-id", asked: { seriesGroupId: 7 }, ids: ["i-1"] },
    { flag: "--contact-group", asked: { contactGroup: "ops" }, ids: ["i-1"] },
    { flag: "--webhook", asked: { webhook: "https://example.com/new" }, ids: ["i-1", "i-2", "i-3"] },
  ]) {
    test(`without flags does not take ${flag} back where all but CRITICAL of ${ids.join(", ")} is paused and waits`, () => {
      const coverage = { ...covering(...ids), withSqueezed: true } as AlarmWish["coverage"];
      const before = applied(wish({ webhook: "https://example.com/old", coverage }));
      const paused: AlarmAccount = {
        ...before,
        rules: before.rules.map((rule) => ({ ...rule, isEnabled: rule.fields.Level === "CRITICAL" })),
      };
      const { steps } = planned(wish({ ...AS_IT_IS, ...asked, coverage }), paused);
      const written = after(paused, steps);
      const rules = written.rules.map((rule) => ({
        ...rule,
        writtenAtMs: rule.fields.Level === "CRITICAL" ? 2000 : 1000,
      }));
      const flagless = wish({ ...AS_IT_IS, seriesGroupId: undefined, coverage: covering(...ids) });
      const again = planned(flagless, { ...written, rules });
      assert.deepEqual(again.steps, []);
      assert.equal(again.deferred.length, 2 * ids.length);
    });
  }

  test("takes the rules of instances away that are gone, in this region only", () => {
    const both = applied(wish({ coverage: covering("i-1", "i-2") }));
    const elsewhere = after(
      both,
      planAlarms(wish({ regionId: "cn-beijing", coverage: covering("i-3") }), both, ALL_REPORTED).steps,
    );
    const coverage = { ...covering("i-2"), goneIds: ["i-1", "i-3"] } as AlarmWish["coverage"];
    assert.deepEqual(shortly(planned(wish({ coverage }), elsewhere)), [
      `delete rule ${CRITICAL_ID}`,
      `delete rule ${DROPPED_ID}`,
    ]);
  });
});

describe("a contact", () => {
  test("is not written again while its link waits, although its address cannot be read", () => {
    const account = applied();
    assert.equal(account.contacts[0]!.mail?.value, undefined);
    assert.deepEqual(planned(wish(), account).steps, []);
  });

  test("is written when the address is another one, pending or not", () => {
    const { steps } = planned(wish({ mail: "other@example.com" }), applied());
    assert.deepEqual(shortly({ steps }), ["update contact softnet_oncall"]);
    assert.deepEqual(
      steps[0]!.differences.find(({ field }) => field === "Mail"),
      { field: "Mail", from: "ops@example.com", to: "other@example.com" },
    );
  });

  test("keeps what is not spoken of: the other channels, and the chat that somebody added", () => {
    const account = applied(wish({ phone: "86-13800138000" }));
    const [contact] = account.contacts;
    const withChat = { ...account, contacts: [{ ...contact!, others: { dingWebHook: "https://d" } }] };
    const [step] = planned(wish({ mail: "other@example.com" }), withChat).steps;
    assert.ok(step?.kind === "contact" && "contact" in step);
    assert.equal(step.contact.phone, "86-13800138000");
    assert.deepEqual(step.contact.others, { dingWebHook: "https://d" });
  });

  test("of somebody else is never written over", () => {
    const account = { ...EMPTY, contacts: [{ ...FOREIGN_CONTACT, name: "softnet_oncall" }] };
    assert.deepEqual(
      planned(wish(), account).obstacles.map(({ code }) => code),
      ["name-taken"],
    );
  });

  for (const [group, name] of [
    ["softnet_oncall", "softnet_oncall"],
    ["ops", "softnet_for_ops"],
    ["oncall", "softnet_for_oncall"],
    ["运维组", /^softnet_for_[A-Za-z0-9_]{1,28}$/],
    ["a group with a very long name that goes on", /^softnet_for_[A-Za-z0-9_]{1,28}$/],
  ] as const) {
    test(`of the group ${group} has a name that CloudMonitor takes`, () => {
      if (typeof name === "string") assert.equal(contactNameFor(group), name);
      else assert.match(contactNameFor(group), name);
      const account = applied(wish({ contactGroup: group }));
      assert.equal(groupOfContact(account.contacts[0]!), group);
    });
  }
});

describe("a contact group", () => {
  test("of somebody else gets our contact beside its members and keeps its words", () => {
    const { steps } = planned(wish({ contactGroup: "ops" }), SOMEBODYS);
    const step = steps.find(({ kind }) => kind === "group");
    assert.ok(step?.kind === "group" && "members" in step);
    assert.deepEqual(step.members, ["alice", "softnet_for_ops"]);
    assert.equal(step.description, "operations");
    assert.equal(step.isSubscribed, true);
  });

  test("that exists is enough: nobody has to be added", () => {
    const { steps, obstacles } = planned(wish({ ...AS_IT_IS, contactGroup: "ops" }), SOMEBODYS);
    assert.deepEqual(obstacles, []);
    assert.deepEqual(
      steps.map(({ kind }) => kind),
      ["rule", "rule"],
    );
  });

  test("with nobody in it is no plan", () => {
    const { obstacles } = planned(wish(AS_IT_IS), EMPTY);
    assert.deepEqual(
      obstacles.map(({ code }) => code),
      ["contact-group-missing"],
    );
  });

  test("that lost our contact by hand gets it back", () => {
    const account = applied();
    const emptied = { ...account, groups: account.groups.map((group) => ({ ...group, members: ["bob"] })) };
    const { steps } = planned(wish(AS_IT_IS), emptied);
    assert.deepEqual(steps[0]!.differences, [
      { field: "ContactNames", from: "bob", to: "bob,softnet_oncall" },
    ]);
  });
});

describe("one rule for the fleet", () => {
  const fleet = wish({ coverage: { kind: "fleet" }, webhook: "https://example.com/hook" });

  test("comes after a first event, with its targets, and before the rules go that it replaces", () => {
    assert.deepEqual(shortly(planned(fleet, applied(), NOTHING_REPORTED)), [
      "send event softnet_critical",
      "create event-rule softnet-fleet-critical",
      "create target 7501",
      "create target 7502",
      `delete rule ${CRITICAL_ID}`,
      `delete rule ${DROPPED_ID}`,
    ]);
  });

  test("is in step after it was carried out, and paused stays paused", () => {
    const account = applied(fleet);
    assert.deepEqual(planned(fleet, account, NOTHING_REPORTED).steps, []);
    const paused = {
      ...account,
      eventRules: account.eventRules.map((rule) => ({
        ...rule,
        isEnabled: false,
        fields: { ...rule.fields, SilenceTime: "7200" },
      })),
    };
    const [step] = planned(fleet, paused).steps;
    assert.ok(step?.kind === "event-rule" && "isEnabled" in step && !step.isEnabled);
    assert.deepEqual(step.differences, [{ field: "SilenceTime", from: "7200", to: "60" }]);
  });

  test("remembers whom it tells and which application group, and gets its description back", () => {
    const asked = { ...fleet, contactGroup: "ops", mail: undefined, seriesGroupId: 7 };
    const account = applied(asked, {
      ...SOMEBODYS,
      contacts: [...SOMEBODYS.contacts, ...applied().contacts],
    });
    const plain = { ...fleet, ...AS_IT_IS, seriesGroupId: undefined };
    assert.deepEqual(planned(plain, account).steps, []);
    const [rule] = account.eventRules;
    const byHand = (fields: Partial<EventRule["fields"]>): AlarmAccount => ({
      ...account,
      eventRules: [{ ...rule!, fields: { ...rule!.fields, ...fields } }],
    });
    assert.deepEqual(planned(plain, byHand({ GroupId: "9" })).steps[0]!.differences, [
      { field: "GroupId", from: "9", to: "7" },
    ]);
    const [mended, ...others] = planned(plain, byHand({ Description: marked("by hand") })).steps;
    assert.deepEqual(others, []);
    assert.deepEqual(mended!.differences, [
      { field: "Description", from: marked("by hand"), to: rule!.fields.Description },
    ]);
  });

  test("asks for the level of the site", () => {
    const levelOn = (site: AlarmWish["site"]): string | undefined =>
      applied(wish({ coverage: { kind: "fleet" }, site })).eventRules[0]!.contactTargets[0]!.Level;
    assert.equal(levelOn("china"), "2");
    assert.equal(levelOn("intl"), "4");
  });

  test("loses its webhook when that is switched off", () => {
    const account = applied(fleet);
    assert.deepEqual(shortly(planned({ ...fleet, webhook: "off" }, account)), ["delete target 7502"]);
  });

  test("stands beside no rule on an instance", () => {
    const { obstacles } = planned(wish(), applied(fleet));
    assert.deepEqual(
      obstacles.map(({ code }) => code),
      ["fleet-rule-in-place"],
    );
  });
});

describe("pausing", () => {
  test("switches what is on, and nothing twice", () => {
    const account = applied(wish({ coverage: covering("i-1", "i-2") }));
    const some = planSwitching("pause", ["i-1"], account, REGION);
    assert.deepEqual(shortly({ steps: some }), [`pause rule ${CRITICAL_ID}`, `pause rule ${DROPPED_ID}`]);
    const paused = { ...account, rules: account.rules.map((rule) => ({ ...rule, isEnabled: false })) };
    assert.deepEqual(planSwitching("pause", undefined, paused, REGION), []);
    assert.equal(planSwitching("resume", undefined, paused, REGION).length, 4);
  });

  test("covers the fleet's rule, and leaves it where instances are named", () => {
    const account = applied(wish({ coverage: { kind: "fleet" } }));
    assert.deepEqual(shortly({ steps: planSwitching("pause", undefined, account, REGION) }), [
      "pause event-rule softnet-fleet-critical",
    ]);
    assert.deepEqual(planSwitching("pause", ["i-1"], account, REGION), []);
  });
});

function removed(account: AlarmAccount): AlarmAccount {
  return after(account, planRemoval(account, REGION, undefined).steps);
}

describe("a removal", () => {
  for (const [name, asked] of [
    ["rules per instance", wish({ phone: "86-13800138000", webhook: "https://example.com/hook" })],
    ["our contact in their group", wish({ contactGroup: "ops" })],
    ["their group alone", wish({ ...AS_IT_IS, contactGroup: "ops" })],
    ["one rule for the fleet", wish({ coverage: { kind: "fleet" } })],
  ] as const) {
    test(`leaves the account as it was: ${name}`, () => {
      assert.deepEqual(removed(applied(asked, SOMEBODYS)), SOMEBODYS);
    });
  }

  test("of one instance takes its rules and nothing else", () => {
    const account = applied(wish({ coverage: covering("i-1", "i-2") }));
    assert.deepEqual(shortly(planRemoval(account, REGION, ["i-1"])), [
      `delete rule ${CRITICAL_ID}`,
      `delete rule ${DROPPED_ID}`,
    ]);
  });

  test("leaves a contact that somebody put into another group", () => {
    const account = applied(wish(), SOMEBODYS);
    const shared = {
      ...account,
      contacts: account.contacts.map((one) =>
        one.name === "softnet_oncall" ? { ...one, groups: [...one.groups, "ops"] } : one,
      ),
      groups: account.groups.map((group) =>
        group.name === "ops" ? { ...group, members: ["alice", "softnet_oncall"] } : group,
      ),
    };
    const { steps, kept } = planRemoval(shared, REGION, undefined);
    assert.ok(!steps.some(({ kind }) => kind === "contact"));
    assert.deepEqual(
      kept.map(({ name }) => name),
      ["softnet_oncall"],
    );
  });

  test("takes our contact out of our group where others are in it, and leaves the group", () => {
    const account = applied();
    const joined = {
      ...account,
      groups: account.groups.map((group) => ({ ...group, members: [...group.members, "alice"] })),
    };
    const { steps, kept } = planRemoval(joined, REGION, undefined);
    assert.deepEqual(shortly({ steps: steps.filter(({ kind }) => kind !== "rule") }), [
      "update group softnet_oncall",
      "delete contact softnet_oncall",
    ]);
    assert.deepEqual(
      kept.map(({ kind, name }) => [kind, name]),
      [["group", "softnet_oncall"]],
    );
  });

  test("leaves our group with our contact where another rule calls it and nobody else would hear", () => {
    const account = applied();
    const used = {
      ...account,
      rules: [
        ...account.rules,
        { ...FOREIGN_RULE, fields: { ...FOREIGN_RULE.fields, ContactGroups: "softnet_oncall" } },
      ],
    };
    const { steps, kept } = planRemoval(used, REGION, undefined);
    assert.ok(steps.every(({ kind }) => kind === "rule"));
    assert.deepEqual(
      kept.map(({ kind }) => kind),
      ["group", "contact"],
    );
  });

  test("passes over what only looks like ours", () => {
    const account: AlarmAccount = {
      contacts: [{ ...FOREIGN_CONTACT, name: "softnet_oncall" }],
      groups: [{ ...FOREIGN_GROUP, name: DEFAULT_GROUP, members: ["softnet_oncall"] }],
      rules: [
        {
          ...FOREIGN_RULE,
          ruleId: "softnet-dropped-warn-my-own",
          fields: { ...FOREIGN_RULE.fields, RuleName: "mine" },
        },
      ],
      eventRules: [],
    };
    assert.deepEqual(planRemoval(account, REGION, undefined).steps, []);
  });

  test("leaves another region's rules, and the group that they call", () => {
    const account = applied(wish({ coverage: covering("i-1") }));
    const both = after(
      account,
      planned(wish({ regionId: "cn-beijing", coverage: covering("i-9") }), account).steps,
    );
    const left = removed(both);
    assert.deepEqual(left.rules.map(({ ruleId }) => ruleId).sort(), [
      "softnet-critical-critical-i-9",
      "softnet-dropped-warn-i-9",
    ]);
    assert.equal(left.groups.length, 1);
    assert.equal(left.contacts.length, 1);
  });
});

test("a description that somebody changed makes a contact theirs", () => {
  const contact = { ...FOREIGN_CONTACT, description: marked("something else") };
  assert.equal(groupOfContact(contact), undefined);
});

describe("a list of instances", () => {
  const ten = Array.from({ length: 10 }, (_, i) => `i-${i}`);
  for (const { name, ruled, listed, existing, most, gone, doubted } of [
    {
      name: "the same as before",
      ruled: ["a"],
      listed: ["a"],
      existing: [],
      most: undefined,
      gone: 0,
      doubted: false,
    },
    {
      name: "one is gone",
      ruled: ["a", "b"],
      listed: ["a"],
      existing: [],
      most: undefined,
      gone: 1,
      doubted: false,
    },
    {
      name: "one lost its tag and still exists",
      ruled: ["a", "b"],
      listed: ["a"],
      existing: ["b"],
      most: undefined,
      gone: 0,
      doubted: false,
    },
    {
      name: "an empty answer",
      ruled: ["a"],
      listed: [],
      existing: [],
      most: undefined,
      gone: 1,
      doubted: true,
    },
    {
      name: "an empty answer that is meant",
      ruled: ["a"],
      listed: [],
      existing: [],
      most: 1,
      gone: 1,
      doubted: false,
    },
    {
      name: "most are gone",
      ruled: ten,
      listed: ten.slice(0, 5),
      existing: [],
      most: undefined,
      gone: 5,
      doubted: true,
    },
    {
      name: "most are gone, as was said",
      ruled: ten,
      listed: ten.slice(0, 5),
      existing: [],
      most: 5,
      gone: 5,
      doubted: false,
    },
    { name: "none may go", ruled: ["a", "b"], listed: ["a"], existing: [], most: 0, gone: 1, doubted: true },
  ]) {
    test(`${doubted ? "is doubted" : "is believed"}: ${name}`, () => {
      const change = fleetChange(ruled, listed, existing, most);
      assert.equal(change.goneIds.length, gone);
      assert.equal(change.doubt !== undefined, doubted);
    });
  }
});
