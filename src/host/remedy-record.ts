import { AUDIT_FILE, parseAudit, type RepairRecord } from "../core/remedy-audit.ts";
import { JOURNAL_FILE, parseJournal, type RemedyJournal, type SeenFile } from "../core/remedy-journal.ts";
import { HostError } from "../errors.ts";
import { type Host, placeOf, readText } from "./host.ts";

/**
 * Undefined where nothing was changed, or everything is undone.
 *
 * @throws HostError `bad-journal` for a journal that may not be read, or is none: nobody can say then what was changed.
 */
export function readJournal(host: Host, dir: string): RemedyJournal | undefined {
  const path = `${dir}/${JOURNAL_FILE}`;
  const text = readText(host, path);
  if (text === undefined && !host.list(dir).includes(JOURNAL_FILE)) return undefined;
  const journal = text === undefined ? undefined : parseJournal(text);
  if (journal) return journal;
  throw new HostError({
    code: "bad-journal",
    expected: "a journal of softnet remedy",
    got: text === undefined ? "a file that may not be read" : "another text",
    where: placeOf(host, path),
  });
}

export function readAudit(host: Host, dir: string): readonly RepairRecord[] {
  return parseAudit(readText(host, `${dir}/${AUDIT_FILE}`) ?? "");
}

/** The files that a remedy has written, as they are now. What is there and may not be read is left out. */
export function readJournaledFiles(host: Host, { files }: RemedyJournal): readonly SeenFile[] {
  return files.flatMap(({ path }) => {
    const bytes = host.read(path);
    const slash = path.lastIndexOf("/");
    const isThere = bytes === undefined && host.list(path.slice(0, slash)).includes(path.slice(slash + 1));
    return isThere ? [] : [{ path, bytes }];
  });
}
