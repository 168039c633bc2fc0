import assert from "node:assert/strict";

import { type Account, type AccountOptions, openAccount } from "../double/account.ts";
import type { EcsInstance } from "../double/account-state.ts";
import { call } from "../double/call.ts";
import { type CloudDouble, type CloudUser, startCloudDouble } from "../double/cloud.ts";
import { type Ended, runSoftnet } from "../support/run-softnet.ts";
import { USER } from "./setup.ts";

export interface Team extends AsyncDisposable {
  readonly account: Account;
  readonly cloud: CloudDouble;
  /** Who may do what; a test changes it at will. */
  readonly users: CloudUser[];
  /** `softnet alarms …`, its words separated by blanks. */
  readonly alarms: (line: string) => Promise<Ended>;
  /** Lets time pass for the cloud, a quarter of an hour at most, or signatures are too old. */
  readonly later: (ms: number) => void;
  /** What was written since the last time that this was asked, as far as the cloud took it. */
  readonly writes: () => readonly string[];
}

/** An account in which another team has alarms of its own, and `softnet` pointed at it. */
export async function team(
  options: AccountOptions & { readonly explainsDenials?: boolean } = {},
): Promise<Team> {
  const account = openAccount(options);
  seedOthers(account);
  const users: CloudUser[] = [USER];
  let aheadMs = 0;
  const cloud = await startCloudDouble({
    users,
    families: account.families,
    explainsDenials: options.explainsDenials ?? false,
    nowMs: () => Date.now() + aheadMs,
  });
  const env = {
    ALIBABA_CLOUD_ACCESS_KEY_ID: USER.accessKeyId,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: USER.accessKeySecret,
    SOFTNET_REGION: "cn-hangzhou",
    SOFTNET_ENDPOINT: cloud.url,
    SOFTNET_STS_ENDPOINT: cloud.url,
    SOFTNET_ECS_ENDPOINT: cloud.url,
    SOFTNET_IMDS: "http://127.0.0.1:9",
  };
  let seen = 0;
  return {
    account,
    cloud,
    users,
    alarms: (line) => runSoftnet(["alarms", ...line.split(" ")], { env }),
    later: (ms) => {
      aheadMs += ms;
    },
    writes: () => {
      const fresh = cloud.requests.slice(seen);
      seen = cloud.requests.length;
      return fresh.flatMap(({ action = "", taken }) =>
        taken && !/^(Describe|Get)/.test(action) ? [action] : [],
      );
    },
    [Symbol.asyncDispose]: () => cloud[Symbol.asyncDispose](),
  };
}

/** The other team's group, in which an operator may ask to be. */
export const THEIR_GROUP = "night_shift";

function seedOthers(account: Account): void {
  const { families, state } = account;
  const done = (action: string, parameters: Parameters<typeof call>[2]): void =>
    assert.equal(call(families, action, parameters)["Code"], "200", action);
  done("PutContact", { ContactName: "bob", Describe: "storage", Channels: { Mail: "bob@example.com" } });
  account.activate("bob", "Mail");
  done("PutContactGroup", { ContactGroupName: THEIR_GROUP, ContactNames: ["bob"], Describe: "theirs" });
  done("PutCustomMetric", {
    MetricList: [
      {
        GroupId: "0",
        MetricName: "orders",
        Dimensions: '{"shop":"1"}',
        Type: "1",
        Period: "60",
        Values: '{"Sum":1}',
      },
    ],
  });
  const rule = {
    RuleName: "no orders",
    MetricName: "orders",
    Resources: '[{"groupId":0,"dimension":"shop=1"}]',
    Statistics: "Sum",
    ComparisonOperator: "<",
    Threshold: "1",
    EvaluationCount: 5,
    Level: "WARN",
    ContactGroups: THEIR_GROUP,
  };
  // More than a page of them, since what is looked for may be on another.
  for (let i = 0; i < 12; i++) done("PutCustomMetricRule", { RuleId: `orders-${i}`, ...rule });
  done("PutEventRule", { RuleName: "reboots", EventPattern: [{ Product: "ecs", LevelList: ["CRITICAL"] }] });
  done("PutEventRuleTargets", {
    RuleName: "reboots",
    ContactParameters: [{ Id: "1", ContactGroupName: THEIR_GROUP, Level: "4" }],
  });
  const ofEcs = {
    ...state.metricRules.get("orders-0")!,
    namespace: "acs_ecs_dashboard",
    metricName: "cpu_total",
  };
  state.metricRules.set("cpu", { ...ofEcs, ruleId: "cpu" });
}

export function instance(instanceId: string, tags: Record<string, string> = { app: "web" }): EcsInstance {
  return {
    instanceId,
    regionId: "cn-hangzhou",
    instanceName: instanceId,
    instanceType: "ecs.g7.large",
    status: "Running",
    tags,
  };
}
