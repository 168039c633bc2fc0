import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { connectCloudMonitor } from "../../src/cloud/cloudmonitor.ts";
import { hostEntries } from "../../src/core/metrics.ts";
import { POLICIES } from "../../src/policies.ts";
import { openAccount } from "../double/account.ts";
import type { AccountState, MetricRule } from "../double/account-state.ts";
import { type CloudUser, startCloudDouble } from "../double/cloud.ts";
import { CLEAR_FAULTS, type Fault, jsonAnswer, UNCLEAR_FAULTS } from "../double/faults.ts";
import { startImdsDouble } from "../double/imds.ts";
import { runSoftnet } from "../support/run-softnet.ts";
import { USER } from "./setup.ts";

const REGION = "cn-hangzhou";
const MAIL = ["--mail", "ops@example.com"];
const READING = /^(Describe|Get)/;

/** An account of the double, and `softnet alarms …` on it through the real SDK. */
async function alarms(user: CloudUser = USER, site: AccountState["site"] = "china") {
  const account = openAccount({ site });
  const cloud = await startCloudDouble({ users: [user], families: account.families });
  const env = {
    ALIBABA_CLOUD_ACCESS_KEY_ID: user.accessKeyId,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: user.accessKeySecret,
    ALIBABA_CLOUD_CLI_PROFILE_DISABLED: "true",
    SOFTNET_REGION: REGION,
    SOFTNET_ENDPOINT: cloud.url,
    SOFTNET_STS_ENDPOINT: cloud.url,
    SOFTNET_ECS_ENDPOINT: cloud.url,
    SOFTNET_IMDS: "http://127.0.0.1:9",
  };
  return {
    account,
    cloud,
    run: (verb: string, ...args: string[]) => runSoftnet(["alarms", verb, ...args], { env }),
    runWith: (more: Readonly<Record<string, string>>, verb: string, ...args: string[]) =>
      runSoftnet(["alarms", verb, ...args], { env: { ...env, ...more } }),
    /** On a terminal, where the question is answered so. */
    runAsked: (answer: string, verb: string, ...args: string[]) =>
      runSoftnet(["alarms", verb, ...args], { env, canAsk: true, ask: () => Promise.resolve(answer) }),
    /** On a terminal, where Ctrl-C comes in place of an answer. */
    runInterrupted: (abort: AbortController, verb: string, ...args: string[]) =>
      runSoftnet(["alarms", verb, ...args], {
        env,
        canAsk: true,
        ask: () => {
          abort.abort("SIGINT");
          return Promise.resolve(undefined);
        },
        signal: abort.signal,
      }),
    runUntil: (signal: AbortSignal, verb: string, ...args: string[]) =>
      runSoftnet(["alarms", verb, ...args], { env, signal }),
    writesSince: (nth: number) =>
      cloud.requests
        .slice(nth)
        .map(({ action }) => action ?? "")
        .filter((action) => !READING.test(action)),
    launch: (instanceId: string, tags: Record<string, string> = {}) =>
      account.state.instances.push({
        instanceId,
        regionId: REGION,
        instanceName: instanceId,
        instanceType: "ecs.g7.large",
        status: "Running",
        tags,
      }),
    [Symbol.asyncDispose]: () => cloud[Symbol.asyncDispose](),
  };
}

/** One of `softnet_severity`, of the minute that began so long ago. */
async function putPoint(it: Setup, instanceId: string, minutesAgo: number): Promise<void> {
  const startMs = Math.floor(Date.now() / 60_000 - minutesAgo) * 60_000;
  const zero = { sum: 0, elapsedSeconds: 60, rates: [0] };
  const who = { instanceId, groupId: 0, hostSeries: "severity" } as const;
  const entries = hostEntries({ period: "60", startMs }, { dropped: zero, squeezed: zero }, [0], who);
  assert.deepEqual(await cloudMonitorOf(it).putMetrics(entries), { kind: "accepted" });
}

type Setup = Awaited<ReturnType<typeof alarms>>;

/** What an agent speaks through. */
function cloudMonitorOf({ cloud }: Setup) {
  return connectCloudMonitor({
    endpoints: [cloud.url],
    regionId: REGION,
    credentials: () => Promise.resolve({ ...USER, securityToken: undefined }),
    timeoutMs: 5000,
  });
}

function rulesOf({ account }: Setup): readonly string[] {
  return [...account.state.metricRules.keys()].sort();
}

function steps(stdout: string): { kind: string; action: string; name: string; differences: unknown[] }[] {
  return JSON.parse(stdout).steps;
}

/** What others have in the account. */
function seed({ account }: Setup): void {
  const times = { createdAtMs: 1, updatedAtMs: 1 };
  const { state } = account;
  state.contacts.set("alice", {
    name: "alice",
    describe: "Alice",
    lang: "en",
    channels: { Mail: { value: "alice@example.com", state: "OK" } },
    ...times,
  });
  state.contactGroups.set("ops", {
    name: "ops",
    describe: "operations",
    contacts: ["alice"],
    enableSubscribed: true,
    ...times,
  });
  const rule: MetricRule = {
    ruleId: "their-rule",
    ruleName: "theirs",
    namespace: "acs_ecs_dashboard",
    metricName: "cpu_total",
    groupId: "0",
    resources: [],
    statistics: "Average",
    comparisonOperator: ">",
    threshold: "90",
    evaluationCount: 3,
    level: "WARN",
    contactGroups: ["ops"],
    periodSeconds: 60,
    silenceSeconds: 3600,
    effectiveInterval: "00:00-23:59",
    noEffectiveInterval: undefined,
    emailSubject: undefined,
    webhook: undefined,
    enabled: true,
    alertState: "OK",
    ...times,
  };
  state.metricRules.set(rule.ruleId, rule);
  state.eventRules.set("softnet-like", {
    name: "softnet-like",
    description: "theirs",
    eventType: "SYSTEM",
    groupId: undefined,
    silenceSeconds: 86_400,
    state: "ENABLED",
    patterns: [],
    targets: [{ kind: "contact", id: "1", contactGroup: "ops", level: "4" }],
  });
}

for (const [name, flags] of [
  ["rules per instance", ["--instance", "i-1", "--instance", "i-2", "--with-squeezed"]],
  ["one rule for the fleet", ["--fleet-only"]],
] as const) {
  // At the same time: the pauses before a repeat are long.
  describe(name, { concurrency: true }, () => {
    const wish = [...flags, ...MAIL, "--phone", "86-13800138000", "--webhook", "https://example.com/hook"];

    test("applied twice: the second time writes nothing", async () => {
      await using it = await alarms();
      assert.equal((await it.run("apply", ...wish, "--yes")).code, 0);
      const [before, snapshot] = [it.cloud.requests.length, it.account.snapshot()];
      assert.equal((await it.run("apply", ...wish, "--yes")).code, 0);
      assert.deepEqual(it.writesSince(before), []);
      assert.deepEqual(it.account.snapshot(), snapshot);
      assert.equal((await it.run("plan", ...wish)).code, 0);
      assert.equal((await it.run("plan")).code, 0);
    });

    test("destroyed: the account is as it was before, and what others have is untouched", async () => {
      await using it = await alarms();
      seed(it);
      const before = it.account.snapshot();
      for (const group of [[], ["--contact-group", "ops"]]) {
        assert.equal((await it.run("apply", ...wish, ...group, "--yes")).code, 0);
        assert.equal((await it.run("destroy", "--yes")).code, 0);
        assert.deepEqual(it.account.snapshot(), before);
      }
    });

    const FAULTS: readonly (readonly [string, Fault])[] = [
      ["throttled", { name: "throttled", taken: false, how: CLEAR_FAULTS.throttled }],
      ["failing before the work", { name: "internalError", taken: false, how: UNCLEAR_FAULTS.internalError }],
      ["failing after the work", { name: "internalError", taken: true, how: UNCLEAR_FAULTS.internalError }],
      ["losing the connection", { name: "reset", taken: true, how: "reset" }],
    ];
    for (const [trouble, fault] of FAULTS) {
      test(`a cloud that is ${trouble} now and then makes no difference`, async () => {
        await using clean = await alarms();
        await clean.run("apply", ...wish, "--yes");
        await using it = await alarms();
        it.cloud.failBy((nth) => (nth % 5 === 2 ? fault : undefined));
        assert.equal((await it.run("apply", ...wish, "--yes")).code, 0);
        assert.deepEqual(it.account.snapshot(), clean.account.snapshot());
      });
    }

    test("a cloud that stops in the middle: applied again, it goes on from there", async () => {
      await using clean = await alarms();
      await clean.run("apply", ...wish, "--yes");
      await using it = await alarms();
      for (let most = 1; most < 30; most += 3) {
        let writes = 0;
        // Refused for good: nobody waits for a repeat.
        it.cloud.failBy((_, action) =>
          !READING.test(action ?? "") && writes++ >= most
            ? { name: "refused", taken: false, how: { status: 403, body: '{"Code":"NoPermission"}' } }
            : undefined,
        );
        const { code, stderr } = await it.run("apply", ...wish, "--yes");
        if (code === 0) break;
        assert.match(stderr, /\d+ of \d+ changes made. Run it again/);
      }
      it.cloud.failBy(() => undefined);
      assert.equal((await it.run("apply", ...wish, "--yes")).code, 0);
      assert.deepEqual(it.account.snapshot(), clean.account.snapshot());
    });
  });
}

describe("one field that was changed by hand", () => {
  const CHANGES: readonly (readonly [string, Partial<MetricRule>])[] = [
    ["RuleName", { ruleName: "renamed" }],
    ["Statistics", { statistics: "Sum" }],
    ["ComparisonOperator", { comparisonOperator: ">=" }],
    ["Threshold", { threshold: "5" }],
    ["EvaluationCount", { evaluationCount: 5 }],
    ["Level", { level: "INFO" }],
    ["ContactGroups", { contactGroups: ["ops"] }],
    ["Period", { periodSeconds: 300 }],
    ["SilenceTime", { silenceSeconds: 600 }],
    ["EffectiveInterval", { effectiveInterval: "08:00-20:00" }],
    ["EmailSubject", { emailSubject: "another" }],
    ["Webhook", { webhook: "https://example.org/other" }],
  ];
  test("is what the plan shows, and nothing else; applied, it is as it was", async () => {
    await using it = await alarms();
    seed(it);
    await it.run("apply", "--instance", "i-1", ...MAIL, "--yes");
    const before = it.account.snapshot();
    for (const [field, change] of CHANGES) {
      Object.assign(it.account.state.metricRules.get("softnet-dropped-warn-i-1")!, change);
      const { code, stdout } = await it.run("plan", "--json");
      assert.equal(code, 1, field);
      assert.deepEqual(
        steps(stdout).map(({ kind, action, name, differences }) => [kind, action, name, differences.length]),
        [["rule", "update", "softnet-dropped-warn-i-1", 1]],
        field,
      );
      assert.equal((steps(stdout)[0]!.differences[0] as { field: string }).field, field);
      assert.equal((await it.run("apply", "--yes")).code, 0);
      assert.deepEqual(it.account.snapshot(), before, field);
    }
  });

  test("of the fleet's rule and its targets", async () => {
    await using it = await alarms();
    seed(it);
    await it.run("apply", "--fleet-only", ...MAIL, "--yes");
    const before = it.account.snapshot();
    const rule = it.account.state.eventRules.get("softnet-fleet-critical")!;
    rule.silenceSeconds = 7200;
    rule.targets = [{ kind: "contact", id: rule.targets[0]!.id, contactGroup: "ops", level: "2" }];
    const { stdout } = await it.run("plan");
    assert.match(stdout, /SilenceTime {2}7200 → 60/);
    assert.match(stdout, /ContactGroupName {2}ops → softnet_oncall/);
    await it.run("apply", "--yes");
    assert.deepEqual(it.account.snapshot(), before);
  });
});

describe("contacts", () => {
  test("a link that waits is said loudly, is not sent again, and goes when it is clicked", async () => {
    await using it = await alarms();
    const wish = ["--instance", "i-1", ...MAIL, "--phone", "86-13800138000"];
    assert.match((await it.run("apply", ...wish, "--yes")).stdout, /SILENT .*softnet_oncall/);
    await it.run("apply", ...wish, "--yes");
    assert.equal(it.account.state.activationLinks.length, 2);
    const pending = await it.run("status");
    assert.equal(pending.code, 1);
    assert.match(pending.stdout, /SILENT[\s\S]*Mail PENDING, SMS PENDING/);
    it.account.activate("softnet_oncall", "Mail");
    it.account.activate("softnet_oncall", "SMS");
    const active = await it.run("status");
    assert.doesNotMatch(active.stdout, /SILENT/);
    assert.equal(active.code, 0);
    assert.equal((await it.run("plan", ...wish)).code, 0);
  });

  test("members of a group that others made stay in it", async () => {
    await using it = await alarms();
    seed(it);
    await it.run("apply", "--instance", "i-1", ...MAIL, "--contact-group", "ops", "--yes");
    const { contacts, describe: words, enableSubscribed } = it.account.state.contactGroups.get("ops")!;
    assert.deepEqual([contacts, words, enableSubscribed], [["alice", "softnet_for_ops"], "operations", true]);
  });

  test("an answer without a list is not taken for an empty one: nothing is written", async () => {
    await using it = await alarms();
    seed(it);
    for (const torn of ["DescribeContactList", "DescribeContactGroupList", "DescribeMetricRuleList"]) {
      it.cloud.failBy((_, action) =>
        action === torn
          ? { name: "torn", taken: true, how: { status: 200, body: '{"Code":"200"}' } }
          : undefined,
      );
      const { code, stderr } = await it.run(
        "apply",
        "--instance",
        "i-1",
        ...MAIL,
        "--contact-group",
        "ops",
        "--yes",
      );
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`cms:${torn}: expected a list`));
    }
    assert.deepEqual(it.writesSince(0), []);
  });

  test("nobody to tell is refused before anything is written", async () => {
    await using it = await alarms();
    const { code, stderr, stdout } = await it.run("apply", "--instance", "i-1", "--yes");
    assert.deepEqual([code, stdout, it.writesSince(0)], [2, "", []]);
    assert.match(stderr, /--mail or --phone/);
  });
});

describe("paused rules", () => {
  test("of an instance without any: it is named, and the others are not said to be off", async () => {
    await using it = await alarms();
    await it.run("apply", "--instance", "i-1", ...MAIL, "--yes");
    const { code, stdout } = await it.run("pause", "--instance", "i-2", "--yes");
    assert.equal(code, 0);
    assert.match(stdout, /No rule of softnet for i-2 is switched on/);
  });

  test("stay paused when they are applied, are shown with what differs, and are written after they were resumed", async () => {
    await using it = await alarms();
    await it.run("apply", "--instance", "i-1", "--instance", "i-2", ...MAIL, "--yes");
    assert.equal((await it.run("pause", "--instance", "i-1", "--yes")).code, 0);
    const isOn = (id: string) => it.account.state.metricRules.get(`softnet-dropped-warn-${id}`)!.enabled;
    assert.deepEqual([isOn("i-1"), isOn("i-2")], [false, true]);
    it.account.state.metricRules.get("softnet-dropped-warn-i-1")!.threshold = "7";
    const plan = await it.run("plan");
    assert.equal(plan.code, 1);
    assert.match(
      plan.stdout,
      /^Waits +rule softnet-dropped-warn-i-1\n +Threshold {2}7 → 0\n[^]*After softnet alarms resume/,
    );
    const asked = it.cloud.requests.length;
    const applied = await it.run("apply", "--json", "--yes");
    assert.deepEqual([applied.code, it.writesSince(asked)], [0, []]);
    const { result, inStep, deferred } = JSON.parse(applied.stdout);
    assert.deepEqual([result, inStep, deferred.length], ["planned", false, 1]);
    assert.deepEqual([isOn("i-1"), isOn("i-2")], [false, true]);
    const status = await it.run("status");
    assert.match(status.stdout, /PAUSED/);
    assert.match(status.stdout, /Waits +rule softnet-dropped-warn-i-1\n +Threshold {2}7 → 0/);
    assert.equal(status.code, 1);
    await it.run("resume", "--yes");
    assert.ok(isOn("i-1"));
    assert.equal((await it.run("apply", "--yes")).code, 0);
    assert.equal(it.account.state.metricRules.get("softnet-dropped-warn-i-1")!.threshold, "0");
    assert.deepEqual([isOn("i-1"), isOn("i-2")], [true, true]);
    const before = it.cloud.requests.length;
    assert.equal((await it.run("resume", "--yes")).code, 0);
    assert.deepEqual(it.writesSince(before), []);
  });

  test("the fleet's rule too, although the list does not show it then", async () => {
    await using it = await alarms();
    await it.run("apply", "--fleet-only", ...MAIL, "--yes");
    await it.run("pause", "--yes");
    assert.equal(it.account.state.eventRules.get("softnet-fleet-critical")!.state, "DISABLED");
    assert.equal((await it.run("plan", "--fleet-only")).code, 0);
    await it.run("resume", "--yes");
    assert.equal(it.account.state.eventRules.get("softnet-fleet-critical")!.state, "ENABLED");
  });
});

describe("instances by their tag", () => {
  const TAGGED = ["--from-tag", "team=web", ...MAIL, "--yes"];

  test("new ones get rules, gone ones lose them, and one that lost its tag keeps them", async () => {
    await using it = await alarms();
    for (const id of ["i-1", "i-2", "i-3"]) it.launch(id, { team: "web" });
    it.launch("i-other", { team: "db" });
    await it.run("apply", ...TAGGED);
    assert.equal(rulesOf(it).length, 6);
    const { instances } = it.account.state;
    instances.splice(0, 1);
    instances.find(({ instanceId }) => instanceId === "i-2")!.tags = {};
    it.launch("i-4", { team: "web" });
    const { code, stdout } = await it.run("apply", ...TAGGED);
    assert.equal(code, 0);
    assert.match(stdout, /not in this list; they stay: i-2/);
    assert.deepEqual(rulesOf(it), [
      "softnet-critical-critical-i-2",
      "softnet-critical-critical-i-3",
      "softnet-critical-critical-i-4",
      "softnet-dropped-warn-i-2",
      "softnet-dropped-warn-i-3",
      "softnet-dropped-warn-i-4",
    ]);
  });

  test("more than a page of them", async () => {
    await using it = await alarms();
    for (let i = 0; i < 120; i++) it.launch(`i-${i}`, { team: "web" });
    const { code, stdout } = await it.run("plan", ...TAGGED.slice(0, -1));
    assert.equal(code, 1, stdout);
    assert.match(stdout, /114 more/);
  });

  test("an answer without any takes nothing away, unless that is said", async () => {
    await using it = await alarms();
    it.launch("i-1", { team: "web" });
    await it.run("apply", ...TAGGED);
    it.account.state.instances.length = 0;
    const before = it.cloud.requests.length;
    const { code, stderr } = await it.run("apply", ...TAGGED);
    assert.equal(code, 2);
    assert.match(stderr, /--max-removals 1/);
    assert.deepEqual(it.writesSince(before), []);
    assert.equal((await it.run("apply", ...TAGGED, "--max-removals", "1")).code, 0);
    assert.deepEqual(rulesOf(it), []);
  });

  test("status shows those that are gone, however many, since it takes nothing away", async () => {
    await using it = await alarms();
    for (let i = 0; i < 8; i++) it.launch(`i-${i}`, { team: "web" });
    await it.run("apply", ...TAGGED);
    it.account.activate("softnet_oncall", "Mail");
    it.account.state.instances.splice(0, 5);
    for (const left of [3, 0]) {
      it.account.state.instances.length = left;
      const { code, stdout } = await it.run("status", "--from-tag", "team=web", "--json");
      assert.equal(code, 1);
      const { differences } = JSON.parse(stdout);
      assert.deepEqual(
        differences.map(({ action }: { action: string }) => action),
        Array.from({ length: (8 - left) * 2 }, () => "delete"),
      );
    }
    const { stdout: text } = await it.run("status", "--from-tag", "team=web");
    assert.match(text, /Delete +rules softnet-critical-critical-i-0/);
    assert.doesNotMatch(text, /Nothing is set up yet/);
    assert.match((await it.run("plan", "--from-tag", "team=web")).stderr, /--max-removals 8/);
  });

  test("a page that fails takes nothing away", async () => {
    await using it = await alarms();
    it.launch("i-1", { team: "web" });
    await it.run("apply", ...TAGGED);
    const before = it.cloud.requests.length;
    it.cloud.failBy((_, action) =>
      action === "DescribeInstances"
        ? { name: "empty", taken: true, how: { status: 200, body: '{"RequestId":"1"}' } }
        : undefined,
    );
    assert.equal((await it.run("apply", ...TAGGED)).code, 2);
    assert.deepEqual(it.writesSince(before), []);
    assert.equal(rulesOf(it).length, 2);
  });
});

describe("on a terminal", () => {
  test("a no leaves everything as it is, and a yes does it", async () => {
    await using it = await alarms();
    const wish = ["--instance", "i-1", ...MAIL];
    const declined = await it.runAsked("n", "apply", ...wish);
    assert.deepEqual([declined.code, it.writesSince(0)], [2, []]);
    assert.match(declined.stderr, /Create {4}contact softnet_oncall/);
    assert.equal((await it.runAsked("y", "apply", ...wish)).code, 0);
    assert.equal((await it.runAsked("no", "destroy")).code, 2);
    assert.equal(rulesOf(it).length, 2);
    assert.equal((await it.runAsked("yes", "destroy")).code, 0);
    assert.equal(rulesOf(it).length, 0);
  });

  test("Ctrl-C in place of an answer ends it as a signal does", async () => {
    await using it = await alarms();
    const interrupted = new AbortController();
    const wish = ["--instance", "i-1", ...MAIL];
    const { code } = await it.runInterrupted(interrupted, "apply", ...wish);
    assert.deepEqual([code, it.writesSince(0)], [130, []]);
  });

  test("Ctrl-C ends it between two changes, and the next run goes on from there", async () => {
    await using it = await alarms();
    const interrupted = new AbortController();
    it.cloud.failBy((_, action) => {
      if (action === "PutContactGroup") interrupted.abort("SIGINT");
      return undefined;
    });
    const { code, stderr } = await it.runUntil(
      interrupted.signal,
      "apply",
      "--instance",
      "i-1",
      ...MAIL,
      "--yes",
    );
    assert.equal(code, 130);
    assert.match(stderr, /2 of 5 changes made. Run it again/);
    assert.equal((await it.run("apply", "--instance", "i-1", ...MAIL, "--yes")).code, 0);
    assert.equal(rulesOf(it).length, 2);
  });

  test("the plan's command does not show a webhook whole, and says so; a refused one is not repeated", async () => {
    await using it = await alarms();
    for (const hook of [
      ["--webhook", "https://hooks.example.com/s3cret?t=s3cret"],
      ["--webhook=https://hooks.example.com/s3cret"],
    ]) {
      const { stdout } = await it.run("plan", "--instance", "i-1", ...MAIL, ...hook);
      assert.match(stdout, /alarms apply .* --webhook "\$WEBHOOK"\n/);
      assert.match(stdout, /Set WEBHOOK to the webhook .*https:\/\/hooks\.example\.com\/…/);
      assert.doesNotMatch(stdout, /s3cret/);
    }
    assert.doesNotMatch((await it.run("plan", "--webhook", "ftp://x/s3cret")).stderr, /s3cret/);
  });

  test("the plan names the command that applies it", async () => {
    await using it = await alarms();
    const { stdout } = await it.run("plan", "--instance", "i-1", ...MAIL);
    assert.match(stdout, /softnet alarms apply --instance i-1 --mail ops@example.com/);
  });

  for (const root of [["--root", "/"], ["--root=/"]]) {
    test(`the command that applies a plan is without ${root.join(" ")}, which apply refuses`, async () => {
      await using it = await alarms();
      const { stdout } = await it.run("plan", ...root, "--instance", "i-1", ...MAIL);
      assert.match(stdout, /softnet alarms apply --instance i-1 --mail ops@example.com\n/);
    });
  }
});

test("series of an application group: rules look at those, and a second run writes nothing", async () => {
  await using it = await alarms();
  for (const coverage of [["--instance", "i-1"], ["--fleet-only"]]) {
    const wish = [...coverage, ...MAIL, "--group-id", "7"];
    assert.equal((await it.run("apply", ...wish, "--yes")).code, 0);
    const before = it.cloud.requests.length;
    assert.equal((await it.run("apply", ...wish, "--yes")).code, 0);
    assert.deepEqual(it.writesSince(before), []);
  }
});

test("the application group of the series stays as it is where nobody names one, and a new one gets its first points", async () => {
  for (const coverage of [["--instance", "i-1"], ["--fleet-only"]]) {
    await using it = await alarms();
    await it.run("apply", ...coverage, ...MAIL, "--group-id", "7", "--yes");
    assert.equal((await it.run("plan")).code, 0);
    const status = JSON.parse((await it.run("status", "--instance", "i-1", "--json")).stdout);
    if (coverage[0] === "--instance") assert.ok(status.instances[0].lastPointAgeSeconds < 300);
    const asked = it.cloud.requests.length;
    assert.equal((await it.run("apply", "--yes")).code, 0);
    assert.deepEqual(it.writesSince(asked), []);
    for (const group of ["0", "8"]) {
      const moved = await it.run("apply", ...coverage, "--group-id", group, "--yes");
      assert.equal(moved.code, 0, moved.stderr);
      assert.equal((await it.run("plan")).code, 0);
    }
    const rule = it.account.state.metricRules.get("softnet-critical-critical-i-1");
    if (rule) assert.deepEqual(rule.resources, [{ groupId: "8", dimension: "cpu=all&instanceId=i-1" }]);
    const eventRule = it.account.state.eventRules.get("softnet-fleet-critical");
    if (!eventRule) continue;
    assert.equal(eventRule.groupId, "8");
    eventRule.groupId = "9";
    assert.match((await it.run("plan")).stdout, /GroupId {2}9 → 8/);
  }
});

test("one rule for the fleet in place of rules that name two groups tells both", async () => {
  await using it = await alarms();
  seed(it);
  await it.run("apply", "--instance", "i-1", ...MAIL, "--yes");
  const groups = ["softnet_oncall", "ops"];
  for (const rule of it.account.state.metricRules.values()) {
    if (rule.ruleId.startsWith("softnet-")) rule.contactGroups = groups;
  }
  const fleet = await it.run("apply", "--fleet-only", "--yes");
  assert.equal(fleet.code, 0, fleet.stderr);
  const told = (): readonly string[] =>
    it.account.state.eventRules
      .get("softnet-fleet-critical")!
      .targets.flatMap((target) => (target.kind === "contact" ? [target.contactGroup] : []));
  assert.deepEqual(told(), groups);
  assert.equal((await it.run("plan", "--fleet-only")).code, 0);
  const one = await it.run("apply", "--fleet-only", "--contact-group", "ops", "--yes");
  assert.equal(one.code, 0, one.stderr);
  assert.deepEqual(told(), ["ops"]);
  // What is not said stays as it is.
  assert.equal((await it.run("plan")).code, 0);
});

test("rules that name more groups than a rule on an event can tell stand in the way of one for the fleet", async () => {
  await using it = await alarms();
  seed(it);
  await it.run("apply", "--instance", "i-1", ...MAIL, "--yes");
  const groups = ["g1", "g2", "g3", "g4", "g5", "g6"];
  for (const name of groups) {
    it.account.state.contactGroups.set(name, { ...it.account.state.contactGroups.get("ops")!, name });
  }
  for (const rule of it.account.state.metricRules.values()) {
    if (rule.ruleId.startsWith("softnet-")) rule.contactGroups = groups;
  }
  const asked = it.cloud.requests.length;
  const { code, stderr } = await it.run("apply", "--fleet-only", "--yes");
  assert.deepEqual([code, it.writesSince(asked)], [2, []]);
  assert.match(stderr, /expected at most 5 contact groups.*, got g1, g2, g3, g4, g5, g6/);
});

test("a contact group that is full stands in the way, and many links that wait are one paragraph", async () => {
  await using it = await alarms();
  seed(it);
  const { contacts, contactGroups } = it.account.state;
  const names = Array.from({ length: 100 }, (_, i) => `member${i}`);
  for (const name of names) {
    const channels = { Mail: { value: `${name}@example.com`, state: "PENDING" as const } };
    contacts.set(name, { ...contacts.get("alice")!, name, channels });
  }
  contactGroups.set("big", { ...contactGroups.get("ops")!, name: "big", contacts: names });
  const wish = ["--instance", "i-1", "--contact-group", "big"];
  const { code, stderr } = await it.run("apply", ...wish, ...MAIL, "--yes");
  assert.deepEqual([code, it.writesSince(0)], [2, []]);
  assert.match(stderr, /contact group big: expected room for softnet_for_big.*, got 100 members/);
  const { stdout } = await it.run("plan", ...wish);
  assert.match(
    stdout,
    /SILENT +100 contacts have not clicked their activation links: member0 \(Mail\), [^]* and 94 more: until then/,
  );
  assert.equal(stdout.match(/SILENT/g)!.length, 1);
});

test("a pause carries over to the one rule for the fleet, and is told as it is", async () => {
  await using it = await alarms();
  const fleetRule = () => it.account.state.eventRules.get("softnet-fleet-critical")!;
  await it.run("apply", "--instance", "i-1", "--instance", "i-2", ...MAIL, "--yes");
  await it.run("pause", "--yes");
  assert.match((await it.run("plan", "--fleet-only")).stdout, /PAUSED +softnet-fleet-critical: nobody/);
  const { stdout } = await it.run("apply", "--fleet-only", "--yes");
  assert.equal(fleetRule().state, "DISABLED");
  assert.match(stdout, /PAUSED +softnet-fleet-critical: nobody/);
  assert.doesNotMatch(stdout, /softnet-dropped/);

  await it.run("destroy", "--yes");
  await it.run("apply", "--instance", "i-1", "--instance", "i-2", ...MAIL, "--yes");
  await it.run("pause", "--instance", "i-1", "--yes");
  assert.match(
    (await it.run("plan", "--fleet-only")).stdout,
    /softnet-dropped-warn-i-1: paused until now\.\s+softnet-fleet-critical covers these instances too, and is on/,
  );
  const some = await it.run("apply", "--fleet-only", "--yes");
  assert.equal(fleetRule().state, "ENABLED");
  assert.match(some.stdout, /paused until now/);
  assert.doesNotMatch(some.stdout, /PAUSED/);
});

test("changes that are made are said to be, also where the account cannot be read after them", async () => {
  await using it = await alarms();
  let isWritten = false;
  it.cloud.failBy((_, action = "") => {
    isWritten ||= action === "PutCustomMetricRule";
    return isWritten && action === "DescribeContactList"
      ? { name: "refused", taken: false, how: jsonAnswer(403, { Code: "NoPermission", Message: "no" }) }
      : undefined;
  });
  const { code, stdout } = await it.run("apply", "--instance", "i-1", ...MAIL, "--json", "--yes");
  assert.equal(code, 0);
  const { result, steps: done, notes } = JSON.parse(stdout);
  assert.deepEqual([result, done.length], ["done", 5]);
  assert.match(notes.at(-1), /changes are made; .*could not be read.*cms:DescribeContactList/);
});

test("an account of the international site that nobody calls so is refused with what mends it", async () => {
  for (const [wish, writes] of [
    [["--fleet-only"], /4 of 5 changes made/],
    [["--instance", "i-1", "--phone", "86-13800138000"], /0 of 5 changes made/],
  ] as const) {
    await using it = await alarms(USER, "international");
    const { code, stderr } = await it.run("apply", ...wish, ...MAIL, "--yes");
    assert.equal(code, 2);
    assert.match(stderr, writes);
    assert.match(stderr, /--site intl \(SOFTNET_SITE=intl\)/);
    assert.doesNotMatch(stderr, /Run it again/);
    const again = await it.run("apply", wish[0], ...wish.slice(1, 2), ...MAIL, "--site", "intl", "--yes");
    assert.equal(again.code, 0, again.stderr);
  }
});

test("destroy says what there is not, and nothing that is not so", async () => {
  await using it = await alarms();
  await it.run("apply", "--instance", "i-1", "--region", "cn-beijing", ...MAIL, "--yes");
  const asked = it.cloud.requests.length;
  const here = await it.run("destroy", "--yes");
  assert.equal(here.code, 0);
  assert.match(here.stdout, /Nothing can be taken away: what softnet made here is in use/);
  assert.match(here.stdout, /for cn-beijing stay: softnet alarms destroy --region\s+cn-beijing/);
  const unknown = await it.run("destroy", "--instance", "i-zzz", "--yes");
  assert.match(unknown.stdout, /There is no rule of softnet for i-zzz\./);
  assert.doesNotMatch(here.stdout + unknown.stdout, /Nothing in this account/);
  assert.deepEqual(it.writesSince(asked), []);
  assert.equal((await it.run("destroy", "--region", "cn-beijing", "--yes")).code, 0);
  assert.match((await it.run("destroy", "--yes")).stdout, /Nothing in this account and region was made/);
});

test("destroy leaves nobody's rule without anybody to tell, also where our group was described anew", async () => {
  await using it = await alarms();
  seed(it);
  const { contactGroups, contacts, metricRules } = it.account.state;
  const isTold = () => [contactGroups.get("softnet_oncall")?.contacts, contacts.has("softnet_oncall")];
  await it.run("apply", "--instance", "i-1", ...MAIL, "--yes");
  contactGroups.get("softnet_oncall")!.describe = "ops on call";
  metricRules.get("their-rule")!.contactGroups = ["softnet_oncall"];
  const { stdout } = await it.run("destroy", "--yes");
  assert.deepEqual(isTold(), [["softnet_oncall"], true]);
  assert.match(stdout, /contact group softnet_oncall stays: other rules use it: theirs/);
  metricRules.get("their-rule")!.contactGroups = ["ops"];
  assert.match(
    (await it.run("destroy", "--yes")).stdout,
    /softnet_oncall stays: its description is not softnet's/,
  );
  assert.deepEqual(isTold(), [[], false]);
});

test("where STS cannot be reached, the account is the one of the instance that this runs on", async () => {
  await using it = await alarms();
  await using imds = await startImdsDouble();
  const nowhere = { SOFTNET_STS_ENDPOINT: "http://127.0.0.1:9", SOFTNET_IMDS: imds.url };
  const { code, stdout, stderr } = await it.runWith(nowhere, "apply", "--instance", "i-1", ...MAIL, "--yes");
  assert.equal(code, 0, stderr);
  assert.match(stdout, /5 changes made/);
  assert.match(
    stderr,
    new RegExp(`the account is taken to be that of this instance: ${it.account.state.uid}`),
  );
  const off = await it.runWith({ ...nowhere, SOFTNET_IMDS: "http://127.0.0.1:9" }, "plan");
  assert.equal(off.code, 2);
  assert.match(off.stderr, /sts:GetCallerIdentity/);
});

test("rules that were made for another region are named with what takes them away", async () => {
  await using it = await alarms();
  await it.run("apply", "--instance", "i-1", "--region", "cn-beijing", ...MAIL, "--yes");
  const { code, stderr } = await it.run("apply", "--instance", "i-1", ...MAIL, "--yes");
  assert.equal(code, 2);
  assert.match(
    stderr,
    /softnet-critical-critical-i-1: expected .*softnet alarms destroy --region cn-beijing --instance i-1, got one that softnet made for cn-beijing/,
  );
});

test("a second group that somebody added to every rule stays, and its people are looked after", async () => {
  await using it = await alarms();
  seed(it);
  await it.run("apply", "--instance", "i-1", ...MAIL, "--yes");
  for (const rule of it.account.state.metricRules.values()) {
    if (rule.ruleId.startsWith("softnet-")) rule.contactGroups = ["softnet_oncall", "ops"];
  }
  assert.equal((await it.run("plan")).code, 0);
  assert.match((await it.run("status")).stdout, /alice {2}Mail alice@example.com/);
});

describe("what stands in the way", () => {
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no consent", ["apply", "--instance", "i-1", ...MAIL], /--yes, or a terminal/],
    ["a phone of another country", ["plan", "--phone", "1-5551234567"], /86-13800138000/],
    [
      "a phone on the international site",
      ["plan", "--site", "intl", "--phone", "86-13800138000"],
      /neither SMS nor phone/,
    ],
    [
      "an address of this machine",
      ["plan", "--webhook", "http://127.0.0.1/hook"],
      /that CloudMonitor can reach/,
    ],
    [
      "a rule of how many may go where none goes",
      ["plan", "--max-removals", "2"],
      /--max-removals: expected --from-tag/,
    ],
    ["an instance that is none", ["plan", "--instance", "i-1,i-2", ...MAIL], /an instance id such as i-/],
    ...[
      "http://localhost./hook",
      "https://10.0.0.5/hook",
      "https://172.31.0.1/hook",
      "https://192.168.1.1/hook",
      "http://169.254.1.1/hook",
      "http://100.100.100.200/hook",
      "http://0x7f.1/hook",
      "https://[::1]/hook",
      "https://[fd00::1]/hook",
      "https://[fe80::1]/hook",
      "https://[::ffff:10.0.0.1]/hook",
      "https://hooks/hook",
      "https://192.0.0.8/hook",
      "https://192.0.2.1/hook",
      "https://198.19.0.1/hook",
      "https://198.51.100.1/hook",
      "https://203.0.113.1/hook",
      "https://[fec0::1]/hook",
      "https://[2001:db8::1]/hook",
      "https://[64:ff9b::10.0.0.1]/hook",
    ].map(
      (url) =>
        [
          `the webhook ${url}`,
          ["plan", "--webhook", url],
          /^(?!.*hook".*).*--webhook: expected an http\(s\) URL/,
        ] as const,
    ),
    ["an address that is none", ["plan", "--mail", "ops"], /one e-mail address/],
    ["the fleet and an instance", ["plan", "--fleet-only", "--instance", "i-1"], /it covers every one/],
    ["the fleet and squeezes", ["plan", "--fleet-only", "--with-squeezed"], /no rule on a series/],
    ["no instance at all", ["plan", ...MAIL], /--instance ID, --from-tag KEY=VALUE, or --fleet-only/],
    [
      "a tag that no instance has",
      ["plan", "--from-tag", "a=b", ...MAIL],
      /--from-tag a=b: expected an instance/,
    ],
  ];
  for (const url of ["https://8.8.8.8/", "https://[2400:3200::1]/", "https://[64:ff9b::8.8.8.8]/"]) {
    test(`the webhook ${url} is not: it is a public address`, async () => {
      await using it = await alarms();
      assert.equal((await it.run("plan", "--instance", "i-1", ...MAIL, "--webhook", url)).code, 1);
    });
  }

  for (const [name, [verb, ...args], complaint] of cases) {
    test(`${name} is refused with one line, and nothing is written`, async () => {
      await using it = await alarms();
      const { code, stdout, stderr } = await it.run(verb!, ...args);
      assert.deepEqual([code, stdout, it.writesSince(0)], [2, "", []]);
      assert.match(stderr, complaint);
      assert.equal(stderr.trim().split("\n").length, 1);
    });
  }

  test("a quota of rules that is used up is said, and more of it is enough", async () => {
    await using it = await alarms();
    it.account.state.ruleQuota = 1;
    const { code, stderr } = await it.run("apply", "--instance", "i-1", ...MAIL, "--yes");
    assert.equal(code, 2);
    assert.match(stderr, /4 of 5 changes made[\s\S]*ExceedingQuota/);
    it.account.state.ruleQuota = 2;
    assert.equal((await it.run("apply", "--yes")).code, 0);
    assert.equal(rulesOf(it).length, 2);
  });

  test("a series quota that is used up is said as what it is", async () => {
    const account = openAccount({ limits: { edition: "free", seriesQuota: 1 } });
    await using cloud = await startCloudDouble({ users: [USER], families: account.families });
    const env = { SOFTNET_ENDPOINT: cloud.url, SOFTNET_STS_ENDPOINT: cloud.url, SOFTNET_REGION: REGION };
    const { code, stderr } = await runSoftnet(["alarms", "apply", "--instance", "i-1", ...MAIL, "--yes"], {
      env: {
        ...env,
        ALIBABA_CLOUD_ACCESS_KEY_ID: USER.accessKeyId,
        ALIBABA_CLOUD_ACCESS_KEY_SECRET: USER.accessKeySecret,
      },
    });
    assert.equal(code, 2);
    assert.match(stderr, /2 of 5 changes made/);
    assert.match(stderr, /room for 2 series of i-1 in the account's quota/);
  });
});

test("a drop storm calls once, and says what is lost, where, and what mends it", async () => {
  await using it = await alarms();
  await it.run("apply", "--instance", "i-1", ...MAIL, "--yes");
  it.account.activate("softnet_oncall", "Mail");
  const cloudMonitor = cloudMonitorOf(it);
  const nowMs = Math.floor(Date.now() / 60_000) * 60_000;
  const drops = { sum: 900, elapsedSeconds: 60, rates: [0, 900] };
  for (let minute = 6; minute > 0; minute--) {
    const startMs = nowMs - minute * 60_000;
    const who = { instanceId: "i-1", groupId: 0, hostSeries: "all" } as const;
    await cloudMonitor.putMetrics(
      hostEntries({ period: "60", startMs }, { dropped: drops, squeezed: drops }, [1], who),
    );
    it.account.evaluate(startMs + 60_000);
  }
  const mails = it.account.outbox.notifications.filter(({ channel }) => channel === "Mail");
  assert.deepEqual(
    mails.map(({ level, address }) => [level, address]),
    [["WARN", "ops@example.com"]],
  );
  assert.match(mails[0]!.subject, /i-1.*packets are lost.*sudo softnet remedy apply.*丢包/);
});

const OPERATORS_ACTIONS = POLICIES.setup.document.Statement.flatMap(({ Action }) => Action);

/** Command lines that together call everything. */
const EVERYTHING: readonly (readonly string[])[] = [
  ["apply", "--from-tag", "team=web", ...MAIL, "--webhook", "https://example.com/hook"],
  ["pause"],
  ["resume"],
  ["apply", "--fleet-only"],
  ["apply", "--webhook", "off"],
  ["pause"],
  ["resume"],
  ["destroy"],
];

test("each missing permission is named by the first line that needs it", async () => {
  for (const missing of OPERATORS_ACTIONS) {
    await using it = await alarms({
      ...USER,
      allowed: OPERATORS_ACTIONS.filter((action) => action !== missing),
    });
    it.launch("i-1", { team: "web" });
    let refusal = "";
    for (const [verb, ...args] of EVERYTHING) {
      const { code, stderr } = await it.run(verb!, ...args, "--yes");
      if (code === 2) refusal = stderr;
      if (code !== 0) break;
    }
    // Only status asks for this one.
    if (refusal === "") refusal = (await it.run("status")).stderr;
    assert.ok(refusal.includes(`allow it ${missing} (softnet doctor --policy`), `${missing}: ${refusal}`);
  }
});

test("the policy for an operator allows what the verbs call, and nothing else", async () => {
  await using it = await alarms({ ...USER, allowed: OPERATORS_ACTIONS });
  it.launch("i-1", { team: "web" });
  for (const [verb, ...args] of EVERYTHING) {
    const { code, stderr } = await it.run(verb!, ...args, "--yes");
    assert.equal(code, 0, stderr);
  }
  await it.run("status");
  const called = new Set(
    it.cloud.requests.map(({ action }) => `${action === "DescribeInstances" ? "ecs" : "cms"}:${action}`),
  );
  called.delete("cms:GetCallerIdentity");
  assert.deepEqual([...called].sort(), OPERATORS_ACTIONS.toSorted());
});

test("one event of any instance calls once, with its finding and the command, and calls the webhook", async () => {
  await using it = await alarms();
  await it.run("apply", "--fleet-only", ...MAIL, "--webhook", "https://example.com/hook", "--yes");
  it.account.activate("softnet_oncall", "Mail");
  assert.deepEqual(it.account.outbox.notifications, []);
  const content = "i-7: CPU 3 drops 900 packets/s. fix: sudo softnet remedy apply";
  const cloudMonitor = cloudMonitorOf(it);
  await cloudMonitor.putEvents([{ name: "softnet_critical", groupId: "0", atMs: Date.now(), content }]);
  await cloudMonitor.putEvents([{ name: "softnet_warning", groupId: "0", atMs: Date.now(), content }]);
  const { notifications, webhooks } = it.account.outbox;
  assert.deepEqual(
    notifications.map(({ level, channel, text }) => [level, channel, text]),
    [["CRITICAL", "Mail", content]],
  );
  assert.deepEqual(
    webhooks.map(({ url }) => url),
    ["https://example.com/hook"],
  );
});

describe("status", () => {
  test("an instance without a point for five minutes is a difference", async () => {
    await using it = await alarms();
    await it.run("apply", "--instance", "i-1", ...MAIL, "--yes");
    it.account.activate("softnet_oncall", "Mail");
    assert.equal((await it.run("status")).code, 0);
    for (const [key, point] of it.account.metrics.points) {
      (it.account.metrics.points as Map<string, object>).set(key, {
        ...point,
        timeMs: point.timeMs - 600_000,
      });
    }
    const { code, stdout } = await it.run("status", "--json");
    assert.equal(code, 1);
    const { instances, inStep } = JSON.parse(stdout);
    assert.equal(inStep, false);
    assert.ok(instances[0].lastPointAgeSeconds > 600);
    assert.match((await it.run("status")).stdout, /STALE[\s\S]*softnet doctor/);
  });

  test("does not forget an agent that died hours ago, where one rule covers the fleet", async () => {
    await using it = await alarms();
    await it.run("apply", "--fleet-only", ...MAIL, "--yes");
    it.account.activate("softnet_oncall", "Mail");
    for (const id of ["i-alive", "i-dead"]) it.launch(id);
    await putPoint(it, "i-alive", 2);
    await putPoint(it, "i-dead", 23 * 60);
    const { code, stdout } = await it.run("status");
    assert.equal(code, 1);
    assert.match(stdout, /i-dead +13[789]\d min ago[\s\S]*STALE/);
  });

  test("misses no instance that was released, where one rule covers the fleet, as far as ECS says so", async () => {
    await using it = await alarms();
    await it.run("apply", "--fleet-only", ...MAIL, "--yes");
    it.account.activate("softnet_oncall", "Mail");
    it.launch("i-alive");
    it.launch("i-stopped");
    it.account.state.instances.at(-1)!.status = "Stopped";
    await putPoint(it, "i-alive", 2);
    for (const id of ["i-released", "i-stopped"]) await putPoint(it, id, 60);
    const asked = it.cloud.requests.length;
    const { code, stdout } = await it.run("status");
    assert.equal(code, 0, stdout);
    assert.doesNotMatch(stdout, /i-released|STALE/);
    assert.match(stdout, /i-stopped +stopped/);
    const question = it.cloud.requests.slice(asked).find(({ action }) => action === "DescribeInstances");
    assert.match(question!.parameters, /i-released.*i-stopped/);
    assert.doesNotMatch(question!.parameters, /i-alive/);
    // A machine of another kind is none that ECS could know.
    await putPoint(it, "web-7", 60);
    assert.match((await it.run("status")).stdout, /web-7 +(59|60) min ago[\s\S]*One instance has/);
  });

  for (const [name, how] of [
    ["may not be asked", { status: 403, body: '{"Code":"NoPermission"}' }],
    ["cannot be asked", { status: 503, body: "" }],
  ] as const) {
    test(`misses whoever sends nothing where ECS ${name}`, async () => {
      await using it = await alarms();
      await it.run("apply", "--fleet-only", ...MAIL, "--yes");
      await putPoint(it, "i-released", 60);
      it.cloud.failBy((_, action) =>
        action === "DescribeInstances" ? { name, taken: false, how } : undefined,
      );
      const { code, stdout, stderr } = await it.run("status");
      assert.deepEqual([code, stderr], [1, ""]);
      assert.match(stdout, /i-released +(59|60) min ago[\s\S]*STALE/);
    });
  }

  test("of an account in which nothing was ever reported is an answer, whichever one CloudMonitor gives", async () => {
    for (const [name, body] of [
      ["not found", { Code: "404", Success: false, Message: "The specified resource is not found." }],
      ["nothing", { Code: "200", Success: true, Datapoints: "[]" }],
    ] as const) {
      await using it = await alarms();
      it.cloud.failBy((_, action) =>
        action === "DescribeMetricLast" ? { name, taken: false, how: jsonAnswer(200, body) } : undefined,
      );
      assert.equal((await it.run("plan", "--instance", "i-1", ...MAIL)).code, 1, name);
      assert.equal((await it.run("apply", "--instance", "i-1", ...MAIL, "--yes")).code, 0, name);
      assert.match((await it.run("status")).stdout, /i-1 .*none for a day/, name);
    }
  });

  test("takes the newest point of an instance that has two series, on whichever page it comes", async () => {
    await using it = await alarms();
    await it.run("apply", "--fleet-only", ...MAIL, "--yes");
    const point = (minutesAgo: number): string =>
      JSON.stringify([{ instanceId: "i-moved", timestamp: Date.now() - minutesAgo * 60_000 }]);
    const pages = [
      { Code: "200", Datapoints: point(2), NextToken: "second" },
      { Code: "200", Datapoints: point(90) },
    ];
    it.cloud.failBy((_, action) =>
      action === "DescribeMetricLast"
        ? { name: "a page", taken: true, how: jsonAnswer(200, pages.shift()!) }
        : undefined,
    );
    const { instances } = JSON.parse((await it.run("status", "--json")).stdout);
    assert.deepEqual(
      instances.map((one: { instanceId: string; lastPointAgeSeconds: number }) => [
        one.instanceId,
        one.lastPointAgeSeconds < 300,
      ]),
      [["i-moved", true]],
    );
  });

  test("ends where the pages of points do not", async () => {
    await using it = await alarms();
    await it.run("apply", "--instance", "i-1", ...MAIL, "--yes");
    let page = 0;
    const answers = (next: () => string): void =>
      it.cloud.failBy((_, action) =>
        action === "DescribeMetricLast"
          ? {
              name: "endless",
              taken: true,
              how: jsonAnswer(200, { Code: "200", Datapoints: "[]", NextToken: next() }),
            }
          : undefined,
      );
    answers(() => "same");
    const same = await it.run("status");
    assert.equal(same.code, 2);
    assert.match(same.stderr, /cms:DescribeMetricLast: expected a last page, got the same page again/);
    answers(() => String(++page));
    const endless = await it.run("status");
    assert.equal(endless.code, 2);
    assert.match(endless.stderr, /expected a last page, got 1000 pages and more/);
  });

  test("names quota, channels and the console of the region, in both languages", async () => {
    await using it = await alarms();
    await it.run("apply", "--instance", "i-1", ...MAIL, "--yes");
    for (const [lang, words] of [
      ["en", [/series 2\/100/, /CRITICAL phone, SMS, e-mail, chat/, /regionId=cn-hangzhou/]],
      ["zh", [/时间序列 2\/100/, /CRITICAL 电话、短信、邮件、钉钉群/, /自定义监控/]],
    ] as const) {
      const { stdout } = await it.run("status", "--lang", lang);
      for (const word of words) assert.match(stdout, word);
    }
    assert.match((await it.run("status", "--site", "intl")).stdout, /CRITICAL e-mail, chat/);
    const { channels } = JSON.parse((await it.run("status", "--json")).stdout);
    assert.deepEqual(channels, {
      CRITICAL: ["phone", "sms", "mail", "chat"],
      WARN: ["sms", "mail", "chat"],
      INFO: ["mail", "chat"],
    });
  });

  test("tells what stands in the way in Chinese too, and takes --root, as plan does", async () => {
    await using it = await alarms();
    await it.run("apply", "--instance", "i-1", "--region", "cn-beijing", ...MAIL, "--yes");
    await it.run("apply", "--instance", "i-2", ...MAIL, "--yes");
    const wish = ["--instance", "i-1", "--root", "/"];
    const { stdout } = await it.run("status", ...wish, "--lang", "zh");
    assert.match(stdout, /差异 +规则 softnet-critical-critical-i-1：应为 cn-hangzhou 的规则/);
    assert.match(stdout, /实际为\s+softnet\s+为 cn-beijing\s+创建的规则/);
    assert.doesNotMatch(stdout, /expected|got/);
    assert.equal((await it.run("plan", "--instance", "i-2", "--root", "/")).code, 0);
  });

  test("watches the instances of a tag beside one rule for the fleet; one that is stopped owes nothing", async () => {
    await using it = await alarms();
    for (const id of ["i-1", "i-2"]) it.launch(id, { team: "web" });
    await it.run("apply", "--from-tag", "team=web", ...MAIL, "--yes");
    await it.run("apply", "--fleet-only", "--yes");
    it.account.activate("softnet_oncall", "Mail");
    assert.equal((await it.run("status")).code, 0);
    it.launch("i-3", { team: "web" });
    const { code, stdout } = await it.run("status", "--from-tag", "team=web");
    assert.equal(code, 1);
    assert.match(stdout, /i-3 +none for a day/);
    it.account.state.instances.at(-1)!.status = "Stopped";
    const stopped = await it.run("status", "--from-tag", "team=web");
    assert.match(stopped.stdout, /i-3 +stopped/);
    assert.equal(stopped.code, 0, stopped.stdout);
  });

  test("nothing set up is an answer", async () => {
    await using it = await alarms();
    const { code, stdout } = await it.run("status");
    assert.equal(code, 1);
    assert.match(stdout, /softnet alarms apply/);
  });
});
