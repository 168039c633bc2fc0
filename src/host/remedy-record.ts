import { AUDIT_FILE, parseAudit, type RepairRecord } from "../core/remedy-audit.ts";
import type { HostSettings } from "../core/host-settings.ts";
import {
  JOURNAL_FILE,
  parseJournal,
  type RemedyJournal,
  type SeenFile,
  type SeenHost,
} from "../core/remedy-journal.ts";
import { HostError } from "../errors.ts";
import { type Host, isListed, placeOf, readLine, readText } from "./host.ts";

/**
 * Undefined where nothing was changed, or everything is undone.
 *
 * @throws HostError `bad-journal` for a journal that may not be read, or is none: nobody can say then what was changed.
 */
export function readJournal(host: Host, dir: string): RemedyJournal | undefined {
  const text = readRecord(host, dir, JOURNAL_FILE);
  const journal = text === undefined ? undefined : parseJournal(text);
  if (text === undefined || journal) return journal;
  throw badJournal(host, "another text", `${dir}/${JOURNAL_FILE}`);
}

/** @throws HostError `bad-journal` where it may not be read: what did not help before would be tried again. */
export function readAudit(host: Host, dir: string): readonly RepairRecord[] {
  return parseAudit(readRecord(host, dir, AUDIT_FILE) ?? "");
}

/** Undefined only where it is not there. */
function readRecord(host: Host, dir: string, name: string): string | undefined {
  const where = `${dir}/${name}`;
  const text = readText(host, where);
  if (text !== undefined) return text;
  const names = host.list(dir);
  if (names.includes(name)) throw badJournal(host, "a file that may not be read", where);
  if (names.length === 0 && isClosed(host, dir)) throw badJournal(host, "a folder that may not be read", dir);
  return undefined;
}

/** A folder that may not be entered shows nothing, not even the one that it is in. */
function isClosed(host: Host, dir: string): boolean {
  return isListed(host, dir) && host.list(`${dir}/..`).length === 0;
}

function badJournal(host: Host, got: string, path: string): HostError {
  return new HostError({
    code: "bad-journal",
    expected: "a journal of softnet remedy",
    got,
    where: placeOf(host, path),
  });
}

/** What the journal is compared with. */
export function readSeenHost(host: Host, journal: RemedyJournal, settings: HostSettings): SeenHost {
  const seconds = /^btime (\d+)$/m.exec(readText(host, "/proc/stat") ?? "")?.[1];
  return {
    settings,
    files: readJournaledFiles(host, journal),
    bootId: readLine(host, "/proc/sys/kernel/random/boot_id"),
    bootedAtMs: seconds === undefined ? undefined : Number(seconds) * 1000,
  };
}

/** The files that a remedy has written, as they are now. What is there and may not be read is left out. */
function readJournaledFiles(host: Host, { files }: RemedyJournal): readonly SeenFile[] {
  return files.flatMap(({ path }) => {
    const bytes = host.read(path);
    return bytes === undefined && isListed(host, path) ? [] : [{ path, bytes }];
  });
}
