import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { buildDist } from "../../scripts/bundle.ts";

const folder = mkdtempSync(join(tmpdir(), "softnet-bundle-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("what the SDK does with every answer and failure, it does in the bundle too", async () => {
  await buildDist(folder, [...globSync("src/cloud/*.ts"), "src/errors.ts"]);
  // A child that knows it is in a test would report to us in a binary format.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      "--import=./test/package/use-bundle.ts",
      "--test",
      "--test-reporter=spec",
      ...globSync("test/wire/*.test.ts"),
    ],
    { timeout: 300_000, env: { ...env, SOFTNET_TEST_BUNDLE: folder }, encoding: "utf8" },
  );
  assert.equal(status, 0, stdout);
  // Guards against a child that found nothing to run.
  assert.match(stdout, /^ℹ pass [1-9]\d+$/m);
});
