import assert from "node:assert/strict";
import { test } from "node:test";

import { openAccount } from "./account.ts";
import type { EcsInstance } from "./account-state.ts";
import { call, codeOf, type Parameter } from "./call.ts";

function instance(instanceId: string, tags: Record<string, string>): EcsInstance {
  return {
    instanceId,
    regionId: "cn-hangzhou",
    instanceName: instanceId,
    instanceType: "ecs.g7.large",
    status: "Running",
    tags,
  };
}

const { families, state } = openAccount();
state.instances.push(
  instance("i-1", { app: "web", stage: "live" }),
  instance("i-2", { app: "web", stage: "test" }),
  instance("i-3", { app: "db", stage: "live" }),
  { ...instance("i-4", { app: "web" }), regionId: "cn-beijing" },
);

function describeInstances(parameters: Readonly<Record<string, Parameter>>) {
  return call(families, "DescribeInstances", { RegionId: "cn-hangzhou", ...parameters }) as {
    readonly TotalCount: number;
    readonly NextToken: string;
    readonly Instances: { readonly Instance: readonly { readonly InstanceId: string }[] };
  };
}

const idsOf = ({ Instances }: ReturnType<typeof describeInstances>): string =>
  Instances.Instance.map(({ InstanceId }) => InstanceId).join();

test("DescribeInstances finds the instances that have all the tags, in one region", () => {
  assert.equal(idsOf(describeInstances({ Tag: [{ Key: "app", Value: "web" }] })), "i-1,i-2");
  assert.equal(
    idsOf(
      describeInstances({
        Tag: [
          { Key: "app", Value: "web" },
          { Key: "stage", Value: "live" },
        ],
      }),
    ),
    "i-1",
  );
  assert.equal(idsOf(describeInstances({ Tag: [{ Key: "stage" }] })), "i-1,i-2,i-3");
});

test("DescribeInstances pages by number and by token, never by both", () => {
  const byNumber = describeInstances({ PageNumber: 2, PageSize: 2 });
  assert.deepEqual([idsOf(byNumber), byNumber.TotalCount], ["i-3", 3]);
  const first = describeInstances({ MaxResults: 2 });
  assert.deepEqual([idsOf(first), first.TotalCount], ["i-1,i-2", 0]);
  const second = describeInstances({ MaxResults: 2, NextToken: first.NextToken });
  assert.deepEqual([idsOf(second), second.NextToken], ["i-3", ""]);
  assert.equal(
    codeOf(() => describeInstances({ MaxResults: 2, PageNumber: 1 })),
    "InvalidParameter",
  );
});

test("DescribeInstances wants a region and knows its parameters", () => {
  assert.equal(
    codeOf(() => call(families, "DescribeInstances")),
    "MissingRegionId",
  );
  assert.equal(
    codeOf(() => describeInstances({ Tag: [{ Name: "app" }] })),
    "MissingTag.1.Key",
  );
  assert.equal(
    codeOf(() => describeInstances({ InstanceIds: "i-1" })),
    "InvalidInstanceIds.Malformed",
  );
});

test("DescribeInstanceTypes tells bandwidth in kbit/s, packets and queues", () => {
  const { InstanceTypes } = call(families, "DescribeInstanceTypes", {
    InstanceTypes: ["ecs.g7ne.8xlarge"],
  }) as {
    InstanceTypes: { InstanceType: Readonly<Record<string, unknown>>[] };
  };
  const [type] = InstanceTypes.InstanceType;
  assert.deepEqual(
    [type!["InstanceBandwidthRx"], type!["InstancePpsRx"], type!["PrimaryEniQueueNumber"]],
    [25_600_000, 6_000_000, 16],
  );
});

test("GetCallerIdentity names the main account", () => {
  assert.equal(call(families, "GetCallerIdentity")["AccountId"], "1234567890123456");
});
