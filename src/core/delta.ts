import {
  COLUMN,
  hasBacklogLen,
  hasFlowLimitCount,
  hasReceivedRps,
  type SoftnetSample,
} from "./softnet-sample.ts";

/** What the counters grew by between two samples of one boot; the arrays run parallel to `cpus`. */
export interface SoftnetDelta {
  readonly kind: "delta";
  /** Wall clock of the later sample, epoch milliseconds. */
  readonly takenAtMs: number;
  /** From the clock that never steps; always above zero. */
  readonly elapsedSeconds: number;
  /** CPUs that have a row in both samples, ascending. */
  readonly cpus: Uint32Array;
  readonly processed: Uint32Array;
  readonly dropped: Uint32Array;
  readonly timeSqueeze: Uint32Array;
  /** Undefined where the kernel prints no such column. */
  readonly receivedRps: Uint32Array | undefined;
  readonly flowLimitCount: Uint32Array | undefined;
  /** Gauge at the later sample, not growth. */
  readonly backlogLen: Uint32Array | undefined;
  /** CPUs with a row in the later sample only: they have no growth yet. */
  readonly appeared: readonly number[];
  /** CPUs with a row in the earlier sample only. */
  readonly left: readonly number[];
}

/** Why two samples cannot be compared. */
export interface NoDelta {
  readonly kind: "rebooted" | "no-time-passed" | "columns-changed";
}

/**
 * The growth of every counter between two samples.
 *
 * A counter that fell has wrapped: within one boot nothing resets it, not even its CPU going offline
 * (seen on Linux 5.10 to 6.18). Only another boot id starts the counters anew.
 *
 * The count of the flow limit alone begins at zero again when `flow_limit_cpu_bitmap` is written (seen on the same kernels): what looks like
 * a growth of more than half its range is a restart.
 */
export function deltaBetween(before: SoftnetSample, after: SoftnetSample): SoftnetDelta | NoDelta {
  if (isAnotherBoot(before, after)) return { kind: "rebooted" };
  const elapsedSeconds = (after.monotonicMs - before.monotonicMs) / 1000;
  if (elapsedSeconds <= 0) return { kind: "no-time-passed" };
  if (before.columns !== after.columns) return { kind: "columns-changed" };

  const { columns } = after;
  const pairs = matchRows(before.cpus, after.cpus);
  const growthOf = (column: number): Uint32Array => {
    const growth = new Uint32Array(pairs.afterRows.length);
    for (let i = 0; i < growth.length; i++) {
      const from = before.words[pairs.beforeRows[i]! * columns + column]!;
      const to = after.words[pairs.afterRows[i]! * columns + column]!;
      // Storing into a Uint32Array is the modulo-2^32 that a wrapped counter needs.
      growth[i] = to - from;
    }
    return growth;
  };
  const gaugeOf = (column: number): Uint32Array =>
    Uint32Array.from(pairs.afterRows, (row) => after.words[row * columns + column]!);
  const flowLimitGrowth = (): Uint32Array => {
    const sinceRestart = gaugeOf(COLUMN.flowLimitCount);
    return growthOf(COLUMN.flowLimitCount).map((growth, row) =>
      growth < HALF_OF_32_BITS ? growth : sinceRestart[row]!,
    );
  };

  return {
    kind: "delta",
    takenAtMs: after.takenAtMs,
    elapsedSeconds,
    cpus: Uint32Array.from(pairs.afterRows, (row) => after.cpus[row]!),
    processed: growthOf(COLUMN.processed),
    dropped: growthOf(COLUMN.dropped),
    timeSqueeze: growthOf(COLUMN.timeSqueeze),
    receivedRps: hasReceivedRps(columns) ? growthOf(COLUMN.receivedRps) : undefined,
    flowLimitCount: hasFlowLimitCount(columns) ? flowLimitGrowth() : undefined,
    backlogLen: hasBacklogLen(columns) ? gaugeOf(COLUMN.backlogLen) : undefined,
    appeared: pairs.appeared,
    left: pairs.left,
  };
}

const HALF_OF_32_BITS = 2 ** 31;

/** Without a boot id on both sides, a clock since boot that went backwards is the witness. */
function isAnotherBoot(before: SoftnetSample, after: SoftnetSample): boolean {
  if (before.bootId !== undefined && after.bootId !== undefined) return before.bootId !== after.bootId;
  return after.monotonicMs < before.monotonicMs;
}

function matchRows(
  before: Uint32Array,
  after: Uint32Array,
): { beforeRows: number[]; afterRows: number[]; appeared: number[]; left: number[] } {
  const matched = {
    beforeRows: [] as number[],
    afterRows: [] as number[],
    appeared: [] as number[],
    left: [] as number[],
  };
  let b = 0;
  let a = 0;
  while (b < before.length || a < after.length) {
    const cpuBefore = before[b] ?? Number.POSITIVE_INFINITY;
    const cpuAfter = after[a] ?? Number.POSITIVE_INFINITY;
    if (cpuBefore === cpuAfter) {
      matched.beforeRows.push(b++);
      matched.afterRows.push(a++);
    } else if (cpuBefore < cpuAfter) {
      matched.left.push(cpuBefore);
      b++;
    } else {
      matched.appeared.push(cpuAfter);
      a++;
    }
  }
  return matched;
}
