import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("guard.sh", import.meta.url));
const LOCK_FILE = "/run/softnet-lab.lock";

/**
 * A process of its own that undoes the lab's changes once this process is done, or dead: there is one way back, so it
 * is also the one that a crash takes.
 */
export class Guard {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;

  private constructor() {
    // In a session of its own: Ctrl-C on the terminal must end the test and not its guard.
    this.#process = spawn("sh", [SCRIPT, LOCK_FILE], { detached: true, stdio: ["pipe", "pipe", "inherit"] });
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** Waits for another lab on this machine to end. */
  static async start(): Promise<Guard> {
    const guard = new Guard();
    await guard.#expect("locked");
    return guard;
  }

  /** Call it before the change that `command`, a line of shell, undoes. */
  async undoWith(command: string): Promise<void> {
    this.#process.stdin.write(`${command}\n`);
    await this.#expect("noted");
  }

  /** Undoes everything, the newest change first, and returns when that is done. */
  async undoAll(): Promise<void> {
    const exited = once(this.#process, "exit");
    this.#process.stdin.end();
    await exited;
  }

  async #expect(answer: string): Promise<void> {
    const { value } = await this.#answers.next();
    if (value !== answer) throw new Error(`The lab's guard was expected to say "${answer}", got ${value}`);
  }
}
