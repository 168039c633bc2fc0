import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import { PACKAGE_KINDS } from "../../src/core/cloud-init.ts";
import { skipWithout } from "../support/needs.ts";
import { packStub } from "./stubs.ts";

describe(
  "packages made by somebody who shares no files",
  { skip: skipWithout("dpkg-deb", "rpmbuild") },
  () => {
    const folder = mkdtempSync(join(tmpdir(), "softnet-packing-"));
    after(() => rmSync(folder, { recursive: true }));

    function under(umask: number) {
      const before = process.umask(umask);
      try {
        return packStub(folder, "hello");
      } finally {
        process.umask(before);
      }
    }

    test("are those that anybody else makes, to the byte", () => {
      const [theirs, others] = [under(0o077), under(0o002)];
      for (const kind of PACKAGE_KINDS) {
        assert.ok(readFileSync(theirs[kind]).equals(readFileSync(others[kind])), kind);
      }
    });

    test("let everybody read what is in an .rpm, but for the settings", () => {
      const dump = execFileSync("rpm", ["--query", "--package", "--dump", under(0o077).rpm], {
        encoding: "utf8",
      });
      const modes = dump
        .trim()
        .split("\n")
        .map((line) => {
          const [path, , , , mode, owner, group] = line.split(" ");
          return [path, mode!.slice(-3), `${owner}:${group}`];
        });
      const expected = (path: string, mode: string) =>
        path === "/etc/softnet/agent.env" ? "640" : mode.startsWith("7") ? "755" : "644";
      assert.ok(modes.length > 5);
      for (const [path, mode, owner] of modes) {
        assert.deepEqual([path, mode, owner], [path, expected(path!, mode!), "root:root"]);
      }
    });
  },
);
