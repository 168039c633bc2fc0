import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { test } from "node:test";

import { runSoftnet } from "../support/run-softnet.ts";

for (const [file, args] of [
  ["scripts/remediate.sh", ["--portable"]],
  ["scripts/remediate-undo.sh", ["--phase", "undo"]],
] as const) {
  const command = ["remedy", "plan", "--script", ...args];
  test(`${file} is what softnet ${command.join(" ")} prints`, async () => {
    const { stdout } = await runSoftnet(command);
    assert.equal(readFileSync(file, "utf8"), stdout);
    assert.ok(statSync(file).mode & 0o100, "it can be run");
  });
}
