import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempDisposableSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { AGENT_OPTIONS } from "../../src/config.ts";
import { AUDIT_FILE, type RepairRecord } from "../../src/core/remedy-audit.ts";
import { JOURNAL_FILE } from "../../src/core/remedy-journal.ts";
import { Machine } from "../../src/host/machine.ts";
import { readAudit, readJournal } from "../../src/host/remedy-record.ts";
import { readOptions } from "../../src/options.ts";
import { takeLock } from "../../src/remedy/lock.ts";
import { appendAudit, openStateFolder } from "../../src/remedy/state-folder.ts";

const NOBODY = 65_534;

const RECORD: RepairRecord = {
  time: "2026-11-22T20:15:27.000Z",
  verb: "remedy apply",
  result: "healthy",
  tried: [],
  before: { lostPerMillion: 0, squeezedPerMillion: 0, packetsPerSecond: 1 },
  after: null,
  proof: null,
  persisted: false,
};

/** Root may read everything. */
function asSomebodyElse<T>(work: () => T): T {
  if (process.geteuid!() !== 0) return work();
  process.seteuid!(NOBODY);
  try {
    return work();
  } finally {
    process.seteuid!(0);
  }
}

function temporaryDir() {
  const dir = mkdtempDisposableSync(join(tmpdir(), "softnet-state-folder-"));
  chmodSync(dir.path, 0o755);
  return dir;
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

describe("the folder of the journal", () => {
  for (const umask of [0o077, 0o027, 0o000]) {
    test(`can be read by everybody under a umask of ${umask.toString(8).padStart(3, "0")}`, () => {
      using dir = temporaryDir();
      const state = join(dir.path, "above/state");
      const before = process.umask(umask);
      try {
        openStateFolder(state);
        const release = takeLock(state);
        assert.equal(modeOf(join(state, "lock")), 0o644);
        release();
        appendAudit(state, RECORD);
      } finally {
        process.umask(before);
      }
      assert.deepEqual(
        [modeOf(join(state, "..")), modeOf(state), modeOf(join(state, AUDIT_FILE))],
        [0o755, 0o755, 0o644],
      );
    });
  }

  const closed: readonly { what: string; close: (state: string) => void; says: RegExp }[] = [
    {
      what: "a folder that only root may enter",
      close: (state) => chmodSync(state, 0o700),
      says: /\/state: .* got a folder that may not be read$/,
    },
    {
      what: "files that only root may read",
      close: (state) => {
        for (const name of [JOURNAL_FILE, AUDIT_FILE]) chmodSync(join(state, name), 0o600);
      },
      says: /\/state\/(journal|audit\.jsonl): .* got a file that may not be read$/,
    },
  ];
  for (const { what, close, says } of closed) {
    test(`is not taken for an empty one: ${what}`, () => {
      using dir = temporaryDir();
      using machine = new Machine(dir.path);
      const state = join(dir.path, "state");
      mkdirSync(state);
      writeFileSync(join(state, JOURNAL_FILE), "softnet-remedy 1\nrun 2026-11-22T20:15:27Z\n");
      writeFileSync(join(state, AUDIT_FILE), "");
      close(state);
      // With and without the slash that a shell completes a folder's name with.
      for (const SOFTNET_REMEDY_DIR of ["/state", "/state/"]) {
        const { remedyDir } = readOptions({ remedyDir: AGENT_OPTIONS.remedyDir }, [], { SOFTNET_REMEDY_DIR });
        for (const read of [readJournal, readAudit]) {
          assert.throws(() => asSomebodyElse(() => read(machine, remedyDir)), {
            message: new RegExp(`^${dir.path}${says.source}`),
          });
        }
      }
    });
  }

  test("that is empty, or not there, says that nothing was changed", () => {
    using dir = temporaryDir();
    using machine = new Machine(dir.path);
    mkdirSync(join(dir.path, "state"));
    for (const state of ["/state", "/none"]) {
      assert.equal(
        asSomebodyElse(() => readJournal(machine, state)),
        undefined,
      );
    }
  });

  for (const end of ["", "/", "//"]) {
    test(`may be named with "${end}" at its end`, () => {
      using dir = temporaryDir();
      openStateFolder(join(dir.path, "state") + end);
    });

    test(`is no link with "${end}" at its end`, () => {
      using dir = temporaryDir();
      mkdirSync(join(dir.path, "elsewhere"));
      symlinkSync("elsewhere", join(dir.path, "link"));
      assert.throws(() => openStateFolder(join(dir.path, "link") + end), { code: "bad-journal" });
    });
  }
});

describe("a record", () => {
  const line = `${JSON.stringify(RECORD)}\n`;
  for (const [what, found, expected] of [
    ["begins the audit", "", line],
    ["follows those that are there", line, line + line],
    [
      "has a line of its own after one that a full disk has cut off",
      '{"time":"2026',
      `{"time":"2026\n${line}`,
    ],
  ] as const) {
    test(what, () => {
      using dir = temporaryDir();
      const file = join(dir.path, AUDIT_FILE);
      if (found) writeFileSync(file, found);
      appendAudit(dir.path, RECORD);
      assert.equal(readFileSync(file, "utf8"), expected);
    });
  }
});
