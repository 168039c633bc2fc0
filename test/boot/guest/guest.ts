import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { TestContext } from "node:test";

import type { Finished } from "../../kernel/lab/shell.ts";

const ATTEMPTS = 2;
/** As a shell tells it. Nothing that runs in guests is written in a language that could cause it; emulated CPUs do, now and then. */
const SEGMENTATION_FAULT = 128 + 11;

/** The guest hung, its kernel did not come up, or a program crashed in it: of emulated CPUs on a busy machine nothing better can be expected. */
class GuestLost extends Error {}

/** Does something with guests. When one is lost, all of it is done once more. */
export async function withGuests<T>(t: TestContext, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof GuestLost) || attempt === ATTEMPTS) throw error;
      t.diagnostic(`attempt ${attempt} does not count: ${error.message}`);
    }
  }
}

export interface GuestStart {
  /** Ends in qemu, whose standard input and output are the port of agent.sh. */
  readonly command: readonly string[];
  /** Where the guest's serial console is written to. */
  readonly consoleFile: string;
  /** From its start to its end, after which it is taken for hung. */
  readonly withinSeconds: number;
}

/** An emulated machine, which does what it is told by agent.sh. */
export class Guest {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #answers: AsyncIterator<string>;
  readonly #console: string;
  readonly #limit: NodeJS.Timeout;
  #complaints = "";

  private constructor({ command, consoleFile, withinSeconds }: GuestStart) {
    this.#console = consoleFile;
    // Nobody else would end it if this process were killed.
    this.#process = spawn("setpriv", ["--pdeathsig", "KILL", ...command], { stdio: "pipe" });
    this.#process.stderr.on("data", (data) => (this.#complaints += String(data)));
    this.#process.stdin.on("error", () => {}); // A guest that ended has closed it, which shows in the missing answer.
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
    this.#limit = setTimeout(() => this.#process.kill("SIGKILL"), withinSeconds * 1000);
  }

  /** Boots a guest, hands it to `work`, and ends it whatever becomes of that. */
  static async during<T>(
    t: TestContext,
    title: string,
    start: GuestStart,
    work: (guest: Guest) => Promise<T>,
  ): Promise<T> {
    const guest = new Guest(start);
    try {
      const startedMs = performance.now();
      await guest.#answer();
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
      t.diagnostic(`${title} came up in ${seconds} s`);
      return await work(guest);
    } finally {
      clearTimeout(guest.#limit);
      await guest.#kill();
    }
  }

  /** Runs a script of the shell to its end, whatever its exit code, but for a crash. One at a time. */
  async finish(script: string): Promise<Pick<Finished, "stdout" | "stderr"> & { readonly code: number }> {
    this.#tell(script);
    const [code, ...outputs] = (await this.#answer()).split(" ");
    const [stdout, stderr] = outputs.map((output) => Buffer.from(output, "base64").toString());
    if (Number(code) === SEGMENTATION_FAULT) throw this.#lost(`crashed in ${script}`);
    return { code: Number(code), stdout: stdout!, stderr: stderr! };
  }

  /** Runs a script that must succeed. @returns what it printed. */
  async run(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.finish(`set -e\n${script}`);
    if (code !== 0) throw new Error(`In the guest, ${script}: ended with ${code}: ${stderr.trim()}`);
    return stdout;
  }

  /** Tells it to end by itself, and waits until it has written its disk and ended. */
  async powerOff(): Promise<void> {
    const exited = once(this.#process, "exit");
    this.#tell("systemctl --no-block poweroff"); // It may be gone before it can answer.
    await exited;
    if (this.#process.exitCode !== 0) throw this.#lost("did not power off");
  }

  #tell(script: string): void {
    this.#process.stdin.write(`${Buffer.from(script).toString("base64")}\n`);
  }

  async #answer(): Promise<string> {
    const { value, done } = await this.#answers.next();
    if (done) throw this.#lost("ended or hung");
    return value;
  }

  #lost(how: string): GuestLost {
    return new GuestLost(`the guest ${how}: ${this.#complaints}${this.#lastLines()}`);
  }

  /** What its kernel said last. */
  #lastLines(): string {
    try {
      return readFileSync(this.#console, "utf8").trim().split("\n").slice(-15).join("\n");
    } catch {
      return "no console";
    }
  }

  async #kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGKILL"); // There is nothing in it to be saved.
    await exited;
  }
}

/** What all guests have in common. */
export function qemuCommand(
  settings: { readonly cpus: string; readonly megabytes: number; readonly consoleFile: string },
  kernel: { readonly image: string; readonly initramfs: string; readonly arguments: readonly string[] },
): readonly string[] {
  const kernelArguments = [
    "console=ttyS0",
    "quiet",
    // With -no-reboot a panic ends qemu at once.
    "panic=-1",
    // Emulated CPUs leak nothing, and are slow as they are.
    "mitigations=off",
    ...kernel.arguments,
  ];
  return [
    ["qemu-system-x86_64", "-nodefaults", "-no-reboot", "-display", "none"],
    // The instructions of newer CPUs are slower than those they replace where they are emulated.
    ["-machine", "q35", "-cpu", "Nehalem", "-smp", settings.cpus, "-m", `${settings.megabytes}M`],
    // Without bound, translated code takes as much memory as the guest has.
    ["-accel", "tcg,thread=multi,tb-size=256"],
    ["-kernel", kernel.image, "-initrd", kernel.initramfs, "-append", kernelArguments.join(" ")],
    ["-serial", `file:${settings.consoleFile}`],
    ["-chardev", "stdio,id=agent,signal=off"],
    ["-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name=agent"],
  ].flat();
}
