/** The policies that `softnet doctor --policy NAME` prints. */
export type PolicyName = "agent" | "setup" | "remediation";

/** What was asked for. */
export interface AskedFor {
  /** As RAM spells it: `cms:PutContact`. */
  readonly ramAction: string;
  /** The policy that allows whoever asks for it. */
  readonly policy: PolicyName;
}

/** Why the cloud takes nothing from us until somebody mends it. */
export interface Denial {
  /** Ours, stable and public. */
  readonly name: string;
  readonly mend: (asked: AskedFor) => string;
}

export const NOT_PERMITTED: Denial = {
  name: "not-permitted",
  mend: ({ ramAction, policy }) =>
    `the RAM role or user may not do this: allow it ${ramAction} (softnet doctor --policy ${policy})`,
};

/** In the order they are tried. What mends each is ours to say: the gateway's texts show what it computed from our key. */
const DENIALS: readonly (Denial & { readonly codes: RegExp })[] = [
  {
    name: "clock-off",
    codes: /^InvalidTimeStamp/,
    mend: () => "the clock of this machine is more than 15 minutes off: set it, by chrony or ntpd",
  },
  {
    name: "unknown-access-key",
    codes: /^InvalidAccessKeyId/,
    mend: () => "the access key does not exist or is disabled: give one that is in use",
  },
  {
    name: "wrong-secret",
    codes: /^(SignatureDoesNotMatch|IncompleteSignature)/,
    mend: () => "the access key's secret does not belong to its id: give the pair anew",
  },
  {
    name: "bad-security-token",
    codes: /^(InvalidSecurityToken|MissingSecurityToken)/,
    mend: () => "the security token is missing, wrong or has expired: fetch it anew",
  },
  {
    name: "no-credentials",
    codes: /^InvalidCredential/,
    mend: () => "there are no usable credentials: attach a RAM role to the instance, or give an access key",
  },
  {
    name: "wrong-endpoint",
    codes: /^(InvalidApi|InvalidAction|InvalidVersion|InvalidProduct|HTTP 404$)/,
    mend: ({ ramAction }) => `what listens there does not know ${actionIn(ramAction)}: check the endpoint`,
  },
  { ...NOT_PERMITTED, codes: /^(Forbidden|NoPermission|Unauthorized|403$|HTTP 40[13]$)/ },
];

/** @param code the cloud's own, or `HTTP 403` where it gave none. */
export function denialOf(code: string): Denial | undefined {
  return DENIALS.find(({ codes }) => codes.test(code));
}

function actionIn(ramAction: string): string {
  return ramAction.slice(ramAction.indexOf(":") + 1);
}
