import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, describe, test } from "node:test";

import { version } from "../../src/version.ts";
import { skipWithout } from "../support/needs.ts";

describe("npm run package", () => {
  // Another folder with the same files, so that a release that lies in the checkout stays.
  const checkout = mkdtempSync(join(tmpdir(), "softnet-release-"));
  after(() => rmSync(checkout, { recursive: true }));
  for (const name of readdirSync(".")) {
    if (name !== "release") symlinkSync(resolve(name), join(checkout, name));
  }
  const make = (...args: readonly string[]) =>
    spawnSync(process.execPath, ["scripts/package.ts", ...args], { cwd: checkout, encoding: "utf8" });

  test(
    "makes each format, an SBOM, and the checksums of all",
    {
      skip: skipWithout("strip", "dpkg-deb", "rpmbuild", "sha256sum"),
    },
    () => {
      const { status, stdout, stderr } = make("--quick", "--arch", "x64");
      assert.equal(status, 0, stderr);
      const release = join(checkout, "release");
      const names = [
        `softnet-agent-${version}-1.x86_64.rpm`,
        `softnet-agent-${version}-linux-x64.tar.gz`,
        `softnet-agent-${version}.cdx.json`,
        `softnet-agent_${version}_amd64.deb`,
      ];
      assert.deepEqual(readdirSync(release).toSorted(), ["SHA256SUMS", ...names].toSorted());
      assert.deepEqual(
        stdout.trim().split("\n").toSorted(),
        ["SHA256SUMS", ...names].map((name) => `release/${name}`).toSorted(),
      );
      const checked = execFileSync("sha256sum", ["--check", "SHA256SUMS"], {
        cwd: release,
        encoding: "utf8",
      });
      assert.deepEqual(
        checked.trim().split("\n").toSorted(),
        names.map((name) => `${name}: OK`),
      );
    },
  );

  for (const { args, says } of [
    { args: ["--arch", "mips"], says: "--arch: expected one of x64, arm64, got mips" },
    { args: ["--only", "apk"], says: "--only: expected one of deb, rpm, tar, got apk" },
    { args: ["--fast"], says: "Unknown option '--fast'" },
  ]) {
    test(`refuses ${args.join(" ")} in one line`, () => {
      const { status, stdout, stderr } = make(...args);
      assert.equal(status, 2);
      assert.equal(stdout, "");
      assert.ok(stderr.startsWith(`npm run package: ${says}`), stderr);
    });
  }
});
