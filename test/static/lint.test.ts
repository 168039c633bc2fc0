import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

for (const script of ["types", "lint"]) {
  test(`npm run ${script}`, () => {
    const { status, stdout, stderr } = spawnSync("npm", ["run", "--silent", script], { encoding: "utf8" });
    assert.equal(status, 0, `\n${stdout}${stderr}`);
  });
}
