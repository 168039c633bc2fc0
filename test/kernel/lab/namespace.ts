import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

import type { Guard } from "./guard.ts";
import { run } from "./shell.ts";

/** A network namespace of the lab, with a process in it that keeps its `/sys` within reach of ours. */
export class Namespace {
  readonly name: string;
  readonly #holder: ChildProcessByStdio<Writable, Readable, null>;

  private constructor(name: string) {
    this.name = name;
    // A sysfs shows the interfaces of the namespace that mounted it, and `ip netns exec` mounts one.
    this.#holder = spawn("ip", ["netns", "exec", name, "sh", "-c", "echo here; exec cat"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
  }

  static async create(guard: Guard, name: string): Promise<Namespace> {
    // One that is there already was left by a lab whose guard was killed: we hold the lock.
    if (existsSync(`/run/netns/${name}`)) await run("ip", ["netns", "delete", name]);
    await guard.undoWith(`ip netns delete ${name}`);
    await run("ip", ["netns", "add", name]);
    const namespace = new Namespace(name);
    await once(namespace.#holder.stdout, "data");
    // No neighbour discovery, so that every packet in here is one of the load's.
    const ipv6 = "/proc/sys/net/ipv6/conf";
    await namespace.run("sh", [
      "-c",
      `[ ! -e ${ipv6} ] || echo 1 | tee ${ipv6}/all/disable_ipv6 ${ipv6}/default/disable_ipv6`,
    ]);
    await namespace.run("ip", ["link", "set", "lo", "up"]);
    return namespace;
  }

  async run(command: string, args: readonly string[], input?: string): Promise<string> {
    const options = input === undefined ? {} : { input };
    return run("ip", ["netns", "exec", this.name, command, ...args], options);
  }

  /** Below `/sys/class/net/` as this namespace sees it. */
  read(file: string): string {
    return readFileSync(join(this.#net, file), "utf8").trim();
  }

  write(file: string, value: string): void {
    writeFileSync(join(this.#net, file), value);
  }

  list(dir: string): readonly string[] {
    return readdirSync(join(this.#net, dir));
  }

  async end(): Promise<void> {
    const exited = once(this.#holder, "exit");
    this.#holder.stdin.end();
    await exited;
  }

  get #net(): string {
    return `/proc/${this.#holder.pid}/root/sys/class/net`;
  }
}
