import { COLUMN, hasBacklogLen, type SoftnetSample } from "../core/softnet-sample.ts";
import { HostError } from "../errors.ts";
import { readCpuList } from "./cpu-sets.ts";
import { readCpuTime } from "./cpu-time.ts";
import { type Host, placeOf, readLine } from "./host.ts";

export const SOFTNET_STAT = "/proc/net/softnet_stat";
const CPUS = "/sys/devices/system/cpu";

/** When a sample was taken, by both clocks. */
export interface Moment {
  readonly takenAtMs: number;
  readonly monotonicMs: number;
}

/** What the file said, before it is known which CPU each row belongs to on kernels that do not print it. */
export interface SoftnetStat {
  readonly columns: number;
  readonly rows: number;
  readonly words: Uint32Array;
}

/**
 * Reads the softnet counters of every online CPU.
 *
 * @throws HostError when the file is absent, empty, torn, or not a softnet_stat; the next call starts afresh.
 */
export function readSoftnetStat(host: Host, moment: Moment): SoftnetSample {
  const bytes = host.read(SOFTNET_STAT);
  if (bytes === undefined) {
    throw new HostError({
      code: "softnet-stat-absent",
      expected: "the kernel's softnet counters",
      got: "no readable file",
      where: placeOf(host, SOFTNET_STAT),
    });
  }
  const stat = parseSoftnetStat(bytes, placeOf(host, SOFTNET_STAT));
  return {
    takenAtMs: moment.takenAtMs,
    monotonicMs: moment.monotonicMs,
    bootId: readLine(host, "/proc/sys/kernel/random/boot_id"),
    columns: stat.columns,
    cpus: cpuOfEachRow(stat, host),
    words: stat.words,
  };
}

/**
 * Parses `/proc/net/softnet_stat` from bytes: at 1024 CPUs text and split would cost three times as much.
 *
 * @param where what a complaint calls the file.
 * @throws HostError naming the line that does not fit.
 */
export function parseSoftnetStat(bytes: Uint8Array, where = SOFTNET_STAT): SoftnetStat {
  // The first row decides the width; every word takes at least two bytes.
  let words = new Uint32Array(0);
  let columns = 0;
  let count = 0;
  let rows = 0;
  let word = 0;
  let digits = 0;
  let wordsInRow = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    const digit = byte < 128 ? HEX_DIGIT[byte]! : NOT_HEX;
    if (digit !== NOT_HEX) {
      word = (word * 16 + digit) >>> 0;
      if (++digits > 8)
        throw foreign(where, rows, "words of at most eight hexadecimal digits", "a longer one");
      continue;
    }
    if (byte !== SPACE && byte !== NEWLINE) {
      throw foreign(
        where,
        rows,
        "hexadecimal words",
        `the byte ${JSON.stringify(String.fromCharCode(byte))}`,
      );
    }
    if (digits > 0) {
      if (count === words.length) words = grown(words, bytes.length);
      words[count++] = word;
      wordsInRow++;
      word = 0;
      digits = 0;
    }
    if (byte === NEWLINE) {
      if (rows === 0) columns = wordsInRow;
      if (columns < FEWEST_COLUMNS) {
        throw foreign(where, rows, `at least ${FEWEST_COLUMNS} columns`, String(wordsInRow));
      }
      if (wordsInRow !== columns)
        throw foreign(where, rows, `${columns} columns as in line 1`, String(wordsInRow));
      rows++;
      wordsInRow = 0;
    }
  }
  if (rows === 0)
    throw foreign(
      where,
      0,
      "a row for each online CPU",
      bytes.length === 0 ? "an empty file" : "no whole line",
    );
  if (digits > 0 || wordsInRow > 0) throw foreign(where, rows, "a line's end", "the file's end: it is torn");
  return { columns, rows, words: words.subarray(0, count) };
}

/** Linux 2.6.38 and before printed nine columns, and nobody printed fewer. */
const FEWEST_COLUMNS = 9;
const SPACE = 0x20;
const NEWLINE = 0x0a;
const NOT_HEX = 255;

const HEX_DIGIT = Uint8Array.from({ length: 128 }, (_, byte) => {
  const digit = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(digit) ? NOT_HEX : digit;
});

/** The kernel prints nine bytes a word; a hand-made file may be denser, hence the doubling. */
function grown(words: Uint32Array<ArrayBuffer>, byteLength: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(words.length * 2, Math.ceil(byteLength / 9)));
  larger.set(words);
  return larger;
}

/**
 * Column 13 says which CPU a row belongs to, where it is printed. Elsewhere rows follow the online map, since an offline CPU has no row.
 *
 * @throws HostError when the rows are not those of the CPUs that are online: one came or went in between, and to take one
 * CPU's counters for another's would make losses up.
 */
function cpuOfEachRow(stat: SoftnetStat, host: Host): Uint32Array {
  if (hasBacklogLen(stat.columns)) return cpuIds(stat, placeOf(host, SOFTNET_STAT));
  const online = readCpuList(host, `${CPUS}/online`);
  if (!online) {
    // Without /sys the CPUs that have a time are the next best witness, and the row's number is the last.
    const timed = readCpuTime(host)?.cpus;
    return timed?.length === stat.rows ? timed : Uint32Array.from({ length: stat.rows }, (_, row) => row);
  }
  if (online.length === stat.rows) return Uint32Array.from(online);
  // lxcfs shows a container the CPUs it may use as the online ones, and leaves the possible ones alone.
  const possible = readCpuList(host, `${CPUS}/possible`);
  if (possible?.length === stat.rows) return Uint32Array.from(possible);
  const where = placeOf(host, SOFTNET_STAT);
  throw foreign(where, stat.rows - 1, `a row for each of ${online.length} online CPUs`, `${stat.rows} rows`);
}

function cpuIds({ columns, rows, words }: SoftnetStat, where: string): Uint32Array {
  const cpus = Uint32Array.from({ length: rows }, (_, row) => words[row * columns + COLUMN.cpuId]!);
  const astray = cpus.findIndex((cpu, row) => row > 0 && cpu <= cpus[row - 1]!);
  if (astray === -1) return cpus;
  throw foreign(where, astray, `a CPU above ${cpus[astray - 1]} in column 13`, String(cpus[astray]));
}

function foreign(where: string, row: number, expected: string, got: string): HostError {
  return new HostError({
    code: "softnet-stat-unreadable",
    expected,
    got,
    where: `${where} line ${row + 1}`,
  });
}
