/**
 * One reading of `/proc/net/softnet_stat`: the words as the kernel printed them, row after row.
 *
 * Source for the columns: net/core/net-procfs.c, softnet_seq_show() of Linux 2.6.38 to 6.18.
 */

/** Zero-based columns of a row. 12, 14 and 15 (one-based) are gauges and 13 is an id: never difference them. */
export const COLUMN = {
  processed: 0,
  dropped: 1,
  timeSqueeze: 2,
  cpuCollision: 8,
  receivedRps: 9,
  flowLimitCount: 10,
  backlogLen: 11,
  cpuId: 12,
  inputQlen: 13,
  processQlen: 14,
} as const;

/** A downstream 4.19 prints a twelfth column that is no backlog: columns 12 and 13 are trusted together only. */
const COLUMNS_WITH_CPU_ID = 13;

export interface SoftnetSample {
  /** Wall clock, epoch milliseconds. Says which minute a sample belongs to and nothing else. */
  readonly takenAtMs: number;
  /** A clock that never steps, in milliseconds. Every elapsed time comes from it. */
  readonly monotonicMs: number;
  /** `/proc/sys/kernel/random/boot_id`; undefined where it cannot be read. */
  readonly bootId: string | undefined;
  /** Words per row: the number of columns decides what they mean, never the kernel's version. */
  readonly columns: number;
  /** The CPU id of each row, ascending. Offline CPUs have no row. */
  readonly cpus: Uint32Array;
  /** `cpus.length × columns` unsigned 32-bit words, row after row. */
  readonly words: Uint32Array;
}

export function hasReceivedRps(columns: number): boolean {
  return columns > COLUMN.receivedRps;
}

export function hasFlowLimitCount(columns: number): boolean {
  return columns > COLUMN.flowLimitCount;
}

/** Both the backlog gauge and the CPU id came with Linux 5.10 (and el8.5's 4.18). */
export function hasBacklogLen(columns: number): boolean {
  return columns >= COLUMNS_WITH_CPU_ID;
}

/** @throws RangeError when the row or the column is outside the sample: that is a bug of the caller. */
export function wordAt(sample: SoftnetSample, row: number, column: number): number {
  const word = sample.words[row * sample.columns + column];
  if (word === undefined || column >= sample.columns) {
    throw new RangeError(
      `No word at row ${row}, column ${column + 1} of a sample of ${sample.columns} columns`,
    );
  }
  return word;
}
