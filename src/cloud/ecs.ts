import { CloudError, KnownError } from "../errors.ts";
import { callRpc, type CloudAccess, type RpcParam } from "./rpc-call.ts";

/** `k=v`, or `k` alone for any value. */
export interface Tag {
  readonly key: string;
  readonly value: string | undefined;
}

export interface EcsInstance {
  readonly instanceId: string;
  readonly name: string;
  readonly status: string;
}

const VERSION = "2014-05-26";
/** Also the most ids that one question may name. */
const PAGE_SIZE = 100;
const MOST_PAGES = 1000;

/** Inside a VPC first: an instance without a public address reaches nothing else. */
export function ecsEndpoints(regionId: string): readonly string[] {
  return [`ecs-vpc.${regionId}.aliyuncs.com`, `ecs.${regionId}.aliyuncs.com`];
}

/**
 * The instances of a region that carry all of these tags; without a tag, all of them.
 *
 * @param access to ECS.
 * @throws RefusedCall; CloudError `incomplete-list` when fewer came than the cloud said there are.
 */
export function readInstancesByTag(
  access: CloudAccess,
  regionId: string,
  tags: readonly Tag[],
): Promise<readonly EcsInstance[]> {
  return readInstances(access, regionId, { Tag: tags.map(({ key, value }) => ({ Key: key, Value: value })) });
}

/** Those of these instances that exist in the region, whatever their state. @throws as {@link readInstancesByTag} does. */
export async function readInstancesById(
  access: CloudAccess,
  regionId: string,
  instanceIds: readonly string[],
): Promise<readonly EcsInstance[]> {
  const found: EcsInstance[] = [];
  for (let i = 0; i < instanceIds.length; i += PAGE_SIZE) {
    const InstanceIds = JSON.stringify(instanceIds.slice(i, i + PAGE_SIZE));
    found.push(...(await readInstances(access, regionId, { InstanceIds })));
  }
  return found;
}

/** What ECS says of instances that send nothing. */
export interface Absences {
  /** It does not know them. */
  readonly releasedIds: ReadonlySet<string>;
  readonly stoppedIds: ReadonlySet<string>;
}

/** Why these instances may owe nothing. Where ECS cannot be asked, or may not be, nobody knows, and all of them do. */
export async function readAbsences(
  access: CloudAccess,
  regionId: string,
  instanceIds: readonly string[],
): Promise<Absences> {
  // Whoever runs the agent on a machine of another kind gave it an id of another kind.
  const asked = instanceIds.filter((id) => id.startsWith("i-"));
  try {
    const found = new Map(
      (await readInstancesById(access, regionId, asked)).map(({ instanceId, status }) => [
        instanceId,
        status,
      ]),
    );
    return {
      releasedIds: new Set(asked.filter((id) => !found.has(id))),
      stoppedIds: new Set(asked.filter((id) => found.get(id) === "Stopped")),
    };
  } catch (error) {
    if (error instanceof KnownError) return { releasedIds: new Set(), stoppedIds: new Set() };
    throw error;
  }
}

async function readInstances(
  access: CloudAccess,
  regionId: string,
  which: Readonly<Record<string, RpcParam>>,
): Promise<readonly EcsInstance[]> {
  const found: EcsInstance[] = [];
  for (let page = 1; page <= MOST_PAGES; page++) {
    const body = await callRpc({
      ...access,
      product: "ecs",
      version: VERSION,
      action: "DescribeInstances",
      params: { RegionId: regionId, ...which, PageNumber: page, PageSize: PAGE_SIZE },
    });
    const { Instances, TotalCount } = body as {
      Instances?: { Instance?: readonly Readonly<Record<string, unknown>>[] };
      TotalCount?: unknown;
    };
    const entries = Instances?.Instance;
    // An answer without a list or a number is no answer: to take it for "none" would take every rule away.
    if (!Array.isArray(entries) || typeof TotalCount !== "number")
      throw incomplete("a list and its length", "neither");
    found.push(
      ...entries.map((entry) => ({
        instanceId: String(entry["InstanceId"]),
        name: String(entry["InstanceName"] ?? ""),
        status: String(entry["Status"] ?? ""),
      })),
    );
    if (found.length >= TotalCount) return found;
    if (entries.length === 0) throw incomplete(`${TotalCount} instances`, String(found.length));
  }
  throw incomplete(`at most ${MOST_PAGES * PAGE_SIZE} instances`, "more");
}

function incomplete(expected: string, got: string): CloudError {
  return new CloudError({ code: "incomplete-list", expected, got, where: "ecs:DescribeInstances" });
}
