import type { AccountState, EcsInstance } from "./account-state.ts";
import { type ActionAnswer, type ActionFamily, ApiError, type Call, Parameters } from "./action.ts";

interface InstanceType {
  readonly name: string;
  readonly cores: number;
  readonly gigabits: number;
  readonly packetsPerSecond: number;
  readonly queues: number;
}

/** From the documentation of the families. */
const INSTANCE_TYPES: readonly InstanceType[] = [
  { name: "ecs.t6-c1m1.large", cores: 2, gigabits: 0.08, packetsPerSecond: 100_000, queues: 1 },
  { name: "ecs.g6.large", cores: 2, gigabits: 1, packetsPerSecond: 300_000, queues: 2 },
  { name: "ecs.g7.large", cores: 2, gigabits: 2, packetsPerSecond: 900_000, queues: 2 },
  { name: "ecs.g7ne.large", cores: 2, gigabits: 1.5, packetsPerSecond: 900_000, queues: 2 },
  { name: "ecs.g7.8xlarge", cores: 32, gigabits: 16, packetsPerSecond: 6_000_000, queues: 16 },
  { name: "ecs.g5ne.8xlarge", cores: 32, gigabits: 15, packetsPerSecond: 6_000_000, queues: 32 },
  { name: "ecs.g7ne.8xlarge", cores: 32, gigabits: 25, packetsPerSecond: 6_000_000, queues: 16 },
  { name: "ecs.g7ne.16xlarge", cores: 64, gigabits: 50, packetsPerSecond: 16_000_000, queues: 32 },
];

/** The instances of the account, and what their types can do. */
export function ecs({ instances }: Pick<AccountState, "instances">): ActionFamily {
  function describeInstances(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    const regionId = p.required("RegionId");
    const ids = parseIds(p.optional("InstanceIds"));
    const status = p.oneOf("Status", ["Pending", "Running", "Starting", "Stopping", "Stopped"]);
    const tags = p.records("Tag", 20).map((tag) => {
      const pair = { key: tag.required("Key"), value: tag.optional("Value") };
      tag.end();
      return pair;
    });
    const found = instances.filter(
      (instance) =>
        instance.regionId === regionId &&
        (!ids || ids.includes(instance.instanceId)) &&
        (status === undefined || instance.status === status) &&
        tags.every(({ key, value }) =>
          value === undefined ? Object.hasOwn(instance.tags, key) : instance.tags[key] === value,
        ),
    );
    const { page, answer } = ecsPage(found, p);
    p.end();
    return { ...answer, Instances: { Instance: page.map(shown) } };
  }

  return {
    version: "2014-05-26",
    product: "ecs",
    actions: { DescribeInstances: describeInstances, DescribeInstanceTypes: describeInstanceTypes },
  };
}

function describeInstanceTypes(call: Call): ActionAnswer {
  const p = new Parameters(call.params);
  const names = p.list("InstanceTypes", 10);
  const found = INSTANCE_TYPES.filter(({ name }) => names.length === 0 || names.includes(name));
  const { page, nextToken } = tokenPage(found, p.whole("MaxResults", 1, 100) ?? 100, p.optional("NextToken"));
  p.end();
  return { NextToken: nextToken, InstanceTypes: { InstanceType: page.map(shownType) } };
}

/** ECS pages in two ways, and knows the total in the older one only. */
function ecsPage(
  found: readonly EcsInstance[],
  p: Parameters,
): { readonly page: readonly EcsInstance[]; readonly answer: ActionAnswer } {
  const mostResults = p.whole("MaxResults", 1, 100);
  const token = p.optional("NextToken");
  const number = p.whole("PageNumber", 1, 1_000_000);
  const size = p.whole("PageSize", 1, 100);
  if (mostResults === undefined && token === undefined) {
    const at = { number: number ?? 1, size: size ?? 10 };
    return {
      page: found.slice((at.number - 1) * at.size, at.number * at.size),
      answer: { TotalCount: found.length, PageNumber: at.number, PageSize: at.size, NextToken: "" },
    };
  }
  if (number !== undefined || size !== undefined) {
    throw new ApiError(400, "InvalidParameter", "PageNumber and NextToken exclude each other.");
  }
  const { page, nextToken } = tokenPage(found, mostResults ?? 10, token);
  return { page, answer: { TotalCount: 0, PageNumber: 0, PageSize: 0, NextToken: nextToken } };
}

function tokenPage<Item>(
  found: readonly Item[],
  size: number,
  token: string | undefined,
): { readonly page: readonly Item[]; readonly nextToken: string } {
  const start =
    token === undefined || token === "" ? 0 : Number(/^from-(\d+)$/.exec(token)?.[1] ?? Number.NaN);
  if (Number.isNaN(start))
    throw new ApiError(400, "InvalidParameter.NextToken", "The specified NextToken is invalid.");
  const end = start + size;
  return { page: found.slice(start, end), nextToken: end < found.length ? `from-${end}` : "" };
}

function parseIds(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const refusal = new ApiError(
    400,
    "InvalidInstanceIds.Malformed",
    "The specified InstanceIds is malformed.",
  );
  let ids: unknown;
  try {
    ids = JSON.parse(text);
  } catch {
    throw refusal;
  }
  if (!Array.isArray(ids) || ids.length > 100 || !ids.every((id) => typeof id === "string")) throw refusal;
  return ids;
}

function shown({ instanceId, regionId, instanceName, instanceType, status, tags }: EcsInstance): object {
  return {
    InstanceId: instanceId,
    RegionId: regionId,
    InstanceName: instanceName,
    InstanceType: instanceType,
    Status: status,
    OSType: "linux",
    Tags: { Tag: Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })) },
  };
}

function shownType({ name, cores, gigabits, packetsPerSecond, queues }: InstanceType): object {
  return {
    InstanceTypeId: name,
    InstanceTypeFamily: name.split(".").slice(0, 2).join("."),
    CpuCoreCount: cores,
    // Kbit/s.
    InstanceBandwidthRx: gigabits * 1_024_000,
    InstanceBandwidthTx: gigabits * 1_024_000,
    InstancePpsRx: packetsPerSecond,
    InstancePpsTx: packetsPerSecond,
    PrimaryEniQueueNumber: queues,
    MaximumQueueNumberPerEni: queues,
  };
}
