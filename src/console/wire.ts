/** What goes over the wire to the page, as JSON. The page's scripts check themselves against these types. */
import type { CannotHelp } from "../core/cannot-help.ts";
import type { ElsewhereNote } from "../core/elsewhere.ts";
import type { Finding, HostSeverity } from "../core/finding.ts";
import type { AgentStatus, AlarmState, DriftView, HostIdentity, IncidentRow, RemedyPlan } from "./view.ts";

/** A rate or a gauge; null is "nobody knows". */
export type Value = number | null;

export const RANGES = ["now", "1h", "24h", "30d"] as const;
export type Range = (typeof RANGES)[number];

/** One second. Rates are per second; a column the kernel does not print is left out. */
export interface LiveDocument {
  readonly takenAtMs: number;
  /** What the rates are over. */
  readonly elapsedSeconds: number;
  readonly host: LiveColumns<number>;
  /** The columns run parallel. */
  readonly cpus: LiveColumns<readonly number[]> & {
    readonly cpu: readonly number[];
    readonly softirqPercent?: readonly Value[];
  };
}

export interface LiveColumns<T> {
  readonly processed: T;
  readonly dropped: T;
  readonly squeezed: T;
  readonly receivedRps?: T;
  readonly flowLimit?: T;
  readonly backlog?: T;
}

/** Graph data: see `Series` in core. */
export interface HistoryDocument {
  readonly schemaVersion: 1;
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
  readonly timesMs: readonly number[];
  readonly host: HistoryColumns;
  readonly cpus: readonly (HistoryColumns & { readonly cpu: number })[];
  /** Every CPU that dropped or was squeezed in the range, the worst first; the columns run parallel. */
  readonly peaks: {
    readonly cpu: readonly number[];
    readonly dropped: readonly number[];
    readonly squeezed: readonly number[];
  };
  readonly droppedSum: number;
  readonly squeezedSum: number;
}

export interface HistoryColumns {
  readonly dropped: readonly Value[];
  readonly squeezed: readonly Value[];
  readonly processed?: readonly Value[];
  readonly backlog?: readonly Value[];
}

/** What changes seldom; sent when it did. */
export interface StateDocument {
  readonly version: string;
  readonly severity: HostSeverity | "measuring";
  readonly severitySinceMs?: number;
  readonly findings: readonly Finding[];
  readonly cannotHelp: readonly CannotHelp[];
  readonly elsewhere: readonly ElsewhereNote[];
  readonly hostname?: string;
  readonly identity: HostIdentity;
  /** Settings of the host in its own words: `net.core.netdev_max_backlog` and what it holds. */
  readonly settings: readonly SettingRow[];
  readonly interfaces: readonly InterfaceRow[];
  /** A container in its own network namespace: the settings of the machine are not visible from here. */
  readonly inOwnNetworkNamespace: boolean;
  readonly agent: Omit<AgentStatus, "samples" | "sampleErrors">;
  readonly alarms?: readonly AlarmState[];
  readonly drift?: DriftView;
  readonly plan?: RemedyPlan;
  /** The newest changes of the verdict, newest first; `/api/capture?name=` gives the capture of one. */
  readonly incidents?: readonly IncidentRow[];
}

export interface SettingRow {
  readonly name: string;
  readonly value: string;
}

export interface InterfaceRow {
  readonly name: string;
  readonly kind: string;
  readonly driver?: string;
  readonly rxQueues: number;
  /** `off`, a mask, or several masks. */
  readonly rps: string;
}

/** `/api/now`. */
export interface NowDocument {
  readonly schemaVersion: 1;
  readonly nowMs: number;
  /** Null before the second sample. */
  readonly live: LiveDocument | null;
  readonly state: StateDocument;
}
