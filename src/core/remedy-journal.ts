import { type CpuMask, maskOfCpus, parseCpuMask } from "./cpu-mask.ts";
import type { HostSettings } from "./host-settings.ts";
import { posixChecksum } from "./posix-checksum.ts";
import { REMEDY_SYSCTLS, type RemedySysctl } from "./remedy-sysctls.ts";
import { assignmentIn, CONF_PATH, RPS_PATHS } from "./tuning-files.ts";

/** Holds the journal and the audit; the scripts have the same default. */
export const DEFAULT_REMEDY_DIR = "/var/lib/softnet-remedy";
export const JOURNAL_FILE = "journal";

/** What the scripts have noted; see src/core/script. Undone, there is none. */
export interface RemedyJournal {
  readonly values: readonly JournaledValue[];
  /** The files written, each once. */
  readonly files: readonly JournaledFile[];
  /** What `CONF_PATH` was made to set. */
  readonly lines: readonly JournaledLine[];
  /** ISO 8601: when values were set, the first time first. */
  readonly runs: readonly string[];
}

export type JournaledValue = JournaledSysctl | JournaledMask;

interface Journaled {
  /** ISO 8601: when the last run set it. */
  readonly setAt: string | undefined;
  /** The boot in which it did; undefined in journals of older scripts. */
  readonly bootId: string | undefined;
  /** A file that was written sets it again at boot. */
  readonly isKept: boolean;
}

interface JournaledSysctl extends Journaled {
  readonly kind: "sysctl";
  readonly name: RemedySysctl;
  /** Before the first remedy. */
  readonly original: number;
  /** Set by the last one. */
  readonly set: number;
}

interface JournaledMask extends Journaled {
  readonly kind: "rps";
  readonly device: string;
  readonly queue: number;
  readonly original: CpuMask;
  readonly set: CpuMask;
}

export interface JournaledFile {
  readonly path: string;
  /** Of what was written last, see `posixChecksum`. */
  readonly checksum: string;
}

export interface JournaledLine {
  readonly name: RemedySysctl;
  readonly set: number;
}

/** Undefined for a text that is no journal. What a newer version may have noted beside is left out. */
export function parseJournal(text: string): RemedyJournal | undefined {
  const [header, ...lines] = text.split("\n");
  if (header !== "softnet-remedy 1") return undefined;
  const values = new Map<string, JournaledValue>();
  const files = new Map<string, JournaledFile>();
  const set = new Map<string, JournaledLine>();
  const runs: string[] = [];
  /** What is set at boot, by the path of the value. */
  const kept = new Map<string, number | CpuMask>();
  let bootId: string | undefined;
  for (const line of lines) {
    const [kind, what = "", to = "", from = ""] = line.split(" ");
    if (kind === "run") {
      runs.push(what);
      bootId = to || undefined;
    }
    if (kind === "file") {
      files.set(what, { path: what, checksum: to });
      // The helper has the masks of the run that wrote it, and those that it had.
      const isWritten = (value: JournaledValue): boolean =>
        what === RPS_PATHS[0] && value.kind === "rps" && value.setAt === runs.at(-1);
      for (const [path, value] of values) if (isWritten(value)) kept.set(path, value.set);
    }
    if (kind === "set") {
      const name = REMEDY_SYSCTLS.find((one) => one === what);
      if (name) set.set(name, { name, set: Number(to) });
      kept.set(`${SYSCTL_FOLDER}/${what}`, Number(to));
    }
    if (kind !== "sysctl" && kind !== "rps") continue;
    const noted = kind === "sysctl" ? sysctlOf(what, from, to) : maskOf(what, from, to);
    if (noted === undefined) continue;
    const value: JournaledValue = { ...noted, setAt: runs.at(-1), bootId, isKept: false };
    const first = values.get(what);
    values.set(what, first ? ({ ...value, original: first.original } as JournaledValue) : value);
  }
  const all = [...values].map(([path, value]) => ({ ...value, isKept: kept.get(path) === value.set }));
  return { values: all, files: [...files.values()], lines: [...set.values()], runs };
}

const SYSCTL_FOLDER = "/proc/sys/net/core";

function sysctlOf(
  path: string,
  from: string,
  to: string,
): Omit<JournaledSysctl, keyof Journaled> | undefined {
  const name = REMEDY_SYSCTLS.find((one) => path === `${SYSCTL_FOLDER}/${one}`);
  return name && { kind: "sysctl", name, original: Number(from), set: Number(to) };
}

function maskOf(path: string, from: string, to: string): Omit<JournaledMask, keyof Journaled> | undefined {
  const match = /^\/sys\/class\/net\/([^/]+)\/queues\/rx-(\d+)\/rps_cpus$/.exec(path);
  const [original, set] = [parseCpuMask(from), bareMask(to)];
  if (!match || original === undefined || set === undefined) return undefined;
  return { kind: "rps", device: match[1]!, queue: Number(match[2]), original, set };
}

/** What was set is noted without commas. */
function bareMask(text: string): CpuMask | undefined {
  return /^[0-9a-f]+$/.test(text) ? BigInt(`0x${text}`) : undefined;
}

/** A setting that is no longer what the remedy set, or a file that is no longer what it wrote. */
export type Drift = DriftedValue | DriftedLine | DriftedFile;

export interface DriftedValue {
  readonly kind: "value";
  /** `set` is what can be set on this machine. */
  readonly value: JournaledValue;
  readonly found: number | CpuMask;
}

/** A line of `CONF_PATH`. Its other lines are not ours: that file is never compared as a whole. */
export interface DriftedLine {
  readonly kind: "line";
  readonly line: JournaledLine;
  /** The line that sets the key now; undefined for none. */
  readonly found: string | undefined;
}

export interface DriftedFile {
  readonly kind: "file";
  readonly file: JournaledFile;
  /** The checksum of what is there; undefined for no file. */
  readonly found: string | undefined;
}

/** A file of the journal as it is now: its bytes, or that there is none. What may not be read is not in the list. */
export interface SeenFile {
  readonly path: string;
  readonly bytes: Uint8Array | undefined;
}

/** What a remedy has to be compared with. */
export interface SeenHost {
  readonly settings: HostSettings;
  readonly files: readonly SeenFile[];
  /** Undefined where the host does not show it. */
  readonly bootId: string | undefined;
  /** Epoch milliseconds, by a clock that may have been set since; undefined where the host does not show it. */
  readonly bootedAtMs: number | undefined;
}

/**
 * What the host shows against what the journal says, compared as numbers. What the host does not show, as an interface that is gone, has
 * not drifted; nor has what was set until the next reboot, after that.
 */
export function driftOf(journal: RemedyJournal, seen: SeenHost): readonly Drift[] {
  const expected = journal.values.flatMap((value) =>
    isEndedByReboot(value, seen) ? keptOf(value, journal) : value,
  );
  const values = expected.flatMap((value) => driftOfValue(value, seen.settings) ?? []);
  return [...values, ...seen.files.flatMap((file) => driftOfFile(journal, file))];
}

function driftOfValue(journaled: JournaledValue, settings: HostSettings): DriftedValue | undefined {
  const usable = usableCpus(settings.cpus);
  const found = foundIn(settings, journaled);
  const value = journaled.kind === "rps" ? { ...journaled, set: journaled.set & usable } : journaled;
  const isHeld = typeof found === "bigint" ? (found & usable) === value.set : found === value.set;
  return found === undefined || isHeld ? undefined : { kind: "value", value, found };
}

/** It was set until the next reboot, that was, and nothing else has set it since. */
export function isEndedByReboot(value: JournaledValue, seen: SeenHost): boolean {
  return !value.isKept && isOfEarlierBoot(value, seen) && !isHeldBy(seen.settings, value);
}

/** Clocks are set, and a boot has one id. */
function isOfEarlierBoot({ setAt, bootId }: JournaledValue, seen: SeenHost): boolean {
  if (bootId !== undefined && seen.bootId !== undefined) return bootId !== seen.bootId;
  return setAt !== undefined && seen.bootedAtMs !== undefined && Date.parse(setAt) < seen.bootedAtMs;
}

function isHeldBy(settings: HostSettings, value: JournaledValue): boolean {
  return foundIn(settings, value) !== undefined && driftOfValue(value, settings) === undefined;
}

/** What an earlier run has kept of it. Masks that were kept are in no journal. */
function keptOf(value: JournaledValue, { lines }: RemedyJournal): readonly JournaledValue[] {
  const line = value.kind === "sysctl" ? lines.find(({ name }) => name === value.name) : undefined;
  return line === undefined ? [] : [{ ...value, set: line.set } as JournaledValue];
}

/**
 * A mask cannot be set to a CPU that is offline or isolated, and may still hold one that has gone offline: a machine that has shrunk, or was
 * booted otherwise, has changed nothing that was set.
 */
function usableCpus({ online, isolated }: HostSettings["cpus"]): CpuMask {
  // All bits, where nobody knows.
  return online ? maskOfCpus(online.filter((cpu) => !isolated?.includes(cpu))) : -1n;
}

function driftOfFile({ files, lines }: RemedyJournal, { path, bytes }: SeenFile): readonly Drift[] {
  if (path === CONF_PATH) {
    const conf = { path, text: new TextDecoder().decode(bytes ?? new Uint8Array()) };
    return lines.flatMap((line): readonly DriftedLine[] => {
      const found = assignmentIn(conf, line.name);
      return Number(found?.value) === line.set ? [] : [{ kind: "line", line, found: found?.text.trim() }];
    });
  }
  const file = files.find((one) => one.path === path);
  const found = bytes && posixChecksum(bytes);
  return file === undefined || file.checksum === found ? [] : [{ kind: "file", file, found }];
}

function foundIn({ sysctls, interfaces }: HostSettings, value: JournaledValue): number | CpuMask | undefined {
  if (value.kind === "rps") {
    const device = interfaces.find(({ name }) => name === value.device);
    return device?.rxQueues.find(({ index }) => index === value.queue)?.rpsCpus;
  }
  switch (value.name) {
    case "netdev_max_backlog":
      return sysctls.netdevMaxBacklog;
    case "netdev_budget":
      return sysctls.netdevBudget;
    case "netdev_budget_usecs":
      return sysctls.netdevBudgetUsecs;
  }
}
