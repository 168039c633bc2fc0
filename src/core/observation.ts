import type { CpuTime } from "./cpu-time.ts";
import type { HostSettings, InterfaceSettings } from "./host-settings.ts";
import type { CpuRates, SoftnetRates } from "./rates.ts";
import type { SoftnetSample } from "./softnet-sample.ts";

/** Everything that moves, read at one time. What was not read, or is absent, is undefined. */
export interface Reading {
  readonly softnet: SoftnetSample;
  readonly cpuTime: CpuTime | undefined;
  readonly interfaces: readonly InterfaceCounters[] | undefined;
  readonly elsewhere: ElsewhereCounts | undefined;
  /** NET_RX of `/proc/softirqs`: the growth says which CPUs receive, by interrupt or by a wake-up of RPS. */
  readonly netRx: CountOfEachCpu | undefined;
  /** `/proc/interrupts`, by the interrupt's number. */
  readonly interrupts: ReadonlyMap<number, CountOfEachCpu> | undefined;
}

/** Cumulative and 32 bits wide, by CPU id; offline CPUs are not in it. */
export type CountOfEachCpu = ReadonlyMap<number, number>;

/** `/sys/class/net/X/statistics`, cumulative. */
export interface InterfaceCounters {
  readonly name: string;
  readonly rxPackets: number | undefined;
  /** Every drop of the backlog is also counted here, at the interface that received the packet. */
  readonly rxDropped: number | undefined;
  /** Lost by the NIC before the kernel saw it. */
  readonly rxMissedErrors: number | undefined;
}

/** Losses past the backlog, cumulative, by nstat's names. They lead on to the next place to look and are never findings. */
export type ElsewhereCounter =
  | "UdpRcvbufErrors"
  | "TcpExtListenOverflows"
  | "TcpExtListenDrops"
  | "TcpExtTCPBacklogDrop"
  | "conntrack_drop";

export type ElsewhereCounts = Readonly<Partial<Record<ElsewhereCounter, number>>>;

/** What was seen of a host over the sampled seconds: growth only, never totals since boot. */
export interface Observation {
  /** Wall clock of the last reading, epoch milliseconds. */
  readonly takenAtMs: number;
  readonly sampledSeconds: number;
  /** Intervals between two readings. */
  readonly samples: number;
  /** The sum over the CPUs. */
  readonly all: SoftnetRates;
  readonly cpus: readonly ObservedCpu[];
  readonly interfaces: readonly ObservedInterface[];
  /** Those that grew, the fastest first. */
  readonly elsewhere: readonly ObservedElsewhere[];
  readonly settings: HostSettings;
}

/** One CPU over the sampled seconds: mean rates, and the gauge as it was last seen. */
export interface ObservedCpu extends CpuRates {
  /** Packets: the peak that a bigger backlog would have had to hold. */
  readonly largestDropOfOneSample: number;
  readonly droppingSamples: number;
  /** Length of the samples in which it dropped. */
  readonly droppingSeconds: number;
  /** Of column 12; undefined where the kernel does not print it. */
  readonly backlogs: BacklogSeen | undefined;
  /** Mean over the sampled seconds; undefined without `/proc/stat`. */
  readonly load: CpuLoad | undefined;
  /** The same over the samples in which this CPU dropped, so that a short overload is not diluted by the quiet around it. */
  readonly loadWhileDropping: CpuLoad | undefined;
}

export interface CpuLoad {
  readonly softirqPercent: number;
  readonly stealPercent: number;
  readonly idlePercent: number;
}

/** Packets waiting, over all readings. */
export interface BacklogSeen {
  readonly maximum: number;
  readonly maximumOfFirstThird: number;
  readonly maximumOfLastThird: number;
  /** 0 to 1: in how many of the readings it was above `netdev_max_backlog`; 0 where that is unlimited or unknown. */
  readonly shareAboveLimit: number;
  readonly readings: number;
}

export interface ObservedInterface extends InterfaceSettings {
  readonly rxPacketsPerSecond: number | undefined;
  readonly rxDroppedPerSecond: number | undefined;
  readonly rxMissedPerSecond: number | undefined;
}

export interface ObservedElsewhere {
  readonly counter: ElsewhereCounter | "rx_missed_errors";
  /** For `rx_missed_errors`: whose. */
  readonly interface: string | undefined;
  readonly perSecond: number;
}
