import type { CpuTime } from "../core/cpu-time.ts";
import type { Host } from "./host.ts";

const PROC_STAT = "/proc/stat";

/** Undefined where the host does not show it. */
export function readCpuTime(host: Host): CpuTime | undefined {
  const bytes = host.read(PROC_STAT);
  return bytes && parseCpuTime(bytes);
}

/**
 * Parses the `cpuN` rows of `/proc/stat`, from bytes and no further than they go: the `intr` row after them is the longest of the file.
 * Undefined when there is no such row. Old kernels print fewer columns; what is not printed is zero.
 *
 * Columns (proc(5)): user nice system idle iowait irq softirq steal guest guest_nice.
 */
export function parseCpuTime(bytes: Uint8Array): CpuTime | undefined {
  const rows: (readonly number[])[] = [];
  let at = 0;
  while (startsWithCpu(bytes, at)) {
    const end = endOfLine(bytes, at);
    const row = numbersIn(bytes, at + 3, end);
    // The first row, of no number, is the sum over all CPUs.
    if (isDigit(bytes[at + 3])) rows.push(row);
    at = end + 1;
  }
  if (rows.length === 0) return undefined;
  const column = (...columns: readonly number[]): Float64Array =>
    Float64Array.from(rows, (row) => columns.reduce((sum, index) => sum + (row[index] ?? 0), 0));
  return {
    cpus: Uint32Array.from(rows, (row) => row[0]!),
    softirq: column(7),
    steal: column(8),
    idle: column(4, 5),
    total: column(1, 2, 3, 4, 5, 6, 7, 8),
  };
}

function startsWithCpu(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x63 && bytes[at + 1] === 0x70 && bytes[at + 2] === 0x75;
}

function endOfLine(bytes: Uint8Array, from: number): number {
  const end = bytes.indexOf(0x0a, from);
  return end === -1 ? bytes.length : end;
}

function numbersIn(bytes: Uint8Array, from: number, end: number): readonly number[] {
  const numbers: number[] = [];
  let value = 0;
  let digits = 0;
  for (let i = from; i <= end; i++) {
    if (i < end && isDigit(bytes[i])) {
      value = value * 10 + (bytes[i]! - 0x30);
      digits++;
    } else if (digits > 0) {
      numbers.push(value);
      value = 0;
      digits = 0;
    }
  }
  return numbers;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
