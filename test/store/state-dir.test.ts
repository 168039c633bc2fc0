import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempDisposableSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { StoreError } from "../../src/errors.ts";
import { lockStateDir, openStateDir, readHolder } from "../../src/store/state-dir.ts";

function temporaryDir() {
  return mkdtempDisposableSync(join(tmpdir(), "softnet-dir-"));
}

/** A path below a file: no user, root included, can make a directory there. */
function unwritable(dir: string): string {
  writeFileSync(join(dir, "file"), "");
  return join(dir, "file", "softnet");
}

describe("the state directory", () => {
  const choices: {
    name: string;
    given?: string;
    systemDir?: string;
    env: Record<string, string>;
    chosen: string;
  }[] = [
    { name: "the one that was given", given: "mine/deep", systemDir: "system", env: {}, chosen: "mine/deep" },
    { name: "else the system's", systemDir: "system", env: { XDG_STATE_HOME: "state" }, chosen: "system" },
    { name: "else XDG_STATE_HOME", env: { XDG_STATE_HOME: "state", HOME: "home" }, chosen: "state/softnet" },
    { name: "else below the home directory", env: { HOME: "home" }, chosen: "home/.local/state/softnet" },
  ];
  for (const { name, given, systemDir, env, chosen } of choices) {
    test(`is ${name}, for its owner only`, () => {
      using dir = temporaryDir();
      const below = (path: string): string => join(dir.path, path);
      const opened = openStateDir(
        given && below(given),
        Object.fromEntries(Object.entries(env).map(([key, path]) => [key, below(path)])),
        systemDir ? below(systemDir) : unwritable(dir.path),
      );
      assert.equal(opened, below(chosen));
      assert.equal(statSync(opened).mode & 0o777, 0o700);
    });
  }

  test("ignores a relative XDG_STATE_HOME, as the XDG rules say", () => {
    using dir = temporaryDir();
    const env = { XDG_STATE_HOME: "relative", HOME: dir.path };
    assert.equal(openStateDir(undefined, env, unwritable(dir.path)), join(dir.path, ".local/state/softnet"));
  });

  test("is closed to others where it bears our name, and left alone where somebody gave it", () => {
    using dir = temporaryDir();
    const open = join(dir.path, "open");
    mkdirSync(open, { mode: 0o755 });
    assert.equal(statSync(openStateDir(open, {})).mode & 0o777, 0o755);
    assert.equal(statSync(openStateDir(undefined, {}, open)).mode & 0o777, 0o700);
  });

  test("that cannot be made is an error that names it", () => {
    using dir = temporaryDir();
    const path = unwritable(dir.path);
    assert.throws(
      () => openStateDir(path, {}),
      (error) => error instanceof StoreError && error.where === path && error.got === "ENOTDIR",
    );
  });
});

const MODULE = new URL("../../src/store/state-dir.ts", import.meta.url).href;

/** Takes the lock, says so, and holds it until its stdin ends. */
const HOLD = `
  import { lockStateDir } from ${JSON.stringify(MODULE)};
  try {
    globalThis.lock = lockStateDir(process.argv[1]);
    console.log("holds");
    process.stdin.resume();
  } catch (error) {
    console.log(error.message);
  }`;

function startHolder(dir: string) {
  const child = spawn(process.execPath, ["--input-type=module", "-e", HOLD, dir], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  return { child, said: once(child.stdout, "data").then(([bytes]) => String(bytes).trim()) };
}

describe("the agent's lock", () => {
  test("refuses a second agent and names the first one's pid", async () => {
    using dir = temporaryDir();
    const { child, said } = startHolder(dir.path);
    assert.equal(await said, "holds");
    assert.equal(readHolder(dir.path)?.pid, child.pid);
    assert.throws(
      () => lockStateDir(dir.path),
      (error) =>
        error instanceof StoreError &&
        error.code === "state-in-use" &&
        error.got === `one that the agent with pid ${child.pid} holds`,
    );
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.equal(readHolder(dir.path), undefined, "a killed agent holds nothing");
    using _ = lockStateDir(dir.path);
    assert.equal(readHolder(dir.path)?.pid, process.pid);
  });

  test("is taken by exactly one of many that start at once, and the others name it", async () => {
    using dir = temporaryDir();
    const holders = Array.from({ length: 6 }, () => startHolder(dir.path));
    const said = await Promise.all(holders.map((holder) => holder.said));
    const winner = holders[said.indexOf("holds")]!;
    assert.deepEqual(
      said.filter((line) => line !== "holds"),
      Array.from(
        { length: 5 },
        () =>
          `${dir.path}: expected a state directory that no other agent uses, got one that the agent with pid ${winner.child.pid} holds`,
      ),
    );
    winner.child.stdin.end();
    await once(winner.child, "exit");
  });

  const stale: { name: string; holder: (own: Record<string, unknown>) => unknown }[] = [
    { name: "a dead process", holder: (own) => ({ ...own, pid: 4_194_304 }) },
    { name: "another boot", holder: (own) => ({ ...own, bootId: "00000000-0000-0000-0000-000000000000" }) },
    { name: "a process whose id was used again", holder: (own) => ({ ...own, startTicks: "1" }) },
    { name: "a torn file", holder: () => undefined },
  ];
  for (const { name, holder } of stale) {
    test(`that ${name} left behind is taken over`, () => {
      using dir = temporaryDir();
      const file = join(dir.path, "agent.pid");
      lockStateDir(dir.path)[Symbol.dispose]();
      const lock = lockStateDir(dir.path);
      const own = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
      lock[Symbol.dispose]();
      writeFileSync(file, JSON.stringify(holder(own)) ?? '{"pid": 12');

      assert.equal(readHolder(dir.path), undefined);
      using _ = lockStateDir(dir.path);
      assert.equal(readHolder(dir.path)?.pid, process.pid);
    });
  }

  test("leaves no name behind when it is given back", () => {
    using dir = temporaryDir();
    const lock = lockStateDir(dir.path);
    lock[Symbol.dispose]();
    lock[Symbol.dispose]();
    assert.equal(existsSync(join(dir.path, "agent.pid")), false);
  });

  test("also refuses within one process, and stays with the first", () => {
    using dir = temporaryDir();
    using _ = lockStateDir(dir.path);
    assert.throws(() => lockStateDir(dir.path), StoreError);
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", HOLD, dir.path], {
      encoding: "utf8",
      input: "",
    });
    assert.match(stdout, new RegExp(`pid ${process.pid} holds`));
  });
});
