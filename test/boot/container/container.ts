import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { type Finished, finish } from "../../kernel/lab/shell.ts";

const BOOT = join(import.meta.dirname, "boot.sh");
const SYSTEM_IS_UP = ["systemctl", "is-system-running", "--wait"];
const BOOT_MS = 60_000;
const SHUTDOWN_MS = 30_000;

export interface ContainerSettings {
  /** Files of a system with systemd, which stay as they are. */
  readonly root: string;
  /** Of this machine, by where they are seen in the container; nobody can write to them there. */
  readonly bindReadOnly?: Readonly<Record<string, string>>;
  /** A process whose network it gets; otherwise it has one of its own, with nothing in it. */
  readonly networkOf?: number;
  /** Lays files over the root before the first boot. @param folder as `/` in the container. */
  readonly furnish?: (folder: string) => void;
}

/** A system under systemd, with its own network and processes and this machine's kernel. What it writes lasts over its boots. */
export class Container implements AsyncDisposable {
  readonly #settings: ContainerSettings;
  readonly #folder = mkdtempSync(join(tmpdir(), "softnet-container-"));
  #nspawn: ChildProcess | undefined;
  #said = "";

  private constructor(settings: ContainerSettings) {
    this.#settings = settings;
  }

  /** @throws Error when it has not come up within a minute. */
  static async boot(settings: ContainerSettings): Promise<Container> {
    const container = new Container(settings);
    try {
      settings.furnish?.(join(container.#folder, "upper"));
      await container.start();
    } catch (error) {
      await container[Symbol.asyncDispose]();
      throw error;
    }
    return container;
  }

  /** Boots it, for the first time or again. */
  async start(): Promise<void> {
    const { root, bindReadOnly = {}, networkOf } = this.#settings;
    const network =
      networkOf === undefined ? "--private-network" : `--network-namespace-path=/proc/${networkOf}/ns/net`;
    const binds = Object.entries(bindReadOnly).map(([there, here]) => `--bind-ro=${here}:${there}`);
    this.#nspawn = spawn(
      "unshare",
      [
        "--mount",
        "setpriv",
        "--pdeathsig",
        "KILL",
        "sh",
        BOOT,
        this.#name,
        root,
        this.#folder,
        network,
        ...binds,
      ],
      {
        // Also systemd 256 and later boot in it, which know nothing else.
        env: { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1" },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    for (const stream of [this.#nspawn.stdout!, this.#nspawn.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => (this.#said += text));
    }
    const deadlineMs = performance.now() + BOOT_MS;
    while (performance.now() < deadlineMs && this.#nspawn.exitCode === null) {
      await sleep(200);
      if (this.#leader() === undefined) continue;
      const { stdout } = await this.run(...SYSTEM_IS_UP);
      if (/^(running|degraded)$/m.test(stdout)) return;
    }
    throw new Error(
      `expected a system that is up within ${BOOT_MS / 1000} s, got: ${this.#said.slice(-2000)}`,
    );
  }

  /** Runs a command in it to its end, whatever its exit code. */
  async run(...command: readonly string[]): Promise<Finished> {
    return finish("nsenter", [...this.#entering(), ...command]);
  }

  /** Runs a shell's commands in it that must succeed. @returns what they printed, without the last newline. */
  async sh(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.run("sh", "-euc", script);
    if (code !== 0) throw new Error(`${script}: expected exit code 0, got ${code}: ${stdout}${stderr}`);
    return stdout.trimEnd();
  }

  /** Starts a command in it. It ends with the container at the latest. */
  spawn(...command: readonly string[]): ChildProcess {
    return spawn("nsenter", [...this.#entering(), ...command], { stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Powers it off, as an orderly shutdown. */
  async stop(): Promise<void> {
    const nspawn = this.#nspawn;
    if (!nspawn || nspawn.exitCode !== null || nspawn.signalCode !== null) return;
    const ended = once(nspawn, "exit");
    if (this.#leader() !== undefined) await this.run("systemctl", "--no-block", "poweroff");
    const kill = setTimeout(() => nspawn.kill("SIGKILL"), SHUTDOWN_MS);
    await ended;
    clearTimeout(kill);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    // From the leaves up, as groups are no folders that rm could empty.
    for (const tree of globSync(`/sys/fs/cgroup/{systemd/,unified/,}${this.#name}`)) {
      const groups = globSync("**/", { cwd: tree }).toSorted((a, b) => b.length - a.length);
      for (const group of [...groups, "."]) rmdirIfThere(join(tree, group));
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #name(): string {
    return this.#folder
      .split("/")
      .at(-1)!
      .replaceAll(/[^a-z0-9-]/gi, "x");
  }

  #entering(): readonly string[] {
    const leader = this.#leader();
    if (leader === undefined) throw new Error("expected a container that runs, got none");
    return ["--target", leader, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--"];
  }

  /** The container's first process, by its id here. */
  #leader(): string | undefined {
    const pid = this.#nspawn?.pid;
    try {
      return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0] || undefined;
    } catch {
      return undefined;
    }
  }
}

function rmdirIfThere(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Gone, or in use by what is ending.
  }
}
