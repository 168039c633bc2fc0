import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

import { run } from "./shell.ts";

const SOURCE = fileURLToPath(new URL("load.c", import.meta.url));
const BINARY = fileURLToPath(new URL("../bin/load", import.meta.url));

export interface LoadSettings {
  /** One of the lab's network namespaces: the sockets are opened there and nowhere else. */
  readonly namespace: string;
  readonly interface: string;
  readonly to: string;
  /** The load ends by itself after so long. */
  readonly seconds: number;
  /** Source ports, hence flows: RPS spreads flows and never splits one. */
  readonly flows?: number;
  readonly firstPort?: number;
  /** Datagrams that one send hands to the kernel in one piece (UDP GSO). */
  readonly segments?: number;
  readonly cpu?: number;
}

export interface Pace {
  /** Sends at a time. */
  readonly burst: number;
  readonly everyMicroseconds: number;
}

export interface Sent {
  readonly datagrams: number;
  readonly failed: number;
}

/** A running load generator; it is silent until told a pace. */
export class Load {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;

  private constructor(settings: LoadSettings) {
    this.#process = spawn(BINARY, flagsOf(settings), { stdio: ["pipe", "pipe", "inherit"] });
    this.#process.stdin.on("error", () => {}); // It has ended: the next answer says so.
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  static async start(settings: LoadSettings): Promise<Load> {
    await compile();
    const load = new Load(settings);
    const { value } = await load.#answers.next();
    if (value !== "ready") throw new Error(`The load generator did not start: ${value}`);
    return load;
  }

  async pace({ burst, everyMicroseconds }: Pace): Promise<Sent> {
    return this.#ask(`pace ${Math.round(burst)} ${Math.round(everyMicroseconds * 1000)}`);
  }

  async pause(): Promise<Sent> {
    return this.#ask("pace 0 0");
  }

  /** Sends so often without a break, and returns when the kernel has taken everything. */
  async send(count: number): Promise<Sent> {
    return this.#ask(`send ${count}`);
  }

  async report(): Promise<Sent> {
    return this.#ask("report");
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    this.#process.stdin.end();
    await exited;
  }

  async #ask(command: string): Promise<Sent> {
    this.#process.stdin.write(`${command}\n`);
    const { value } = await this.#answers.next();
    const answer = /^sent (\d+) failed (\d+)$/.exec(value ?? "");
    if (!answer) throw new Error(`The load generator ended at "${command}": ${value ?? "no answer"}`);
    return { datagrams: Number(answer[1]), failed: Number(answer[2]) };
  }
}

/** So many sends a second in small bursts, which is as even as a sender that sleeps in between can be. */
export function evenly(sendsPerSecond: number, burst: number): Pace {
  return { burst, everyMicroseconds: (burst * 1e6) / sendsPerSecond };
}

function flagsOf(settings: LoadSettings): string[] {
  const { flows = 1, firstPort = 20000, segments = 1, cpu } = settings;
  return [
    `--namespace=${settings.namespace}`,
    `--interface=${settings.interface}`,
    `--to=${settings.to}`,
    `--seconds=${settings.seconds}`,
    `--flows=${flows}`,
    `--first-port=${firstPort}`,
    `--segments=${segments}`,
    ...(cpu === undefined ? [] : [`--cpu=${cpu}`]),
  ];
}

async function compile(): Promise<void> {
  const source = statSync(SOURCE);
  const binary = statSync(BINARY, { throwIfNoEntry: false });
  if (binary && binary.mtimeMs > source.mtimeMs) return;
  mkdirSync(fileURLToPath(new URL("../bin", import.meta.url)), { recursive: true });
  await run("gcc", ["-O2", "-Wall", "-Wextra", "-Werror", "-o", BINARY, SOURCE]);
}
