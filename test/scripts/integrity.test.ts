import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { checkIntegrity } from "../../scripts/package/executable.ts";

const folder = mkdtempSync(join(tmpdir(), "softnet-integrity-"));
after(() => rmSync(folder, { recursive: true }));
const tarball = join(folder, "node.tgz");

test("a Node that is the one of package-lock.json is packed", () => {
  writeFileSync(tarball, "abc");
  // FIPS 180-4's own example.
  checkIntegrity(
    tarball,
    "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==",
  );
  assert.ok(existsSync(tarball));
});

test("another one is not, and does not stay", () => {
  writeFileSync(tarball, "abd");
  assert.throws(
    () => checkIntegrity(tarball, "sha512-3a81oZN="),
    /node\.tgz: expected sha512-3a81oZN=, by package-lock\.json, got sha512-/,
  );
  assert.ok(!existsSync(tarball));
});
