import { readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

import { errorCodeOf, StoreError } from "../errors.ts";
import { createPrivateFile } from "./private-file.ts";

/** Marks the file as ours: "soft" in ASCII. */
const APPLICATION_ID = 0x736f6674;

/** Migration n leads from schema version n to n+1; what was released is never edited. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE queue (
    -- Never reused: a batch that is being sent must not be taken for another.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    window_start_ms INTEGER NOT NULL,
    -- JSON, byte for byte as it goes over the wire.
    entries TEXT NOT NULL,
    ambiguous_sends INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX queue_by_window ON queue (window_start_ms, id);

  CREATE TABLE host_minute (
    start_ms INTEGER PRIMARY KEY,
    elapsed_seconds REAL NOT NULL,
    sample_count INTEGER NOT NULL,
    dropped_sum INTEGER NOT NULL,
    dropped_maximum REAL NOT NULL,
    squeezed_sum INTEGER NOT NULL,
    squeezed_maximum REAL NOT NULL,
    -- 0 healthy, 1 warning, 2 critical
    severity INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE cpu_minute (
    start_ms INTEGER PRIMARY KEY,
    -- Float32: cpu, dropped per second (maximum), squeezed per second (maximum); of each CPU that did either
    peaks BLOB NOT NULL
  ) STRICT;

  CREATE TABLE value (
    key TEXT PRIMARY KEY,
    json TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

/** SQLite's primary result codes that we can say something about. */
const SQLITE = { busy: 5, locked: 6, readonly: 8, corrupt: 11, full: 13, notADatabase: 26 } as const;

export interface DatabaseOptions {
  readonly path: string;
  /** One line for the log when a file had to be moved aside. */
  readonly notice: (line: string) => void;
  readonly now: () => number;
}

/**
 * The one file of state: opening, migrating, replacing what is damaged, and the words for what SQLite may complain about.
 *
 * A write-ahead log without a sync per commit: one transaction a minute survives the process at no cost, and a power cut may
 * take the last minute, never the file.
 */
export class StateDatabase implements Disposable {
  readonly #options: DatabaseOptions;
  #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #isInTransaction = false;

  /** @throws StoreError when the file cannot be used and cannot be replaced. */
  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#connection = this.#translated(() => {
      try {
        return open(options.path);
      } catch (error) {
        if (!(error instanceof Unusable) && !isDamage(error)) throw error;
        return this.#openAfresh(error instanceof Unusable ? error.message : "it is damaged");
      }
    });
  }

  /**
   * Runs `work` in one transaction; within another call it joins that one. When SQLite finds the file damaged, it is moved
   * aside and `work` is run once more on a fresh one, so `work` must do nothing but read and write here.
   *
   * @throws StoreError when the disk is full, the file is locked by somebody else, or cannot be written. Nothing was changed then.
   */
  inOneTransaction<T>(work: () => T): T {
    if (this.#isInTransaction) return work();
    return this.#onSoundFile(() => this.#transaction(work));
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    this.inOneTransaction(() => this.#statement(sql).run(...values));
  }

  /** The first row, keyed by column name; undefined if there is none. Reading waits for nobody who writes. */
  get(sql: string, ...values: SQLInputValue[]): unknown {
    return this.#read(() => this.#statement(sql).get(...values));
  }

  /** All rows, keyed by column name. */
  all(sql: string, ...values: SQLInputValue[]): readonly unknown[] {
    return this.#read(() => this.#statement(sql).all(...values));
  }

  /** Visits the rows one by one: a day of 1024 CPUs is better not held at once. */
  each(visit: (row: unknown) => void, sql: string, ...values: SQLInputValue[]): void {
    this.#read(() => {
      for (const row of this.#statement(sql).iterate(...values)) visit(row);
    });
  }

  /** What the rows and indexes take within the file. */
  get usedBytes(): number {
    const pages = this.#pragma("page_count") - this.#pragma("freelist_count");
    return pages * this.#pragma("page_size");
  }

  /** What the file and its write-ahead log take on disk. */
  get bytes(): number {
    return ["", "-wal"].reduce(
      (bytes, suffix) =>
        bytes + (statSync(this.#options.path + suffix, { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
  }

  /** Gives pages that deleted rows left behind back to the file system. */
  giveBackFreePages(): void {
    this.#translated(() => this.#connection.exec("PRAGMA incremental_vacuum"));
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  #close(): void {
    this.#statements.clear();
    if (this.#connection.isOpen) this.#connection.close();
  }

  #read<T>(work: () => T): T {
    return this.#isInTransaction ? work() : this.#onSoundFile(work);
  }

  /** Runs `work` once more, on a fresh file, where this one turns out to be damaged. */
  #onSoundFile<T>(work: () => T): T {
    return this.#translated(() => {
      try {
        return work();
      } catch (error) {
        if (!isDamage(error)) throw error;
        this.#close();
        this.#connection = this.#openAfresh("it is damaged");
        return work();
      }
    });
  }

  #transaction<T>(work: () => T): T {
    this.#connection.exec("BEGIN IMMEDIATE");
    this.#isInTransaction = true;
    try {
      const result = work();
      this.#connection.exec("COMMIT");
      return result;
    } catch (error) {
      // A full disk or a damaged page has rolled it back already.
      if (this.#connection.isTransaction) this.#connection.exec("ROLLBACK");
      throw error;
    } finally {
      this.#isInTransaction = false;
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #pragma(name: string): number {
    return (this.get(`PRAGMA ${name}`) as Record<string, number>)[name]!;
  }

  #openAfresh(reason: string): DatabaseSync {
    const { path, now, notice } = this.#options;
    const { aside, discarded } = moveAside(path, now());
    const older = discarded.length > 0 ? `; ${discarded.join(", ")} from an earlier time was removed` : "";
    notice(`${path} cannot be used (${reason}): it is kept as ${aside} and a new one begins${older}`);
    return open(path);
  }

  #translated<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw complaintOf(error, this.#options.path) ?? error;
    }
  }
}

/** The file is sound but not ours to use. */
class Unusable extends Error {}

function open(path: string): DatabaseSync {
  createPrivateFile(path);
  const connection = new DatabaseSync(path, { timeout: 250 });
  try {
    checkOwner(connection);
    connection.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA wal_autocheckpoint = 256;
      PRAGMA journal_size_limit = 1048576;
      PRAGMA cache_size = -512;
    `);
    migrate(connection);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function checkOwner(connection: DatabaseSync): void {
  const pragma = (name: string): number => Number(connection.prepare(`PRAGMA ${name}`).get()![name]);
  const tables = Number(connection.prepare("SELECT count(*) AS n FROM sqlite_schema").get()!["n"]);
  const owner = pragma("application_id");
  const version = pragma("user_version");
  if (owner === 0 && version === 0 && tables === 0) {
    // Only before the first table: free pages can then be given back without rewriting the file.
    connection.exec(`PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = ${APPLICATION_ID}`);
    return;
  }
  if (owner !== APPLICATION_ID) throw new Unusable("another program's database");
  if (version > MIGRATIONS.length) {
    throw new Unusable(
      `written by a newer softnet: schema ${version}, this one knows up to ${MIGRATIONS.length}`,
    );
  }
}

function migrate(connection: DatabaseSync): void {
  const version = Number(connection.prepare("PRAGMA user_version").get()!["user_version"]);
  if (version === MIGRATIONS.length) return;
  connection.exec("BEGIN IMMEDIATE");
  try {
    for (const migration of MIGRATIONS.slice(version)) connection.exec(migration);
    connection.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    connection.exec("COMMIT");
  } catch (error) {
    if (connection.isTransaction) connection.exec("ROLLBACK");
    throw error;
  }
}

/** Only the newest file that was moved aside is kept: they must not fill the disk of a machine whose disk is failing. */
function moveAside(path: string, nowMs: number): { aside: string; discarded: readonly string[] } {
  const prefix = `${basename(path)}.aside-`;
  const discarded = readdirSync(dirname(path)).filter((name) => name.startsWith(prefix));
  for (const name of discarded) rmSync(join(dirname(path), name));
  const aside = `${path}.aside-${new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, "")}`;
  renameSync(path, aside);
  for (const suffix of ["-wal", "-shm"]) {
    if (statSync(path + suffix, { throwIfNoEntry: false })) renameSync(path + suffix, aside + suffix);
  }
  return { aside, discarded: discarded.filter((name) => !/-(wal|shm)$/.test(name)) };
}

function primaryCodeOf(error: unknown): number | undefined {
  if (errorCodeOf(error) !== "ERR_SQLITE_ERROR") return undefined;
  const { errcode } = error as Error & { errcode?: number };
  return errcode === undefined ? undefined : errcode & 0xff;
}

function isDamage(error: unknown): boolean {
  const code = primaryCodeOf(error);
  return code === SQLITE.corrupt || code === SQLITE.notADatabase;
}

/** Undefined for a bug of ours. */
function complaintOf(error: unknown, path: string): StoreError | undefined {
  const { message } = error as Error;
  const complaint = (code: string, expected: string, got: string): StoreError =>
    new StoreError({ code, expected, got, where: path }, { cause: error });
  switch (primaryCodeOf(error)) {
    case SQLITE.full:
      return complaint("disk-full", "room for a minute of history", "a full disk");
    case SQLITE.busy:
    case SQLITE.locked:
      return complaint("state-locked", "a database that only the agent writes", message);
    case undefined:
      return errorCodeOf(error)?.startsWith("E") && "syscall" in (error as Error)
        ? complaint("state-unusable", "a readable and writable file", message)
        : undefined;
    case 1: // SQLITE_ERROR is a mistake in our SQL.
      return undefined;
    default:
      return complaint("state-unusable", "a readable and writable database", message);
  }
}
