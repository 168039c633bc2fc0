import {
  accessSync,
  chmodSync,
  constants,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { errorCodeOf, StoreError } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";
import { createPrivateFile } from "./private-file.ts";

const SYSTEM_DIR = "/var/lib/softnet";

/**
 * The state directory, made if need be: the one that was given, else /var/lib/softnet if it is writable, else below the home
 * directory by the XDG rules.
 *
 * @throws StoreError when it cannot be made or written.
 */
export function openStateDir(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  systemDir = SYSTEM_DIR,
): string {
  if (given !== undefined) {
    const dir = resolve(given);
    make(dir);
    return dir;
  }
  try {
    make(systemDir);
    tighten(systemDir);
    return systemDir;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
  const dir = homeStateDir(env);
  make(dir);
  tighten(dir);
  return dir;
}

function homeStateDir(env: Readonly<Record<string, string | undefined>>): string {
  const { XDG_STATE_HOME: stateHome, HOME: home = homedir() } = env;
  // The XDG rules say that a relative path is to be ignored.
  const base = stateHome && isAbsolute(stateHome) ? stateHome : join(home, ".local/state");
  return join(base, "softnet");
}

/** Where an agent may keep its state, whoever started it; none of it is made. */
export function possibleStateDirs(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  return given === undefined ? [SYSTEM_DIR, homeStateDir(env)] : [resolve(given)];
}

function make(dir: string): void {
  try {
    makeFolder(dir, 0o700);
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
    if (!statSync(dir).isDirectory()) throw new Error("a file of that name");
  } catch (error) {
    throw unusable(dir, error);
  }
}

/** A directory that bears our name is ours to close; one that was given may be /tmp. */
function tighten(dir: string): void {
  const { mode, uid } = statSync(dir);
  if ((mode & 0o077) !== 0 && uid === process.geteuid?.()) chmodSync(dir, 0o700);
}

/** Held until it is disposed or the process ends, however it ends. */
export type StateLock = Disposable;

/** Who holds a state directory, as it wrote itself down. */
export interface LockHolder {
  readonly pid: number;
  readonly bootId: string | undefined;
  /** Field 22 of /proc/PID/stat: a later process of the same id has another one. */
  readonly startTicks: string | undefined;
}

/**
 * Makes this process the only agent of a state directory.
 *
 * The kernel keeps the lock (SQLite's record lock on an empty file), so that no crash, reboot, reused pid or other pid namespace can leave a
 * stale one or break a live one, and taking it is one step. The pid beside it is for whoever is refused.
 *
 * @throws StoreError naming the process that holds it.
 */
export function lockStateDir(dir: string): StateLock {
  const lockFile = join(dir, "agent.lock");
  const holderFile = join(dir, "agent.pid");
  const lock = takeLock(lockFile, dir);
  if (!lock) {
    const holder = liveHolder(dir);
    throw new StoreError({
      code: "state-in-use",
      expected: "a state directory that no other agent uses",
      got: holder ? `one that the agent with pid ${holder.pid} holds` : "one that another agent holds",
      where: dir,
    });
  }
  try {
    writeHolder(holderFile, thisProcess());
  } catch (error) {
    lock.close();
    throw unusable(dir, error);
  }
  return {
    [Symbol.dispose]() {
      if (!lock.isOpen) return;
      // First the name, then the lock: the next holder's name must not be removed.
      rmSync(holderFile, { force: true });
      lock.close();
    },
  };
}

/** The process that wrote itself down as the agent of a state directory, if it still runs. */
export function readHolder(dir: string): LockHolder | undefined {
  let holder: LockHolder;
  try {
    holder = JSON.parse(readFileSync(join(dir, "agent.pid"), "utf8")) as LockHolder;
  } catch (error) {
    if (error instanceof SyntaxError || errorCodeOf(error) === "ENOENT") return undefined;
    throw unusable(dir, error);
  }
  if (holder.bootId !== bootId()) return undefined;
  return startTicksOf(holder.pid) === holder.startTicks ? holder : undefined;
}

function takeLock(lockFile: string, dir: string): DatabaseSync | undefined {
  let lock: DatabaseSync | undefined;
  try {
    createPrivateFile(lockFile);
    lock = new DatabaseSync(lockFile, { timeout: 0 });
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock?.close();
    const { errcode } = error as Error & { errcode?: number };
    if (errcode === SQLITE_BUSY) return undefined;
    throw unusable(dir, error);
  }
}

const SQLITE_BUSY = 5;

/** Between taking the lock and writing its name down a holder has no name: wait for it, but not for long. */
function liveHolder(dir: string): LockHolder | undefined {
  const tenMilliseconds = new Int32Array(new SharedArrayBuffer(4));
  for (let attempt = 0; attempt < 30; attempt++) {
    const holder = readHolder(dir);
    if (holder) return holder;
    Atomics.wait(tenMilliseconds, 0, 0, 10);
  }
  return undefined;
}

function writeHolder(path: string, holder: LockHolder): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function thisProcess(): LockHolder {
  return { pid: process.pid, bootId: bootId(), startTicks: startTicksOf(process.pid) };
}

function bootId(): string | undefined {
  return textOf("/proc/sys/kernel/random/boot_id")?.trim();
}

function startTicksOf(pid: number): string | undefined {
  // The command's name may hold spaces and brackets; the last bracket ends it, and field 3 follows.
  return textOf(`/proc/${pid}/stat`)?.split(") ").at(-1)?.split(" ")[19];
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // No such process, or no /proc.
  }
}

function unusable(dir: string, error: unknown): StoreError {
  return new StoreError(
    {
      code: "state-unusable",
      expected: "a directory that this user can write",
      got: errorCodeOf(error) ?? (error as Error).message,
      where: dir,
    },
    { cause: error },
  );
}
