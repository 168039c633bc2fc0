import type { AlarmCode } from "../core/alarm-rules.ts";
import type { SoftnetDelta } from "../core/delta.ts";
import type { HostSettings } from "../core/host-settings.ts";
import type { AlikeChanges, DriftDocument } from "../core/remedy-document.ts";
import type { SeriesSource } from "../core/series.ts";
import type { SoftnetSample } from "../core/softnet-sample.ts";
import type { Text } from "../core/text.ts";
import type { Verdict } from "../core/verdict.ts";

/** The agent as the console sees it: nothing here changes anything. */
export interface ConsoleView {
  /** The last good sample; undefined before the first. */
  latest(): LatestSample | undefined;
  /** The last hour, in points of a second. */
  readonly recent: SeriesSource & { readonly oldestMs: number | undefined };
  /** Closed minutes: CPUs of 24 hours, the host of 30 days. */
  readonly history: SeriesSource;
  /** Undefined while nothing is measured yet: that is not healthy. */
  verdict(): CurrentVerdict | undefined;
  /** Undefined while they were not read yet. */
  settings(): HostSettings | undefined;
  identity(): HostIdentity;
  status(): AgentStatus;
  /** Rules evaluated on this machine. Absent where there are none: the page then says nothing of alarms. */
  readonly alarms?: () => readonly AlarmState[];
  /** What is no longer as `softnet remedy` set it. Absent where nobody looks. */
  readonly drift?: () => DriftView;
  /** What would be changed; undefined while nothing is found. */
  readonly plan?: () => RemedyPlan | undefined;
  /** Changes of the verdict. Absent where nobody keeps them. */
  readonly incidents?: IncidentsView;
}

export interface DriftView {
  readonly settings: readonly DriftDocument[];
  /** Why nobody can tell, one line as it is logged; there are then no settings. */
  readonly problem: string | undefined;
}

export interface IncidentsView {
  /** Newest first. */
  list(): readonly IncidentRow[];
  /** The capture around one of them; undefined where there is none of that name. */
  readCapture(name: string): string | undefined;
}

export interface IncidentRow {
  readonly atMs: number;
  readonly event: "softnet_warning" | "softnet_critical" | "softnet_recovered";
  readonly code: string | undefined;
  readonly summary: Text | undefined;
  /** Name of the capture around it; undefined where there is none, or none any more. */
  readonly capture: string | undefined;
}

export interface LatestSample {
  readonly sample: SoftnetSample;
  /** What it grew by; undefined for the first sample and the first after a reboot. */
  readonly delta: SoftnetDelta | undefined;
  /** Softirq and steal together, by CPU id; undefined where `/proc/stat` is not read. */
  readonly softirqPercent?: ReadonlyMap<number, number>;
}

export interface CurrentVerdict extends Verdict {
  /** When the severity became what it is, epoch milliseconds; undefined before its first change. */
  readonly sinceMs: number | undefined;
}

export interface HostIdentity {
  readonly instanceId: string | undefined;
  readonly instanceType: string | undefined;
  readonly region: string | undefined;
  /** Epoch milliseconds. */
  readonly bootedAtMs: number | undefined;
}

export interface AgentStatus {
  readonly startedAtMs: number;
  readonly sampleEverySeconds: number;
  readonly samples: number;
  readonly sampleErrors: number;
  /** Why the last sample failed; undefined once one succeeds. */
  readonly sampleProblem: Problem | undefined;
  readonly sink: Sink;
  readonly pushes: PushStatus;
  /** Undefined where none is set. */
  readonly webhook: WebhookStatus | undefined;
  readonly state: StateStatus;
}

export interface Problem {
  readonly atMs: number;
  /** One line, as it is logged. */
  readonly message: string;
}

export type Sink =
  /** `why` says what is missing for CloudMonitor, or that it was asked for. */
  | { readonly kind: "local"; readonly why: Text }
  | { readonly kind: "cloudmonitor"; readonly endpoint: string };

export interface PushStatus {
  readonly accepted: number;
  /** Repeats of a call that may have arrived the first time. */
  readonly ambiguousRepeats: number;
  /** Batches that were too old to be sent. */
  readonly givenUp: number;
  readonly queuedBatches: number;
  readonly lastAcceptedAtMs: number | undefined;
  /** CloudMonitor took only a part (206): the account has no series left. */
  readonly quotaReached: boolean;
  readonly problem: Problem | undefined;
}

export interface StateStatus {
  readonly dir: string;
  readonly bytes: number;
  readonly limitBytes: number;
  /** Why the last minute could not be kept. */
  readonly problem: Problem | undefined;
}

export interface WebhookStatus {
  /** Host and port; the rest of the address is a secret. */
  readonly where: string;
  readonly delivered: number;
  /** Alarms that it was not told of, for all the tries. */
  readonly givenUp: number;
  readonly waiting: number;
  readonly lastDeliveredAtMs: number | undefined;
  readonly problem: Problem | undefined;
}

export interface AlarmState {
  readonly code: AlarmCode;
  readonly name: Text;
  readonly state: "ok" | "info" | "warning" | "critical";
  readonly sinceMs: number | undefined;
  readonly detail: Text;
}

export interface RemedyPlan {
  /** Queues that change alike are one. Empty where no setting of ours cures it. */
  readonly steps: readonly AlikeChanges[];
  /** Written once it has helped. */
  readonly files: readonly {
    readonly path: string;
    /** The line that it has now; null for none. */
    readonly from: string | null;
    readonly to: string;
  }[];
  readonly cannotHelp: readonly {
    readonly code: string;
    readonly what: Text;
    readonly why: Text;
  }[];
  /** What else sets the same. */
  readonly conflicts: readonly { readonly where: string; readonly text: Text }[];
  readonly notes: readonly Text[];
  /** Where no setting cures it. */
  readonly advice: Text | undefined;
  /** The command line that applies it. */
  readonly command: string;
  readonly undo: string;
}
