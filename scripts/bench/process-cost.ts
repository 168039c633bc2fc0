import { readdirSync, readFileSync } from "node:fs";

/** What a process has cost so far. */
export function cpuMilliseconds(pid: number): number {
  // Nanoseconds on a CPU, thread by thread: `stat` counts in ticks of 10 ms, and each is thirty samples of a cheap agent.
  const nanoseconds = readdirSync(`/proc/${pid}/task`)
    .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8"))
    .reduce((sum, text) => sum + Number(text.split(" ", 1)[0]), 0);
  return nanoseconds / 1e6;
}

export interface Memory {
  /** Resident; the binary's pages count in full. */
  readonly residentMb: number;
  /** Resident, pages that several processes map divided among them. */
  readonly proportionalMb: number;
  readonly privateMb: number;
}

export function memoryOf(pid: number): Memory {
  return memoryIn(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
}

/** What a file smaps_rollup says. */
export function memoryIn(text: string): Memory {
  const megabytes = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(text)?.[1] ?? Number.NaN) / 1024;
  return {
    residentMb: megabytes("Rss"),
    proportionalMb: megabytes("Pss"),
    privateMb: megabytes("Private_Clean") + megabytes("Private_Dirty"),
  };
}
