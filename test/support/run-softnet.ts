import { main } from "../../src/cli.ts";
import type { Io } from "../../src/terminal/command.ts";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process, against the world that is handed over: no terminal unless it says so. */
export async function runSoftnet(args: readonly string[], world: Partial<Io> = {}): Promise<Ended> {
  let [stdout, stderr] = ["", ""];
  const code = await main(args, {
    stdout: (text) => (stdout += text),
    stderr: (text) => (stderr += text),
    env: {},
    isTerminal: false,
    canAsk: false,
    ask: () => Promise.reject(new Error("asked where nobody answers")),
    isRoot: true,
    commandLine: ["softnet", ...args],
    columns: 100,
    signal: new AbortController().signal,
    ...world,
  });
  return { code, stdout, stderr };
}
