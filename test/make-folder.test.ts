import assert from "node:assert/strict";
import { mkdirSync, mkdtempDisposableSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { makeFolder } from "../src/make-folder.ts";

function temporaryDir() {
  return mkdtempDisposableSync(join(tmpdir(), "softnet-folder-"));
}

describe("makeFolder", () => {
  test("makes what is missing above it too", () => {
    using dir = temporaryDir();
    const deep = join(dir.path, "a/b/c");
    makeFolder(deep, 0o700);
    assert.equal(statSync(deep).mode & 0o777, 0o700);
    makeFolder(deep, 0o700);
  });

  test("leaves the mode of one that is there", () => {
    using dir = temporaryDir();
    const open = join(dir.path, "open");
    mkdirSync(open, { mode: 0o755 });
    makeFolder(open, 0o700);
    assert.equal(statSync(open).mode & 0o777, 0o755);
  });

  // Node's own recursive mkdir never returns from the first two.
  const refused: { name: string; path: (dir: string) => string; code: string }[] = [
    { name: "in /proc", path: () => "/proc/softnet/state", code: "ENOENT" },
    {
      name: "below a link that leads nowhere",
      path: (dir) => {
        symlinkSync(join(dir, "unmounted"), join(dir, "link"));
        return join(dir, "link/state");
      },
      code: "ENOENT",
    },
    {
      name: "where a file is",
      path: (dir) => {
        writeFileSync(join(dir, "file"), "");
        return join(dir, "file");
      },
      code: "EEXIST",
    },
    {
      name: "below a file",
      path: (dir) => {
        writeFileSync(join(dir, "file"), "");
        return join(dir, "file/state");
      },
      code: "ENOTDIR",
    },
  ];
  for (const { name, path, code } of refused) {
    test(`ends ${name}, with what the system says`, () => {
      using dir = temporaryDir();
      const asked = path(dir.path);
      assert.throws(() => makeFolder(asked, 0o700), { code });
    });
  }
});
