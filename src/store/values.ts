import type { StateDatabase } from "./database.ts";

/** Single values that the next process continues with: the open window, the last counters, the verdict. */
export class StoredValues {
  readonly #database: StateDatabase;

  constructor(database: StateDatabase) {
    this.#database = database;
  }

  /** What was last written under the key, as it was; undefined if nothing was. */
  read(key: string): unknown {
    const row = this.#database.get("SELECT json FROM value WHERE key = ?", key) as
      | { json: string }
      | undefined;
    return row && JSON.parse(row.json, revive);
  }

  /** @param value plain data; a `Uint32Array` in it comes back as one. */
  write(key: string, value: unknown): void {
    this.#database.run(
      "INSERT INTO value (key, json) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET json = ?2",
      key,
      JSON.stringify(value, replace),
    );
  }

  remove(key: string): void {
    this.#database.run("DELETE FROM value WHERE key = ?", key);
  }
}

/** Counters are kept as 32-bit words, which JSON would turn into an object of indexes. */
const WORDS = "$uint32";

function replace(_key: string, value: unknown): unknown {
  return value instanceof Uint32Array ? { [WORDS]: [...value] } : value;
}

function revive(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !(WORDS in value)) return value;
  return Uint32Array.from(value[WORDS] as number[]);
}
