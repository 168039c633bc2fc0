import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { errorCodeOf, RemedyError } from "../errors.ts";
import { cannotWrite } from "./state-folder.ts";

/** More tries than other runs could make it lose. */
const MOST_TRIES = 9;

/**
 * The lock that the scripts take as well, held here over a whole run: a script that we start finds that it is ours. It has another of its own,
 * `work`, which keeps the next script away should we be killed while it runs.
 *
 * It is a file of one line, pid, boot id and the start of that process, put in place by a link, so that it is whole from its first
 * moment. That of a dead process, or of another boot, is taken over.
 *
 * @returns gives it back.
 * @throws RemedyError `busy` when another run is at work.
 */
export function takeLock(dir: string): () => void {
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const lineOf = (pid: string | number): string => `${pid} ${bootId} ${startOf(pid)}`;
  const lock = join(dir, "lock");
  const mine = join(dir, `lock.${process.pid}`);
  try {
    writeFileSync(mine, `${lineOf(process.pid)}\n`, { mode: 0o644 });
  } catch (error) {
    throw cannotWrite(dir, error);
  }
  try {
    for (let tries = 1; !isLinked(mine, lock); tries++) {
      const held = readIfThere(lock);
      const holder = held?.split(" ")[0] ?? "";
      if (held === lineOf(holder) || tries === MOST_TRIES) throw busy(dir, holder);
      if (held !== undefined) moveAway(lock, held, `${mine}.stale`);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return () => {
    if (readIfThere(lock) === lineOf(process.pid)) rmSync(lock, { force: true });
  };
}

function isLinked(mine: string, lock: string): boolean {
  try {
    linkSync(mine, lock);
    return true;
  } catch (error) {
    if (errorCodeOf(error) === "EEXIST") return false;
    throw cannotWrite(lock, error);
  }
}

/** Makes sure that it is the dead one's lock which is moved away, and not that of a run which came first. */
function moveAway(lock: string, held: string, stale: string): void {
  try {
    renameSync(lock, stale);
    if (readIfThere(stale) !== held) isLinked(stale, lock);
    rmSync(stale, { force: true });
  } catch (error) {
    if (errorCodeOf(error) !== "ENOENT") throw error;
  }
}

/** The 22nd word of its stat; empty for a process that is gone, or dead and not buried. The scripts do the same. */
function startOf(pid: string | number): string {
  const stat = /^\d+$/.test(String(pid)) ? readIfThere(`/proc/${pid}/stat`) : undefined;
  return stat === undefined || stat.includes(") Z") ? "" : (stat.split(" ")[21] ?? "");
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trimEnd();
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes(errorCodeOf(error) ?? "")) return undefined;
    throw error;
  }
}

function busy(dir: string, pid: string): RemedyError {
  return new RemedyError({
    code: "busy",
    expected: "no other run at work",
    got: pid === "" ? "a lock that cannot be taken" : `process ${pid}`,
    where: dir,
  });
}
