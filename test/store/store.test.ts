import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempDisposableSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";

import type { MetricEntry } from "../../src/core/metrics.ts";
import { StoreError } from "../../src/errors.ts";
import { Store } from "../../src/store/store.ts";
import { skipWithout, skipWithoutRoot } from "../support/needs.ts";
import { minuteOf } from "./windows.ts";

const MINUTE = Date.UTC(2026, 10, 22, 12, 0, 0);
const MINUTE_MS = 60_000;

function temporaryDir() {
  return mkdtempDisposableSync(join(tmpdir(), "softnet-store-"));
}

function storeIn(dir: string, limitMb = 64) {
  const notices: string[] = [];
  const store = new Store({ dir, limitMb, notice: (line) => notices.push(line), now: () => MINUTE });
  return { store, notices };
}

function entryOf(text: string): MetricEntry {
  return {
    metricName: "softnet_dropped_per_second",
    groupId: "0",
    dimensions: '{"cpu":"all","instanceId":"i-1"}',
    type: "1",
    period: "60",
    time: String(MINUTE),
    values: text,
  };
}

describe("the push queue", () => {
  test("gives back to the next process what was queued, byte for byte and oldest window first", () => {
    using dir = temporaryDir();
    const later = [[entryOf('{"Sum":3,"Maximum":0.1}')], [entryOf("二")]];
    const earlier = [[entryOf('{"Sum":1e21}'), entryOf("\u2028")]];
    const { store: before } = storeIn(dir.path);
    before.queue.add(MINUTE + MINUTE_MS, later);
    before.queue.add(MINUTE, earlier);
    before.queue.markAmbiguous(before.queue.waiting()[0]!.id);
    before[Symbol.dispose]();

    using store = storeIn(dir.path).store;
    const waiting = store.queue.waiting();
    assert.deepEqual(
      waiting.map(({ windowStartMs, ambiguousSends }) => [windowStartMs, ambiguousSends]),
      [
        [MINUTE, 1],
        [MINUTE + MINUTE_MS, 0],
        [MINUTE + MINUTE_MS, 0],
      ],
    );
    assert.equal(
      JSON.stringify(waiting.map(({ entries }) => entries)),
      JSON.stringify([...earlier, ...later]),
    );
  });

  test("never gives an id twice, so that what is being sent is not taken for another batch", () => {
    using dir = temporaryDir();
    using store = storeIn(dir.path).store;
    store.queue.add(MINUTE, [[entryOf("first")]]);
    const first = store.queue.waiting()[0]!.id;
    store.queue.remove(first);
    store.queue.add(MINUTE, [[entryOf("second")]]);
    assert.notEqual(store.queue.waiting()[0]!.id, first);
  });

  test("is not lost with a process that is killed", () => {
    using dir = temporaryDir();
    const url = new URL("../../src/store/store.ts", import.meta.url).href;
    const script = `
      import { Store } from ${JSON.stringify(url)};
      const store = new Store({ dir: process.argv[1], limitMb: 64, notice: console.error });
      store.queue.add(${MINUTE}, [[${JSON.stringify(entryOf("kept"))}]]);
      process.kill(process.pid, "SIGKILL");`;
    const { signal } = spawnSync(process.execPath, ["--input-type=module", "-e", script, dir.path]);
    assert.equal(signal, "SIGKILL");
    using store = storeIn(dir.path).store;
    assert.equal(store.queue.waiting()[0]?.entries[0]?.values, "kept");
  });
});

describe("values", () => {
  test("come back as they were, 32-bit words included", () => {
    using dir = temporaryDir();
    const value = { at: MINUTE, words: Uint32Array.of(0, 0xffff_ffff), nested: [{ cpu: "3" }], none: null };
    {
      using store = storeIn(dir.path).store;
      store.values.write("memory", { old: true });
      store.values.write("memory", value);
    }
    using store = storeIn(dir.path).store;
    assert.deepEqual(store.values.read("memory"), value);
    assert.equal(store.values.read("other"), undefined);
    store.values.remove("memory");
    assert.equal(store.values.read("memory"), undefined);
  });
});

describe("one transaction", () => {
  test("keeps all of a minute or nothing of it", () => {
    using dir = temporaryDir();
    using store = storeIn(dir.path).store;
    assert.throws(() =>
      store.inOneTransaction(() => {
        store.history.add(minuteOf(MINUTE, { dropped: { 0: 5 } }), 1);
        store.queue.add(MINUTE, [[entryOf("x")]]);
        throw new Error("a bug half way");
      }),
    );
    assert.deepEqual(store.queue.waiting(), []);
    assert.deepEqual(store.history.hostMinutes(0, Infinity), []);
  });
});

describe("a file that somebody else writes to", () => {
  test("can be read all the same; what cannot be written is one clear error, and can be written later", () => {
    using dir = temporaryDir();
    using store = storeIn(dir.path).store;
    store.values.write("key", "before");
    using other = new DatabaseSync(join(dir.path, "softnet.db"));
    other.exec("BEGIN IMMEDIATE");
    assert.equal(store.values.read("key"), "before");
    assert.throws(
      () => store.values.write("key", "after"),
      (error) => error instanceof StoreError && error.code === "state-locked",
    );
    other.exec("ROLLBACK");
    store.values.write("key", "after");
    assert.equal(store.values.read("key"), "after");
  });
});

describe("a file that is not ours to use", () => {
  const files: { name: string; reason: RegExp; make: (path: string) => void }[] = [
    {
      name: "no database at all",
      reason: /damaged/,
      make: (path) => writeFileSync(path, "dear diary, ".repeat(1000)),
    },
    {
      name: "a database with its pages torn",
      reason: /damaged/,
      make: (path) => {
        using store = storeIn(join(path, "..")).store;
        for (let i = 0; i < 200; i++) store.queue.add(MINUTE, [[entryOf("x".repeat(500))]]);
        store[Symbol.dispose]();
        const bytes = readFileSync(path);
        bytes.fill(0xa5, 4096);
        writeFileSync(path, bytes);
      },
    },
    {
      name: "another program's database",
      reason: /another program/,
      make: (path) => {
        using database = new DatabaseSync(path);
        database.exec("CREATE TABLE moz_places (url TEXT)");
      },
    },
    {
      name: "the database of a newer softnet",
      reason: /newer softnet: schema 99/,
      make: (path) => {
        storeIn(join(path, "..")).store[Symbol.dispose]();
        using database = new DatabaseSync(path);
        database.exec("PRAGMA user_version = 99");
      },
    },
  ];
  for (const { name, reason, make } of files) {
    test(`${name} is moved aside, said in one line, and a new one begins`, () => {
      using dir = temporaryDir();
      const path = join(dir.path, "softnet.db");
      make(path);
      const before = readFileSync(path);

      const { store, notices } = storeIn(dir.path);
      using _ = store;
      store.queue.waiting();
      store.history.add(minuteOf(MINUTE), 0);
      assert.equal(store.history.hostMinutes(0, Infinity).length, 1);
      assert.equal(notices.length, 1);
      assert.match(notices[0]!, reason);
      const aside = join(dir.path, "softnet.db.aside-20261122T120000Z");
      assert.ok(notices[0]!.includes(aside));
      assert.ok(readFileSync(aside).equals(before), "nothing of it is lost");
    });
  }

  test("moved aside again, only the newest is kept and the line says so", () => {
    using dir = temporaryDir();
    const path = join(dir.path, "softnet.db");
    writeFileSync(join(dir.path, "softnet.db.aside-20250101T000000Z"), "old");
    writeFileSync(path, "garbage, and long enough to be looked at".repeat(100));
    const { store, notices } = storeIn(dir.path);
    using _ = store;
    assert.match(notices[0]!, /aside-20250101T000000Z from an earlier time was removed/);
    assert.deepEqual(
      readdirSync(dir.path).filter((name) => name.includes("aside")),
      ["softnet.db.aside-20261122T120000Z"],
    );
  });

  test("a file that may not be opened is an error that names it", () => {
    using dir = temporaryDir();
    assert.throws(
      () => storeIn(join(dir.path, "gone")),
      (error) => error instanceof StoreError && error.where.includes("gone") && /ENOENT/.test(error.got),
    );
  });
});

describe("room", () => {
  test("only the owner can read the files", () => {
    using dir = temporaryDir();
    using store = storeIn(dir.path).store;
    store.history.add(minuteOf(MINUTE), 0);
    for (const name of readdirSync(dir.path)) {
      assert.equal(statSync(join(dir.path, name)).mode & 0o077, 0, name);
    }
  });

  test("stays within its limit by dropping the oldest minutes first", () => {
    using dir = temporaryDir();
    const { store, notices } = storeIn(dir.path, 4);
    using _ = store;
    const dropped = Object.fromEntries(Array.from({ length: 1024 }, (_each, cpu) => [cpu, cpu + 1]));
    const minutes = 300; // 3.7 MB of CPU minutes where 2 MB fit
    for (let i = 0; i < minutes; i++) {
      store.inOneTransaction(() => store.history.add(minuteOf(MINUTE + i * MINUTE_MS, { dropped }), 1));
    }
    assert.ok(store.bytes < store.limitBytes, `${store.bytes} bytes`);
    const last = MINUTE + (minutes - 1) * MINUTE_MS;
    const query = { toMs: last, maxPoints: 2000, worst: 1, also: [] };
    const newest = store.history.read({ ...query, fromMs: last });
    assert.equal(newest.peaks.length, 1024, "the newest minute is whole");
    const oldest = store.history.read({ ...query, fromMs: MINUTE, toMs: MINUTE });
    assert.equal(oldest.peaks.length, 0, "the oldest minute's CPUs are gone");
    assert.equal(store.history.hostMinutes(MINUTE, last).length, minutes, "the host's minutes take no room");
    assert.deepEqual(notices, []);
  });

  test("drops waiting batches only when no history is left, and says how many", () => {
    using dir = temporaryDir();
    const { store, notices } = storeIn(dir.path, 4);
    using _ = store;
    store.history.add(minuteOf(MINUTE, { dropped: { 0: 1 } }), 1);
    for (let i = 0; i < 30; i++) {
      const entries = [entryOf("x".repeat(100_000))];
      store.inOneTransaction(() => store.queue.add(MINUTE + i * MINUTE_MS, [entries]));
    }
    assert.ok(store.bytes < store.limitBytes, `${store.bytes} bytes`);
    const waiting = store.queue.waiting();
    assert.equal(waiting.at(-1)!.windowStartMs, MINUTE + 29 * MINUTE_MS);
    assert.ok(waiting[0]!.windowStartMs > MINUTE);
    assert.deepEqual(store.history.hostMinutes(0, Infinity), []);
    const said = notices.map((line) => Number(/(\d+) of the oldest batches/.exec(line)?.[1]));
    assert.equal(
      said.reduce((sum, count) => sum + count, 0),
      30 - waiting.length,
    );
  });

  test(
    "a full disk is one clear error, and the agent goes on once there is room",
    { skip: skipWithoutRoot() || skipWithout("unshare") },
    () => {
      using dir = temporaryDir();
      const url = new URL("../../src/store/store.ts", import.meta.url).href;
      const script = `
      import { rmSync, writeFileSync } from "node:fs";
      import { Store } from ${JSON.stringify(url)};
      const dir = process.argv[1];
      const store = new Store({ dir, limitMb: 64, notice: console.error });
      store.values.write("before", 1);
      let error;
      try { writeFileSync(dir + "/filler", Buffer.alloc(2 ** 20)) } catch {}
      try { store.values.write("big", "x".repeat(500_000)) } catch (caught) { error = caught }
      rmSync(dir + "/filler");
      store.values.write("after", 2);
      console.log(JSON.stringify({
        name: error.name, code: error.code, message: error.message,
        values: ["before", "big", "after"].map((key) => store.values.read(key) ?? null),
      }));`;
      const printed = execFileSync(
        "unshare",
        [
          "--mount",
          "sh",
          "-ec",
          'mount -t tmpfs -o size=1m none "$1"; shift; exec "$@"',
          "sh",
          dir.path,
          process.execPath,
          "--input-type=module",
          "-e",
          script,
          dir.path,
        ],
        { encoding: "utf8" },
      );
      assert.deepEqual(JSON.parse(printed), {
        name: "StoreError",
        code: "disk-full",
        message: `${dir.path}/softnet.db: expected room for a minute of history, got a full disk`,
        values: [1, null, 2],
      });
    },
  );
});
