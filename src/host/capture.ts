import { isUtf8 } from "node:buffer";
import { closeSync, openSync, readSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";

import { captureKindOf } from "../core/capture-files.ts";
import { COLUMN, hasBacklogLen } from "../core/softnet-sample.ts";
import { errorCodeOf, fileProblemOf, HostError } from "../errors.ts";
import { parseCpuList } from "./cpu-list.ts";
import type { Host } from "./host.ts";
import { type Moment, parseSoftnetStat, SOFTNET_STAT } from "./softnet-stat.ts";

/** What was read at one moment: files by their path. */
export interface Snapshot extends Moment {
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** A snapshot that readers take like a machine. */
export interface CapturedHost extends Host, Moment {}

export interface Capture {
  /** In the order of their time. */
  readonly snapshots: readonly [CapturedHost, CapturedHost, ...CapturedHost[]];
  readonly omitted: Omissions;
}

/** What the portable script left out to stay short enough for Cloud Assistant. */
export interface Omissions {
  /**
   * CPUs whose softnet counters stood still from the first snapshot to the last. Their rows read as zeros, so that every rate is what
   * it was; their lines in `/proc/stat` are missing.
   */
  readonly cpus: readonly number[];
  /** How many further CPUs have no line in `/proc/stat`. */
  readonly cpuTimes: number;
  /** How many snapshots there were between the first and the last. */
  readonly snapshots: number;
  /** How many interfaces without a device, none of which dropped anything. */
  readonly interfaces: number;
  /** How many files that explain but do not decide, such as `/proc/interrupts`. */
  readonly files: number;
}

const VERSION_LINE = "softnet-capture 1";
const END_LINE = "@end";

/** A day of one reading a second on two CPUs stays below; more would not fit into memory twice on a small machine. */
const MOST_BYTES = 64 * 1024 * 1024;

const NEWLINE = 0x0a;
const SPACE = 0x20;

/**
 * Reads a capture from a file, or from standard input where the path is `-`.
 *
 * @throws HostError when it cannot be read or is no whole capture.
 */
export function readCapture(path: string): Capture {
  const source = path === "-" ? "standard input" : path;
  return parseCapture(readBounded(path, source), source);
}

/**
 * Parses a capture, plain or gzipped: which of the two it is shows in its first bytes.
 *
 * @param source what a complaint calls it.
 * @throws HostError naming the line that does not fit.
 */
export function parseCapture(bytes: Uint8Array, source: string): Capture {
  const parser = new CaptureParser(source);
  for (const line of linesOf(inflated(bytes, source))) parser.take(line);
  return parser.finish();
}

/**
 * Writes snapshots in the capture format.
 *
 * @param snapshots static files are written where they are handed over, which is the first one.
 * @param form `gzip` is one line of base64, which survives mail and Cloud Assistant.
 */
export function renderCapture(snapshots: readonly Snapshot[], form: "plain" | "gzip" = "plain"): string {
  const lines = [VERSION_LINE];
  for (const { takenAtMs, monotonicMs, files } of snapshots) {
    lines.push(`@snapshot ${Math.round(takenAtMs)} ${(monotonicMs / 1000).toFixed(6)}`);
    for (const [path, bytes] of files) {
      lines.push(`@file ${path}`);
      const text = new TextDecoder().decode(bytes);
      if (text === "") continue;
      for (const line of text.replace(/\n$/, "").split("\n")) lines.push(` ${line}`);
    }
  }
  lines.push(END_LINE, "");
  const text = lines.join("\n");
  return form === "gzip" ? `${gzipSync(text, { level: 9 }).toString("base64")}\n` : text;
}

/** Turns lines into snapshots, and knows at which line it is. */
class CaptureParser {
  readonly #source: string;
  readonly #snapshots: { takenAtMs: number; monotonicMs: number; files: Map<string, Uint8Array> }[] = [];
  readonly #omitted = { cpus: [] as readonly number[], cpuTimes: 0, snapshots: 0, interfaces: 0, files: 0 };
  #lineNumber = 0;
  #ended = false;
  /** The file whose lines are being read. */
  #path: string | undefined;
  #lines: Uint8Array[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  take(line: Uint8Array): void {
    this.#lineNumber++;
    if (this.#lineNumber === 1) return this.#takeVersion(textOf(line));
    if (this.#ended) throw this.#defect(`nothing after ${END_LINE}`, quoted(textOf(line)));
    if (line[0] === SPACE) return this.#takeContent(line);

    const text = textOf(line);
    switch (text.split(" ", 1)[0]!) {
      case "@omitted":
        return this.#takeOmitted(text);
      case "@snapshot":
        return this.#takeSnapshot(text);
      case "@file":
        return this.#takeFile(text.slice("@file ".length));
      case END_LINE:
        if (text !== END_LINE) throw this.#defect(END_LINE, quoted(text));
        this.#closeFile();
        this.#ended = true;
        return;
      default:
        throw this.#defect(
          "a line that begins with a space, @snapshot, @file or @end",
          text === "" ? "an empty line" : quoted(text),
        );
    }
  }

  finish(): Capture {
    if (!this.#ended) {
      this.#lineNumber++;
      if (this.#lineNumber === 1) throw this.#defect(quoted(VERSION_LINE), "an empty file");
      throw this.#defect(`${END_LINE} as the last line`, "the file's end: it was cut short");
    }
    const first = this.#snapshots[0]?.files;
    const hosts = this.#snapshots.map((snapshot) => capturedHost(snapshot, first!));
    if (!hasTwo(hosts)) throw this.#defect("at least two snapshots", String(hosts.length));
    if (this.#omitted.cpus.length > 0) this.#restoreRows();
    return { snapshots: hosts, omitted: this.#omitted };
  }

  #takeVersion(text: string): void {
    if (text === VERSION_LINE) return;
    if (text === `${VERSION_LINE}\r`) {
      throw this.#defect("lines that end in \\n", "\\r\\n (mail rewrote it; --gzip survives that)");
    }
    throw this.#defect(quoted(VERSION_LINE), text === "" ? "an empty line" : quoted(text));
  }

  #takeOmitted(text: string): void {
    const [, what, value, ...rest] = text.split(" ");
    const cpus = what === "cpus" && value ? parseCpuList(value) : undefined;
    const count = value && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
    if (this.#snapshots.length > 0) throw this.#defect("@omitted above the first @snapshot", quoted(text));
    if (rest.length === 0 && cpus) this.#omitted.cpus = cpus;
    else if (rest.length === 0 && what === "cpu-times" && count) this.#omitted.cpuTimes = count;
    else if (rest.length === 0 && what === "snapshots" && count) this.#omitted.snapshots = count;
    else if (rest.length === 0 && what === "interfaces" && count) this.#omitted.interfaces = count;
    else if (rest.length === 0 && what === "files" && count) this.#omitted.files = count;
    else {
      throw this.#defect(
        '"@omitted cpus LIST" or "@omitted cpu-times|snapshots|interfaces|files COUNT"',
        quoted(text),
      );
    }
  }

  #takeSnapshot(text: string): void {
    this.#closeFile();
    const match = /^@snapshot (\d{1,15}) (\d{1,12}(?:\.\d{1,9})?)$/.exec(text);
    if (!match) throw this.#defect('"@snapshot <unix ms> <uptime seconds>"', quoted(text));
    const monotonicMs = Math.round(Number(match[2]) * 1e6) / 1000;
    const before = this.#snapshots.at(-1);
    if (before && monotonicMs <= before.monotonicMs) {
      throw this.#defect(`an uptime after ${before.monotonicMs / 1000}`, match[2]!);
    }
    this.#snapshots.push({ takenAtMs: Number(match[1]), monotonicMs, files: new Map() });
  }

  #takeFile(path: string): void {
    this.#closeFile();
    const snapshot = this.#snapshots.at(-1);
    if (!snapshot) throw this.#defect("@snapshot before the first @file", quoted(`@file ${path}`));
    // oxlint-disable-next-line no-control-regex -- that is what a path must not hold
    if (!/^\/[^\u0000-\u001f\u007f]+$/.test(path))
      throw this.#defect('"@file <absolute path>"', quoted(path));
    if (snapshot.files.has(path)) throw this.#defect("each file once in a snapshot", `${path} again`);
    this.#path = path;
  }

  #takeContent(line: Uint8Array): void {
    if (this.#path === undefined) throw this.#defect("@file before a file's lines", quoted(textOf(line)));
    this.#lines.push(line);
  }

  #closeFile(): void {
    if (this.#path === undefined) return;
    // Each line gives its leading space away and takes a newline in.
    const bytes = new Uint8Array(this.#lines.reduce((length, line) => length + line.length, 0));
    let length = 0;
    for (const line of this.#lines) {
      bytes.set(line.subarray(1), length);
      length += line.length;
      bytes[length - 1] = NEWLINE;
    }
    this.#snapshots.at(-1)!.files.set(this.#path, bytes);
    this.#path = undefined;
    this.#lines = [];
  }

  /** Puts a row of zeros where a CPU was left out. */
  #restoreRows(): void {
    const online = this.#snapshots[0]!.files.get("/sys/devices/system/cpu/online");
    const omitted = new Set(this.#omitted.cpus);
    for (const { files } of this.#snapshots) {
      const bytes = files.get(SOFTNET_STAT);
      if (!bytes) continue;
      const { columns, rows, words } = parseSoftnetStat(bytes);
      const present = hasBacklogLen(columns)
        ? Array.from({ length: rows }, (_, row) => words[row * columns + COLUMN.cpuId]!)
        : (parseCpuList(textOf(online ?? new Uint8Array())) ?? []).filter((cpu) => !omitted.has(cpu));
      if (present.length !== rows || present.some((cpu) => omitted.has(cpu))) {
        throw this.#defect(
          `a row for each of ${rows + omitted.size} CPUs`,
          "omitted CPUs that the counters or the online map contradict",
        );
      }
      const lines = [...linesOf(bytes)].map(textOf);
      const rowOf = new Map(present.map((cpu, row) => [cpu, lines[row]!]));
      for (const cpu of omitted) rowOf.set(cpu, zeroRow(columns, cpu));
      const restored = [...rowOf].toSorted(([a], [b]) => a - b).map(([, line]) => `${line}\n`);
      files.set(SOFTNET_STAT, new TextEncoder().encode(restored.join("")));
    }
  }

  #defect(expected: string, got: string): HostError {
    return unreadable(expected, got, `${this.#source} line ${this.#lineNumber}`);
  }
}

function isStatic(path: string): boolean {
  return (captureKindOf(path) ?? "static") === "static";
}

/** A file that changes is what this snapshot says; one that does not is what the first one said. */
function capturedHost(snapshot: Snapshot, first: Snapshot["files"]): CapturedHost {
  const { files, takenAtMs, monotonicMs } = snapshot;
  let names: Map<string, Set<string>> | undefined;
  return {
    takenAtMs,
    monotonicMs,
    read: (path) => files.get(path) ?? (isStatic(path) ? first.get(path) : undefined),
    list: (dir) => {
      names ??= namesByDirectory([...files.keys(), ...[...first.keys()].filter(isStatic)]);
      return [...(names.get(dir) ?? [])].sort();
    },
  };
}

function namesByDirectory(paths: readonly string[]): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  for (const path of paths) {
    for (let end = path.length; end > 0;) {
      const slash = path.lastIndexOf("/", end - 1);
      const dir = slash === 0 ? "/" : path.slice(0, slash);
      let within = names.get(dir);
      if (!within) names.set(dir, (within = new Set()));
      const name = path.slice(slash + 1, end);
      if (name !== "..") within.add(name);
      end = slash;
    }
  }
  return names;
}

function zeroRow(columns: number, cpu: number): string {
  return Array.from({ length: columns }, (_, column) =>
    (hasBacklogLen(columns) && column === COLUMN.cpuId ? cpu : 0).toString(16).padStart(8, "0"),
  ).join(" ");
}

function* linesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    yield bytes.subarray(start, end);
    start = end + 1;
  }
}

/** Unpacks what is gzipped, bare or in base64; gives everything else back as it is. */
function inflated(bytes: Uint8Array, source: string): Uint8Array {
  const base64 = bytes.length > 4 && textOf(bytes.subarray(0, 4)) === "H4sI";
  const packed = base64 ? Buffer.from(textOf(bytes), "base64") : bytes;
  if (packed[0] !== 0x1f || packed[1] !== 0x8b) {
    if (isUtf8(bytes)) return bytes;
    throw unreadable("UTF-8 text or gzip", "other bytes", source);
  }
  try {
    return gunzipSync(packed, { maxOutputLength: MOST_BYTES });
  } catch (error) {
    if (errorCodeOf(error) === "ERR_BUFFER_TOO_LARGE") throw tooLarge(source);
    if (!errorCodeOf(error)?.startsWith("Z_")) throw error;
    throw unreadable("whole gzip data", `${(error as Error).message} (it was cut short or changed)`, source);
  }
}

function readBounded(path: string, source: string): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const descriptor = path === "-" ? openStandardInput() : openSync(path, "r");
    try {
      for (;;) {
        const chunk = Buffer.allocUnsafe(1024 * 1024);
        const count = readSync(descriptor, chunk);
        if (count === 0) return Buffer.concat(chunks);
        chunks.push(chunk.subarray(0, count));
        length += count;
        if (length > MOST_BYTES) throw tooLarge(source);
      }
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof HostError || errorCodeOf(error) === undefined) throw error;
    throw unreadable("a capture that can be read", fileProblemOf(error, "no such file"), source);
  }
}

/** Opened anew, because descriptor 0 may have been left non-blocking by whoever holds its other end. */
function openStandardInput(): number {
  try {
    return openSync("/dev/stdin", "r");
  } catch (error) {
    // A socket cannot be opened by its name. Programs that start us, Node for one, hand us sockets for pipes.
    if (errorCodeOf(error) === "ENXIO") return 0;
    throw error;
  }
}

function hasTwo(hosts: CapturedHost[]): hosts is [CapturedHost, CapturedHost, ...CapturedHost[]] {
  return hosts.length >= 2;
}

function tooLarge(source: string): HostError {
  return unreadable(`at most ${MOST_BYTES / 1024 / 1024} MB`, "more", source);
}

function unreadable(expected: string, got: string, where: string): HostError {
  return new HostError({ code: "capture-unreadable", expected, got, where });
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Enough of a line to recognise it by. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
