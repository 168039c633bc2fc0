import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const SCRIPT = new URL("../../scripts/setup-alarms", import.meta.url).pathname;

test("scripts/setup-alarms is softnet alarms apply, wherever it is called from", () => {
  const { status, stdout } = spawnSync(SCRIPT, ["--help", "--lang", "en"], { cwd: "/", encoding: "utf8" });
  assert.equal(status, 0);
  assert.match(stdout, /^softnet alarms apply: /);
});

test("scripts/setup-alarms passes on the exit code and asks before it writes", () => {
  const { status, stderr } = spawnSync(SCRIPT, ["--mail", "ops@example.com"], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"] },
  });
  assert.equal(status, 2);
  assert.match(stderr, /--yes, or a terminal/);
});
