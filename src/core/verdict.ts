import type { Finding, HostSeverity } from "./finding.ts";
import type { ObservedElsewhere } from "./observation.ts";
import type { Text } from "./text.ts";

/** What an observation means. */
export interface Verdict {
  readonly severity: HostSeverity;
  /** The worst first; reasons come after the finding they explain. */
  readonly findings: readonly Finding[];
  /** What somebody may be about to try, and why it would not help. */
  readonly cannotHelp: readonly CannotHelp[];
  readonly elsewhere: readonly ElsewhereNote[];
}

export type CannotHelpCode =
  | "nic-bypasses-backlog"
  | "backlog-under-overload"
  | "budget-without-squeezes"
  | "rps-for-budget"
  | "rps-for-single-flow";

export interface CannotHelp {
  readonly code: CannotHelpCode;
  /** The change that was thought of. */
  readonly what: Text;
  readonly why: Text;
}

/** A loss outside softnet, and where it happens. */
export interface ElsewhereNote extends ObservedElsewhere {
  readonly means: Text;
}
