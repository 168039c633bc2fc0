import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import { drawing } from "../../src/terminal/terminal.ts";
import { skipWithout } from "../support/needs.ts";

const SOFTNET = join(import.meta.dirname, "../../src/main.ts");
const STORY = join(import.meta.dirname, "../fixtures/incidents/story.capture");

const ENTER = "\u001b[?1049h";
const LEAVE = "\u001b[?1049l";

interface OnTerminal {
  readonly child: ChildProcess;
  /** Everything the terminal was sent so far. */
  readonly output: () => string;
  /** The process of softnet itself. */
  readonly pid: () => number;
}

/** Runs softnet on a real terminal: `script` opens one and passes on what we write to it. */
async function watchOnTerminal(): Promise<OnTerminal> {
  // No core is to be left behind by SIGQUIT.
  const command = `ulimit -c 0; echo pid $$; exec '${process.execPath}' '${SOFTNET}' watch --replay '${STORY}' --every 0.1`;
  const child = spawn("script", ["-qec", command, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  while (!/squeezed\/s/.test(output)) await once(child.stdout, "data");
  return { child, output: () => output, pid: () => Number(/pid (\d+)/.exec(output)![1]) };
}

describe("a terminal", { skip: skipWithout("script") }, () => {
  const endings: { name: string; code: number; end: (watching: OnTerminal) => unknown }[] = [
    { name: "the key q", code: 0, end: ({ child }) => child.stdin!.write("q") },
    { name: "the end of the capture", code: 0, end: () => undefined },
    { name: "Ctrl-C", code: 130, end: ({ child }) => child.stdin!.write("\u0003") },
    { name: "SIGTERM", code: 143, end: ({ pid }) => process.kill(pid(), "SIGTERM") },
    { name: "SIGHUP", code: 129, end: ({ pid }) => process.kill(pid(), "SIGHUP") },
    { name: "SIGQUIT", code: 131, end: ({ pid }) => process.kill(pid(), "SIGQUIT") },
  ];
  for (const { name, code, end } of endings) {
    test(`is as it was before after ${name}`, { timeout: 20_000 }, async () => {
      const watching = await watchOnTerminal();
      end(watching);
      const [exitCode] = await once(watching.child, "close");
      assert.equal(exitCode, code);
      const output = watching.output();
      assert.equal(output.split(ENTER).length, 2);
      assert.equal(output.split(LEAVE).length, 2);
      assert.ok(output.lastIndexOf(LEAVE) > output.lastIndexOf("\u001b[?2026h"));
      assert.ok(output.includes("\u001b[?25h"), "the cursor is back");
    });
  }

  test("is ours again after it was suspended", { timeout: 20_000 }, async () => {
    const watching = await watchOnTerminal();
    const pid = watching.pid();
    process.kill(pid, "SIGTSTP");
    while (!/^\d+ \(.*\) T/.test(readFileSync(`/proc/${pid}/stat`, "utf8"))) await new Promise(setImmediate);
    // `script` stops too when it notices; a shell would wake both.
    const waking = setInterval(() => {
      if (watching.output().split(ENTER).length < 3) process.kill(pid, "SIGCONT");
      watching.child.kill("SIGCONT");
    }, 50);
    await once(watching.child, "close").finally(() => clearInterval(waking));
    assert.equal(watching.output().split(ENTER).length, 3);
    assert.equal(watching.output().split(LEAVE).length, 3);
  });
});

test("a drawing writes over what is there and clears only what is left", () => {
  assert.equal(
    drawing(["one", "two"]),
    "\u001b[?2026h\u001b[Hone\u001b[K\r\ntwo\u001b[K\u001b[J\u001b[?2026l",
  );
});
