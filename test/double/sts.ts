import type { AccountState } from "./account-state.ts";
import { type ActionFamily, Parameters } from "./action.ts";

/** Who signs: the one question that needs no grant. */
export function securityTokenService({ uid }: Pick<AccountState, "uid">): ActionFamily {
  return {
    version: "2015-04-01",
    product: "sts",
    needsNoGrant: true,
    actions: {
      GetCallerIdentity: (call) => {
        new Parameters(call.params).end();
        return {
          IdentityType: "RAMUser",
          AccountId: uid,
          UserId: "200000000000000001",
          PrincipalId: "200000000000000001",
          Arn: `acs:ram::${uid}:user/operator`,
        };
      },
    },
  };
}
