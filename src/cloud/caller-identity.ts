import * as v from "valibot";

import { CloudError } from "../errors.ts";
import { callRpc, type CloudAccess } from "./rpc-call.ts";

/** Whose credentials these are. */
export interface CallerIdentity {
  /** The main account's id, which names the metrics' namespace. */
  readonly accountId: string;
  /** `acs:ram::123:user/alice` */
  readonly arn: string;
  /** `Account`, `RAMUser` or `AssumedRoleUser`. */
  readonly identityType: string;
}

const answer = v.object({
  AccountId: v.pipe(v.string(), v.digits()),
  Arn: v.pipe(v.string(), v.nonEmpty()),
  IdentityType: v.pipe(v.string(), v.nonEmpty()),
});

/** Inside a VPC first: an instance without a public address reaches nothing else. */
export function stsEndpoints(regionId: string): readonly string[] {
  return [`sts-vpc.${regionId}.aliyuncs.com`, `sts.${regionId}.aliyuncs.com`];
}

/**
 * Asks STS who signs. No permission is needed for that.
 *
 * @param access to STS, not to CloudMonitor.
 * @throws as {@link callRpc} does.
 */
export async function readCallerIdentity(access: CloudAccess): Promise<CallerIdentity> {
  const body = await callRpc({
    ...access,
    product: "sts",
    version: "2015-04-01",
    action: "GetCallerIdentity",
  });
  const parsed = v.safeParse(answer, body);
  if (parsed.success) {
    const { AccountId, Arn, IdentityType } = parsed.output;
    return { accountId: AccountId, arn: Arn, identityType: IdentityType };
  }
  throw new CloudError({
    code: "cloud-unreadable",
    expected: "AccountId, Arn and IdentityType",
    got: "something else",
    where: "sts:GetCallerIdentity",
  });
}
