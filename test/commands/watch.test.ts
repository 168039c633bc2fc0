import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import type { WatchDocument } from "../../src/core/watch-document.ts";
import { renderCapture } from "../../src/host/capture.ts";
import type { Terminal } from "../../src/terminal/terminal.ts";
import { runSoftnet } from "../support/run-softnet.ts";

const TEST = join(import.meta.dirname, "..");
const STORY = join(TEST, "fixtures/incidents/story.capture");

const dir = mkdtempSync(join(tmpdir(), "softnet-watch-"));
after(() => rmSync(dir, { recursive: true }));

/** A case of the corpus as a capture. */
function captureOfCorpus(name: string): string {
  const root = join(TEST, "../corpus", name);
  const { readings } = JSON.parse(readFileSync(join(root, "case.json"), "utf8")) as {
    readings: { uptimeSeconds: number }[];
  };
  const snapshots = readings.map(({ uptimeSeconds }, i) => ({
    takenAtMs: 1_795_000_000_000 + uptimeSeconds * 1000,
    monotonicMs: uptimeSeconds * 1000,
    files: new Map(
      ["/proc/net/softnet_stat", ...(i === 0 ? ["/sys/devices/system/cpu/online"] : [])].map((path) => [
        path,
        readFileSync(join(root, String(i + 1), path)),
      ]),
    ),
  }));
  const path = join(dir, `${name}.capture`);
  writeFileSync(path, renderCapture(snapshots));
  return path;
}

async function documentsOf(...args: readonly string[]): Promise<WatchDocument[]> {
  const { code, stdout, stderr } = await runSoftnet(["watch", "--json", ...args]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as WatchDocument);
}

/** A terminal of the given size that remembers what was done to it; its keys are for the test to press. */
function fakeTerminal(columns = 100, rows = 24) {
  const events: string[] = [];
  const terminal = {
    events,
    quit: () => {},
    resize: () => {},
    size: () => ({ columns, rows }),
    take: (onResize: () => void, onQuit: () => void) => {
      events.push("taken");
      terminal.quit = onQuit;
      terminal.resize = onResize;
      return () => void events.push("given back");
    },
  };
  return terminal satisfies Terminal;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate);
}

describe("softnet watch", () => {
  test("prints one document a line, each an interval of the capture", async () => {
    const documents = await documentsOf("--replay", STORY);
    assert.equal(documents.length, 22);
    for (const document of documents) {
      assert.equal(document.schemaVersion, 1);
      assert.ok(Math.abs(document.sampledSeconds - 1) < 0.1);
      assert.deepEqual(
        document.cpus.map(({ cpu }) => cpu),
        [0, 1],
      );
    }
    const drops = documents.map(({ all }) => all.droppedPerSecond > 0);
    assert.ok(!drops[0] && drops.includes(true) && !drops.at(-1), "calm, overload, calm");
  });

  test("adds up to what diagnose says of the same capture", async () => {
    const documents = await documentsOf("--replay", STORY);
    const { stdout } = await runSoftnet(["diagnose", "--from", STORY, "--json"]);
    const whole = JSON.parse(stdout) as { sampledSeconds: number; cpus: WatchDocument["cpus"] };
    for (const key of ["processedPerSecond", "droppedPerSecond", "squeezedPerSecond"] as const) {
      const sum = documents.reduce((total, one) => total + one.cpus[1]![key] * one.sampledSeconds, 0);
      const expected = whole.cpus[1]![key] * whole.sampledSeconds;
      assert.ok(Math.abs(sum - expected) <= expected * 1e-3 + 0.1, `${key}: ${sum}, not ${expected}`);
    }
  });

  test("knows CPUs by their id and reads hexadecimal, where `awk` does not", async () => {
    const [document] = await documentsOf("--replay", captureOfCorpus("columns-11"));
    assert.deepEqual(
      document!.cpus.map(({ cpu, processedPerSecond: processed, droppedPerSecond: dropped }) => [
        cpu,
        processed,
        dropped,
      ]),
      [
        [0, 8, 16],
        [2, 2048, 0],
        [3, 0, 0],
      ],
    );
  });

  test("leaves out columns that the kernel does not print, and says which CPUs came and went", async () => {
    const [document] = await documentsOf("--replay", captureOfCorpus("columns-9"));
    assert.deepEqual(Object.keys(document!.cpus[0]!), [
      "cpu",
      "processedPerSecond",
      "droppedPerSecond",
      "squeezedPerSecond",
    ]);
    const [changed] = await documentsOf("--replay", captureOfCorpus("columns-13-cpus-come-and-go"));
    assert.deepEqual([changed!.appeared, changed!.left], [[4], [1]]);
  });

  test("prints lines where there is no terminal, with the head once", async () => {
    const { code, stdout } = await runSoftnet(["watch", "--replay", STORY, "--count", "3"]);
    assert.equal(code, 0);
    const [title, head, ...rows] = stdout.trimEnd().split("\n");
    assert.match(title!, /^replay of story.capture 1\/22 · /);
    assert.match(head!, /^ +CPU +processed\/s/);
    assert.equal(rows.length, 9);
  });

  test("notes CPUs that came and went between the lines", async () => {
    const { stdout } = await runSoftnet([
      "watch",
      "--replay",
      captureOfCorpus("columns-15-cpus-come-and-go"),
    ]);
    assert.match(stdout, /^\d\d:\d\d:\d\d {2}CPU 4 came online, CPU 1 went offline$/m);
  });

  test("watches this machine", async () => {
    const documents = await documentsOf("--count", "2", "--every", "0.1");
    assert.equal(documents.length, 2);
    assert.ok(documents[0]!.cpus.length > 0);
  });

  test("goes on after a torn reading, and says so", async () => {
    const path = join(dir, "torn/proc/net/softnet_stat");
    const whole = `${"00000001 ".repeat(12)}00000000\n`;
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, whole);
    const written: string[] = [];
    const { code } = await runSoftnet(
      ["watch", "--count", "1", "--every", "0.1", "--root", join(dir, "torn")],
      {
        env: { NO_COLOR: "1" },
        isTerminal: true,
        terminal: fakeTerminal(),
        stdout: (text) => {
          // The first drawing precedes the first reading, the next one complains of the second.
          if (written.push(text) === 1) setImmediate(() => writeFileSync(path, `${whole}0000`));
          else writeFileSync(path, whole);
        },
      },
    );
    assert.equal(code, 0);
    const complaint = written[1]!.replaceAll("\u001b[K\r\n", " ");
    assert.match(complaint, /softnet_stat line 2: expected a line's end, got the file's end: it is torn/);
    assert.match(written[2]!, / all /);
    assert.doesNotMatch(written[2]!, /torn/);
  });

  test("takes a terminal, draws on it, and leaves the last numbers below", async () => {
    const terminal = fakeTerminal();
    const written: string[] = [];
    const { code } = await runSoftnet(["watch", "--replay", STORY, "--count", "9", "--every", "0.1"], {
      isTerminal: true,
      terminal,
      stdout: (text) => written.push(text),
    });
    assert.equal(code, 0);
    assert.deepEqual(terminal.events, ["taken", "given back"]);
    // One before the first numbers, one for each update, and what stays.
    assert.equal(written.length, 11);
    for (const drawing of written.slice(0, -1)) {
      assert.ok(drawing.startsWith("\u001b[?2026h\u001b[H") && drawing.endsWith("\u001b[J\u001b[?2026l"));
    }
    const last = written.at(-1)!;
    assert.ok(!last.includes("\u001b[?") && last.includes("9/22") && last.includes("packets dropped"), last);
    assert.doesNotMatch(written.at(-1)!, /q ends/);
  });

  test("draws anew when the terminal's size changes", async () => {
    const terminal = fakeTerminal();
    const written: string[] = [];
    const ended = runSoftnet(["watch", "--every", "3600"], {
      isTerminal: true,
      terminal,
      stdout: (text) => written.push(text),
    });
    await until(() => written.length > 0);
    const before = written.length;
    terminal.resize();
    assert.equal(written.length, before + 1);
    terminal.quit();
    assert.equal((await ended).code, 0);
    assert.deepEqual(terminal.events, ["taken", "given back"]);
  });

  test("gives the terminal back when a signal ends it", async () => {
    const terminal = fakeTerminal();
    const abort = new AbortController();
    const ended = runSoftnet(["watch", "--every", "3600"], {
      isTerminal: true,
      terminal,
      signal: abort.signal,
    });
    await until(() => terminal.events.length > 0);
    abort.abort("SIGINT");
    assert.equal((await ended).code, 130);
    assert.deepEqual(terminal.events, ["taken", "given back"]);
  });

  for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
    test(`has no colours with ${Object.keys(env).join()}`, async () => {
      const { stdout } = await runSoftnet(["watch", "--replay", STORY, "--count", "9", "--every", "0.1"], {
        isTerminal: true,
        terminal: fakeTerminal(),
        env,
      });
      assert.ok(!stdout.includes("\u001b[1m") && !stdout.includes("\u001b[31m"));
      assert.equal(stdout.includes("\u001b"), "NO_COLOR" in env);
    });
  }

  const refused = [
    { args: ["--every", "0"], message: '--every: expected a number from 0.1 to 3600, got "0"' },
    { args: ["--count", "x"], message: '--count: expected a whole number from 1 to 1000000000, got "x"' },
    {
      args: ["--replay", STORY, "--root", "/proc"],
      message: "command line: expected either --replay or a machine to watch, got both --replay and --root",
    },
    {
      args: ["--replay", "/proc"],
      message: "/proc: expected a capture that can be read, got a directory",
    },
    {
      args: ["--replay", "/nowhere"],
      message: "/nowhere: expected a capture that can be read, got no such file",
    },
    {
      args: ["--root", "/proc"],
      message: "/proc/proc/net/softnet_stat: expected the kernel's softnet counters, got no readable file",
    },
  ];
  for (const { args, message } of refused) {
    test(`refuses ${args.join(" ")}`, async () => {
      const { code, stdout, stderr } = await runSoftnet(["watch", ...args]);
      assert.deepEqual({ code, stdout, stderr }, { code: 2, stdout: "", stderr: `softnet: ${message}\n` });
    });
  }
});
