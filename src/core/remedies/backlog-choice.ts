import { backlogRowOf, type Bandwidth } from "./bandwidth.ts";

/** What a value of `netdev_max_backlog` can cost. Nothing is reserved: only CPUs that are overloaded fill up. */
export interface QueueCost {
  /** The official guide's estimate: value × average packet size × CPUs. No bound: it leaves out what a packet occupies beside its data. */
  readonly bytesGuide: number;
  /** 2 × (value + 1) × truesize × CPUs: each CPU has two queues of value + 1 packets. */
  readonly bytesUpperBound: number;
  /** How long a packet at the end of a full queue waits, at the rate at which the busiest CPU works it off; null where none does. */
  readonly worstDelayMs: number | null;
}

/** A full Ethernet frame, and what the kernel holds for one: 256 bytes of sk_buff, the data rounded up to 2048 (measured on Linux 6.18). */
const FRAME_BYTES = 1514;
const TRUESIZE_BYTES = 2310;

export function queueCost(value: number, cpus: number, processedPerSecond: number): QueueCost {
  return {
    bytesGuide: value * FRAME_BYTES * cpus,
    bytesUpperBound: 2 * (value + 1) * TRUESIZE_BYTES * cpus,
    worstDelayMs: processedPerSecond > 0 ? Math.round((value / processedPerSecond) * 1000) : null,
  };
}

/** What `--backlog auto` comes to. */
export type BacklogChoice =
  | {
      readonly kind: "raise";
      readonly to: number;
      readonly isException: boolean;
      /** What would have held the loss. */
      readonly wanted: number;
      /** Half of the available memory would not hold what suits the bandwidth. */
      readonly isShortOfMemory: boolean;
    }
  /** −1: the kernel queues without bound, and there is nothing to raise. */
  | { readonly kind: "unlimited" }
  /** Already beyond the table for this bandwidth and dropping still. */
  | { readonly kind: "exhausted"; readonly last: number }
  /** Half of the available memory would not hold it. */
  | { readonly kind: "no-memory"; readonly wanted: number };

export interface BacklogNeed {
  /** `netdev_max_backlog` as it is. */
  readonly limit: number;
  /** Packets: the largest drop count of one CPU in one sample. */
  readonly largestDrop: number;
  readonly bandwidth: Bandwidth;
  readonly cpus: number;
  readonly memoryAvailableBytes: number | undefined;
}

const STEP = 1000;
/** The rest of the machine needs the other half. */
const SHARE_OF_MEMORY = 0.5;

/**
 * The next value: what would have held the largest loss, rounded up, within the bandwidth's row. A host that still drops at the end of its row gets the
 * first value of the next one as an exception. Never lower than it is.
 */
export function chooseBacklog(need: BacklogNeed): BacklogChoice {
  if (need.limit < 0) return { kind: "unlimited" };
  const wanted = Math.ceil((need.limit + Math.max(1, need.largestDrop)) / STEP) * STEP;
  const { row, next } = backlogRowOf(need.bandwidth);
  const isException = need.limit >= row.last;
  if (isException && (next === undefined || need.limit >= next.first)) {
    return { kind: "exhausted", last: need.limit };
  }
  const to = isException ? next!.first : Math.min(Math.max(wanted, row.first), row.last);
  const affordable = Math.min(to, affordableBacklog(need));
  if (affordable <= need.limit) return { kind: "no-memory", wanted: to };
  return { kind: "raise", to: affordable, isException, wanted, isShortOfMemory: affordable < to };
}

/** The most packets whose upper bound in bytes fits; infinite where the memory is not known. */
function affordableBacklog({ cpus, memoryAvailableBytes }: BacklogNeed): number {
  if (memoryAvailableBytes === undefined) return Number.POSITIVE_INFINITY;
  const packets = (memoryAvailableBytes * SHARE_OF_MEMORY) / (2 * TRUESIZE_BYTES * Math.max(1, cpus)) - 1;
  return Math.floor(packets / STEP) * STEP;
}
