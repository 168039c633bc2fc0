import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { TestContext } from "node:test";

import type { Finished } from "../../kernel/lab/shell.ts";
import { buildInitramfs } from "./initramfs.ts";
import { debianKernel } from "./kernel.ts";

export interface GuestSettings {
  /** As qemu's `-smp` takes it: `8`, or `2,maxcpus=104`. */
  readonly cpus: string;
  readonly kernelArguments?: readonly string[];
  /** From its start to its end, after which it is taken for hung. */
  readonly withinSeconds: number;
}

const ATTEMPTS = 2;
const MEGABYTES = 1536;

/** The guest hung, or its kernel did not come up: of emulated CPUs on a busy machine nothing better can be expected. */
class GuestLost extends Error {}

/** A machine of its own kernel and of as many CPUs as asked for, emulated, on which this checkout lies under the same path. */
export class Guest {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #answers: AsyncIterator<string>;
  readonly #console: string;
  #complaints = "";

  private constructor(settings: GuestSettings, image: string, initramfs: string, folder: string) {
    this.#console = join(folder, "console");
    const qemu = ["qemu-system-x86_64", ...qemuArguments(settings, image, initramfs, this.#console)];
    // Nobody else would end it if this process were killed.
    this.#process = spawn("setpriv", ["--pdeathsig", "KILL", ...qemu], { stdio: "pipe" });
    this.#process.stderr.on("data", (data) => (this.#complaints += String(data)));
    this.#process.stdin.on("error", () => {}); // A guest that ended has closed it, which shows in the missing answer.
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** Boots a guest, hands it to `work`, and ends it whatever becomes of that. A guest that is lost is booted once more. */
  static async during<T>(
    t: TestContext,
    settings: GuestSettings,
    work: (guest: Guest) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await Guest.#once(t, settings, work);
      } catch (error) {
        if (!(error instanceof GuestLost) || attempt === ATTEMPTS) throw error;
        t.diagnostic(`attempt ${attempt} does not count: ${error.message}`);
      }
    }
  }

  static async #once<T>(
    t: TestContext,
    settings: GuestSettings,
    work: (guest: Guest) => Promise<T>,
  ): Promise<T> {
    const kernel = await debianKernel();
    const folder = mkdtempSync(join(tmpdir(), "softnet-guest-"));
    try {
      const guest = new Guest(settings, kernel.image, await buildInitramfs(kernel, folder), folder);
      const limit = setTimeout(() => guest.#process.kill("SIGKILL"), settings.withinSeconds * 1000);
      try {
        const startedMs = performance.now();
        await guest.#answer();
        const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
        t.diagnostic(`Linux ${kernel.release} with ${settings.cpus} CPUs came up in ${seconds} s`);
        return await work(guest);
      } finally {
        clearTimeout(limit);
        await guest.#end();
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  /** Runs a script of the shell to its end, whatever its exit code. One at a time. */
  async finish(script: string): Promise<Pick<Finished, "stdout" | "stderr"> & { readonly code: number }> {
    this.#process.stdin.write(`${Buffer.from(script).toString("base64")}\n`);
    const [code, ...outputs] = (await this.#answer()).split(" ");
    const [stdout, stderr] = outputs.map((output) => Buffer.from(output, "base64").toString());
    return { code: Number(code), stdout: stdout!, stderr: stderr! };
  }

  /** Runs a script that must succeed. @returns what it printed. */
  async run(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.finish(`set -e\n${script}`);
    if (code !== 0) throw new Error(`In the guest, ${script}: ended with ${code}: ${stderr.trim()}`);
    return stdout;
  }

  async #answer(): Promise<string> {
    const { value, done } = await this.#answers.next();
    if (done) throw new GuestLost(`the guest ended or hung: ${this.#complaints}${this.#lastLines()}`);
    return value;
  }

  /** What its kernel said last. */
  #lastLines(): string {
    try {
      return readFileSync(this.#console, "utf8").trim().split("\n").slice(-15).join("\n");
    } catch {
      return "no console";
    }
  }

  async #end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGKILL"); // There is nothing in it to be saved.
    await exited;
  }
}

function qemuArguments(
  settings: GuestSettings,
  image: string,
  initramfs: string,
  consoleFile: string,
): string[] {
  const kernelArguments = [
    "rdinit=/init.sh",
    "console=ttyS0",
    "quiet",
    // With -no-reboot a panic ends qemu at once.
    "panic=-1",
    // Emulated CPUs leak nothing, and are slow as they are.
    "mitigations=off",
    ...(settings.kernelArguments ?? []),
  ];
  return [
    ["-nodefaults", "-no-reboot", "-display", "none"],
    ["-machine", "q35", "-cpu", "max", "-smp", settings.cpus, "-m", `${MEGABYTES}M`],
    // Without bound, translated code takes as much memory as the guest has.
    ["-accel", "tcg,thread=multi,tb-size=256"],
    ["-kernel", image, "-initrd", initramfs, "-append", kernelArguments.join(" ")],
    ["-serial", `file:${consoleFile}`],
    ["-fsdev", "local,id=machine,path=/,security_model=none,readonly=on,multidevs=remap"],
    ["-device", "virtio-9p-pci,fsdev=machine,mount_tag=machine"],
    ["-chardev", "stdio,id=agent,signal=off"],
    // A NIC as in the cloud, on a cable to nowhere.
    ["-netdev", "hubport,hubid=0,id=net", "-device", "virtio-net-pci,netdev=net"],
    ["-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent"],
  ].flat();
}
