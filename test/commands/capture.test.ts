import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import { parseCapture, readCapture } from "../../src/host/capture.ts";
import { readSoftnetStat } from "../../src/host/softnet-stat.ts";
import { runSoftnet } from "../support/run-softnet.ts";

const dir = mkdtempSync(join(tmpdir(), "softnet-capture-"));
after(() => rmSync(dir, { recursive: true }));

describe("softnet capture", () => {
  test("records this machine, plain and on standard output", async () => {
    const { code, stdout, stderr } = await runSoftnet(["capture", "--for", "1"]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /^softnet-capture 1\n@snapshot \d{13} \d+\.\d+\n@file /);
    const { snapshots } = parseCapture(Buffer.from(stdout), "stdout");
    assert.equal(snapshots.length, 2);
    for (const snapshot of snapshots) assert.ok(readSoftnetStat(snapshot, snapshot).cpus.length > 0);
  });

  test("records another root into a file, in one line", async () => {
    const out = join(dir, "other.capture");
    const root = join(import.meta.dirname, "../fixtures/linux-5.10");
    const { code, stdout } = await runSoftnet([
      "capture",
      "--for",
      "1",
      "--gzip",
      "--root",
      root,
      "--out",
      out,
    ]);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "" });
    assert.equal(readFileSync(out, "utf8").split("\n").length, 2);
    const [first] = readCapture(out).snapshots;
    assert.deepEqual([...readSoftnetStat(first, first).cpus], [0, 1, 2, 4, 6, 7]);
  });

  test("leaves nothing behind when a signal comes first", async () => {
    const abort = new AbortController();
    abort.abort("SIGTERM");
    const out = join(dir, "never.capture");
    const { code, stdout } = await runSoftnet(["capture", "--out", out], { signal: abort.signal });
    assert.deepEqual({ code, stdout }, { code: 143, stdout: "" });
    assert.ok(!existsSync(out));
  });

  test("leaves an earlier capture alone when it cannot make another", async () => {
    const out = join(dir, "earlier.capture");
    writeFileSync(out, "earlier");
    const { code, stderr } = await runSoftnet(["capture", "--root", dir, "--out", out]);
    assert.equal(code, 2);
    assert.match(stderr, /^softnet: \/.*\/proc\/net\/softnet_stat: expected the kernel's softnet counters/);
    assert.equal(readFileSync(out, "utf8"), "earlier");
  });

  test("prints the script, or writes it", async () => {
    const out = join(dir, "capture.sh");
    const printed = await runSoftnet(["capture", "--script", "--for", "20", "--every", "5"]);
    const written = await runSoftnet(["capture", "--script", "--for", "20", "--every", "5", "--out", out]);
    assert.deepEqual([printed.code, written.code, written.stdout], [0, 0, ""]);
    assert.match(printed.stdout, /^#!\/bin\/sh\n/);
    assert.equal(readFileSync(out, "utf8"), printed.stdout);
  });

  const refused = [
    {
      args: ["--for", "3600"],
      message: "--for and --every: expected at most 601 snapshots (raise --every), got 3601",
    },
    { args: ["--every", "0"], message: '--every: expected a whole number from 1 to 3600, got "0"' },
    {
      args: ["--script", "--root", "/proc"],
      message: "command line: expected either --script or a machine to record, got both --script and --root",
    },
    {
      args: ["--out", "/nowhere/x.capture"],
      message: "/nowhere/x.capture: expected a file that can be written, got no such folder",
    },
    {
      args: ["--out", "/proc"],
      message: "/proc: expected a file that can be written, got a directory",
    },
    {
      args: ["--script", "--out", "/dev/full"],
      message: "/dev/full: expected a file that can be written, got no space left",
    },
  ];
  for (const { args, message } of refused) {
    test(`refuses ${args.join(" ")}`, async () => {
      const { code, stdout, stderr } = await runSoftnet(["capture", ...args]);
      assert.deepEqual({ code, stdout, stderr }, { code: 2, stdout: "", stderr: `softnet: ${message}\n` });
    });
  }

  test("refuses --json: its text is the product", async () => {
    const { code, stderr } = await runSoftnet(["capture", "--json"]);
    assert.equal(code, 2);
    assert.match(stderr, /expected one of .*--script.*, got --json/);
  });
});
