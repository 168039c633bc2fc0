import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Runs a command to its end, whatever its exit code. */
export async function finish(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const child = spawn(command, args, { env: options.env, cwd: options.cwd, stdio: "pipe" });
  const ended = new Promise<Pick<Finished, "code" | "signal">>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  child.stdin.on("error", () => {}); // A command that does not read its input has closed it: not our failure.
  child.stdin.end(options.input);
  const [how, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { ...how, stdout, stderr };
}

/** Runs a command that must succeed. @returns what it printed. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, signal, stdout, stderr } = await finish(command, args, options);
  if (code !== 0) {
    throw new Error(`${command} ${args.join(" ")}: ended with ${code ?? signal}: ${stderr.trim()}`);
  }
  return stdout;
}
