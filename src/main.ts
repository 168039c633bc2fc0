import { isSea } from "node:sea";

import { main } from "./cli.ts";
import type { Io } from "./terminal/command.ts";
import { signalOf } from "./signals.ts";
import { terminalOf } from "./terminal/terminal.ts";

/** Runs this process's command line against the real world. */
async function runProcess(): Promise<void> {
  const signal = signalOf(process, () => performance.now());
  // `softnet watch | head` closes the pipe: that is an end, not a failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // A terminal that is gone may show by this before its signal comes. What was begun is ended in peace all the same.
    if (error.code === "EIO" && process.stdout.isTTY) process.emit("SIGHUP", "SIGHUP");
    if (signal.reason === "SIGHUP") return;
    if (error.code === "EPIPE") process.exit(0);
    process.stderr.write(
      `softnet: standard output: expected room for what is printed, got ${error.code ?? error.message}\n`,
    );
    process.exit(2);
  });
  // Nobody is left to be told.
  process.stderr.on("error", () => {});
  const io: Io = {
    stdout: (text) => process.stdout.write(text),
    stderr: (text) => process.stderr.write(text),
    env: process.env,
    isTerminal: process.stdout.isTTY,
    canAsk: process.stdin.isTTY && process.stdout.isTTY,
    ask: (question) => askOnTerminal(question, signal),
    isRoot: process.geteuid?.() === 0,
    commandLine: [process.execPath, ...process.argv.slice(isSea() ? 2 : 1)],
    columns: process.stdout.columns || 80,
    ...(process.stdout.isTTY ? { terminal: terminalOf(process) } : {}),
    signal,
  };
  const exitCode = await main(process.argv.slice(2), io);
  // A request that was left behind would hold the process up.
  if (signal.aborted) process.exit(exitCode);
  process.exitCode = exitCode;
  // A look-up of a name that nobody waits for any more takes ten seconds to give up.
  setTimeout(() => process.exit(exitCode), LINGER_MS).unref();
}

const LINGER_MS = 250;

async function askOnTerminal(question: string, signal: AbortSignal): Promise<string | undefined> {
  const { createInterface } = await import("node:readline");
  // Without an editor of its own: Ctrl-C is then a signal as everywhere else.
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  return new Promise((resolve) => {
    lines.once("close", () => resolve(undefined));
    signal.addEventListener("abort", () => lines.close(), { once: true });
    lines.question(question, (answer) => {
      resolve(answer);
      lines.close();
    });
  });
}

runProcess().catch((bug: unknown) => {
  const { stack, message } = bug instanceof Error ? bug : new Error(String(bug));
  process.stderr.write(
    `softnet: internal error, please report it: ${process.env["SOFTNET_DEBUG"] ? stack : message}\n`,
  );
  process.exit(2);
});
