import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";

import { renderApply, renderUndo } from "../../src/core/remedy-script.ts";
import { RemedyError } from "../../src/errors.ts";
import { takeLock } from "../../src/remedy/lock.ts";
import { runScript } from "../../src/remedy/run-script.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "softnet-lock-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
const lineOf = (pid: number | undefined): string =>
  `${pid} ${bootId} ${readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[21]}\n`;

describe("the lock of a run", () => {
  test("is one at a time", () => {
    const release = takeLock(dir);
    assert.throws(() => takeLock(dir), { code: "busy" });
    release();
    takeLock(dir)();
    assert.ok(!existsSync(join(dir, "lock")));
  });

  test("is taken over from a dead process", async () => {
    const child = spawn("sleep", ["60"]);
    const line = lineOf(child.pid);
    writeFileSync(join(dir, "lock"), line);
    assert.throws(() => takeLock(dir), RemedyError);
    child.kill("SIGKILL");
    await once(child, "exit");
    takeLock(dir)();
  });

  for (const [what, line] of [
    ["another boot", `${process.pid} 00000000-0000-0000-0000-000000000000 1`],
    ["a process whose number is used again", `${process.pid} ${bootId} 1`],
    ["a machine that lost its power", ""],
  ] as const) {
    test(`is taken over from ${what}`, () => {
      writeFileSync(join(dir, "lock"), line);
      takeLock(dir)();
    });
  }

  test("is not given back for a run that has taken it over", () => {
    const release = takeLock(dir);
    writeFileSync(join(dir, "lock"), "1 another run\n");
    release();
    assert.ok(existsSync(join(dir, "lock")));
  });

  test("is ours for the scripts that we start", async () => {
    const release = takeLock(dir);
    const { exitCode } = await runScript(renderApply([]), dir);
    assert.equal(exitCode, 0);
    assert.ok(existsSync(join(dir, "lock")));
    release();
  });

  test("of a stranger stops a script", async () => {
    const child = spawn("sleep", ["60"]);
    writeFileSync(join(dir, "lock"), lineOf(child.pid));
    const { exitCode, message } = await runScript(renderUndo({ force: false }), dir);
    child.kill("SIGKILL");
    assert.deepEqual([exitCode, message], [7, `another run is at work (process ${child.pid})`]);
  });
});

test("a script that ends without its line is an error that says how", async () => {
  await assert.rejects(runScript("echo oops >&2; exit 3", dir), {
    code: "script-broke",
    got: "an end with 3: oops",
  });
});
