import { appendFileSync, existsSync, lstatSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { AUDIT_FILE, type RepairRecord } from "../core/remedy-audit.ts";
import { errorCodeOf, RemedyError } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";

/**
 * Makes the folder where it is missing, readable for everybody and writable for its owner, as are the files that this process makes in it from now on: under
 * the umask that many a root has, nobody else could tell what was changed. The scripts do the same.
 *
 * @throws RemedyError where others could write to it: what undo puts back comes from there.
 */
export function openStateFolder(dir: string): void {
  process.umask(0o022);
  try {
    makeFolder(dir, 0o755);
  } catch (error) {
    if (errorCodeOf(error) !== "EEXIST") throw cannotWrite(dir, error);
  }
  // Without a slash at its end, behind which a link would pass for a folder.
  const { uid, mode } = lstatSync(resolve(dir));
  const isFolder = (mode & 0o170000) === 0o040000;
  if (isFolder && uid === process.geteuid?.() && (mode & 0o022) === 0) return;
  throw new RemedyError({
    code: "bad-journal",
    expected: "a directory that only you can write to",
    got: isFolder ? `one of user ${uid} with mode ${(mode & 0o7777).toString(8)}` : "something else",
    where: dir,
  });
}

/** One line for each run, for ever. After a line that a full disk has cut off it begins a new one; the scripts do the same. */
export function appendAudit(dir: string, record: RepairRecord): void {
  const file = join(dir, AUDIT_FILE);
  try {
    const isTorn = existsSync(file) && !/(^|\n)$/.test(readFileSync(file, "utf8"));
    appendFileSync(file, `${isTorn ? "\n" : ""}${JSON.stringify(record)}\n`, { mode: 0o644 });
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

export function cannotWrite(where: string, error: unknown): RemedyError {
  return new RemedyError(
    { code: "cannot-write", expected: "to write there", got: errorCodeOf(error) ?? "an error", where },
    { cause: error },
  );
}
