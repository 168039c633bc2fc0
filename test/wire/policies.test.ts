import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import { connectCloudMonitor } from "../../src/cloud/cloudmonitor.ts";
import type { Ended } from "../support/run-softnet.ts";
import { instance, team } from "./alarms-setup.ts";
import { credentialsOf, minuteEntries, NOON, USER, wire } from "./setup.ts";

/** The actions of a policy that is checked in. */
function actionsOf(name: string): readonly string[] {
  const path = join(import.meta.dirname, `../../policies/${name}.json`);
  const { Statement } = JSON.parse(readFileSync(path, "utf8")) as { Statement: { Action: string[] }[] };
  return Statement.flatMap(({ Action }) => Action);
}

const WHO = "--mail ops@example.com --phone 86-13800138000";
const HOOK = "--webhook https://hooks.example.com/softnet";

/** Everything that an operator does with alarms, in an order in which each line has something to do. */
const OPERATION = [
  `apply --yes --instance i-a ${WHO} ${HOOK} --with-squeezed`,
  "pause --yes",
  "resume --yes",
  `apply --yes --from-tag app=web`,
  "status",
  `apply --yes --fleet-only ${HOOK}`,
  "pause --yes",
  "resume --yes",
  "apply --yes --fleet-only --webhook off",
  "destroy --yes",
];

/** Goes on to the first line that could not do its work. */
async function operate(allowed: readonly string[]): Promise<{ line: string; ended: Ended } | undefined> {
  await using it = await team();
  it.account.state.instances.push(instance("i-a"), instance("i-b"));
  it.users.splice(0, 1, { ...USER, allowed });
  for (const line of OPERATION) {
    const ended = await it.alarms(line);
    if (ended.code === 2) return { line, ended };
  }
  return undefined;
}

describe("the policy setup", { concurrency: 4 }, () => {
  const actions = actionsOf("setup");

  test("is enough for all that an operator does with alarms", async () => {
    const failed = await operate(actions);
    assert.equal(failed, undefined, failed && `${failed.line}: ${failed.ended.stderr}`);
  });

  for (const missing of actions) {
    test(`is not enough without ${missing}, and the refusal names it`, async () => {
      const failed = await operate(actions.filter((action) => action !== missing));
      assert.ok(failed, `nothing needs ${missing}`);
      assert.match(
        failed.ended.stderr,
        new RegExp(String.raw`\b${missing}\b.*softnet doctor --policy setup`),
      );
    });
  }
});

describe("the policy agent", () => {
  const actions = actionsOf("agent");
  const event = { name: "softnet_critical", groupId: "0", atMs: NOON, content: "x" } as const;

  test("is two actions, which are enough to push, and each is needed", async () => {
    assert.deepEqual(actions, ["cms:PutCustomMetric", "cms:PutCustomEvent"]);
    for (const [allowed, metrics, events] of [
      [actions, "accepted", "accepted"],
      [["cms:PutCustomMetric"], "accepted", "denied"],
      [["cms:PutCustomEvent"], "denied", "accepted"],
    ] as const) {
      await using it = await wire({ users: [{ ...USER, allowed }] });
      const cloud = connectCloudMonitor({
        endpoints: [it.cloud.url],
        regionId: "cn-hangzhou",
        credentials: () => Promise.resolve(credentialsOf(USER)),
        timeoutMs: 5000,
      });
      assert.equal((await cloud.putMetrics(minuteEntries(NOON))).kind, metrics);
      assert.equal((await cloud.putEvents([event])).kind, events);
    }
  });
});

describe("the policies together", () => {
  const sources = globSync(join(import.meta.dirname, "../../src/cloud/*.ts"));
  const words = sources.flatMap((path) => readFileSync(path, "utf8").match(/(?<=")[A-Z]\w+(?=")/g) ?? []);
  const namesIn = (...policies: readonly string[]): readonly string[] =>
    policies.flatMap(actionsOf).map((action) => action.split(":")[1]!);

  test("hold every action that we name", () => {
    const isAction = /^(Put|Delete|Describe|Create|Run|Stop|Invoke)[A-Z]|^(Enable|Disable)\w+Rules$/;
    const held = new Set(namesIn("agent", "setup", "remediation"));
    assert.deepEqual(
      words.filter((word) => isAction.test(word) && !held.has(word)),
      [],
    );
  });

  test("of agent and setup hold no action that we do not name", () => {
    assert.deepEqual(
      namesIn("agent", "setup").filter((name) => !words.includes(name)),
      [],
    );
  });
});
