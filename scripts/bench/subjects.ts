import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { cpuMilliseconds, type Memory, memoryOf } from "./process-cost.ts";

const LONGEST_START_MS = 20_000;

export interface SubjectSettings {
  readonly name: string;
  /** Which host it reads, as the tables call it. */
  readonly host: string;
  /** How many CPUs that has. */
  readonly cpus: number;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Where its port is, if it has `/metrics` that tell of its first sample. */
  readonly port?: number;
  /** node_exporter reads the counters when it is asked to; the agent does so by itself. */
  readonly samplesWhenScraped?: true;
}

/** A process whose cost is measured. */
export class Subject {
  readonly name: string;
  readonly host: string;
  /** From the start of the process to the first time that it showed every CPU's counters; undefined where it shows none. */
  readonly firstSampleMs: number | undefined;
  readonly #process: ChildProcess;
  readonly #scraping: NodeJS.Timeout | undefined;
  #cpuAtStart = 0;
  #startedAt = 0;

  private constructor(settings: SubjectSettings, process: ChildProcess, firstSampleMs: number | undefined) {
    this.name = settings.name;
    this.host = settings.host;
    this.#process = process;
    this.firstSampleMs = firstSampleMs;
    const { port, samplesWhenScraped } = settings;
    if (samplesWhenScraped && port !== undefined) {
      this.#scraping = setInterval(() => void rowsAt(port).catch(() => {}), 1000);
    }
  }

  static async start(settings: SubjectSettings): Promise<Subject> {
    const { name, cpus, command, args, env, port } = settings;
    const startedAt = performance.now();
    const child = spawn(command, args, {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, ...env },
    });
    await once(child, "spawn");
    if (port === undefined) return new Subject(settings, child, undefined);
    while ((await rowsAt(port).catch(() => 0)) !== cpus) {
      const waitedMs = performance.now() - startedAt;
      if (child.exitCode !== null || waitedMs > LONGEST_START_MS) {
        child.kill("SIGKILL");
        throw new Error(`${name} took no sample of ${cpus} CPUs`);
      }
      await sleep(2);
    }
    return new Subject(settings, child, performance.now() - startedAt);
  }

  startMeasuring(): void {
    if (this.#process.exitCode !== null) throw new Error(`${this.name} on ${this.host} ended by itself`);
    this.#startedAt = performance.now();
    this.#cpuAtStart = cpuMilliseconds(this.#process.pid!);
  }

  /** CPU time since the measurement began. */
  millisecondsOfCpu(): number {
    return cpuMilliseconds(this.#process.pid!) - this.#cpuAtStart;
  }

  /** CPU time for each second of the measurement, which is what a sample costs all in all. */
  millisecondsPerSecond(): number {
    return (this.millisecondsOfCpu() * 1000) / (performance.now() - this.#startedAt);
  }

  memory(): Memory {
    return memoryOf(this.#process.pid!);
  }

  async end(): Promise<void> {
    clearInterval(this.#scraping);
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await exited;
  }
}

/** How many CPUs a process on this port tells of. */
async function rowsAt(port: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const text = await answer.text();
  return text.match(/^node_softnet_processed_total\{/gm)?.length ?? 0;
}
