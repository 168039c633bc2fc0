import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** Where every instance finds it. */
export const METADATA_SERVICE = "100.100.100.200";

export interface Told {
  readonly cloudUrl: string;
  readonly packageUrl: string;
  /** What CloudMonitor has of this machine. */
  readonly points: readonly {
    readonly metricName: string;
    readonly dimensions: string;
    readonly timeMs: number;
  }[];
}

const CHILD = join(import.meta.dirname, "neighbourhood-child.ts");

/** The network of one machine with all that it can reach; it ends with this process. */
export class Neighbourhood implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** As it was when it came up. */
  readonly told: Told;

  private constructor(child: ChildProcess, told: Told) {
    this.#child = child;
    this.told = told;
  }

  /** @param packageFile what is fetched from `packageUrl`. */
  static async around(instanceId: string, packageFile: string): Promise<Neighbourhood> {
    const child = spawn("unshare", ["--net", process.execPath, CHILD, instanceId, packageFile], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    return new Neighbourhood(child, await answerOf(child));
  }

  /** The process that holds its network. */
  get pid(): number {
    return this.#child.pid!;
  }

  async ask(): Promise<Told> {
    const answer = answerOf(this.#child);
    this.#child.send("tell");
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.disconnect();
    await exited;
  }
}

async function answerOf(child: ChildProcess): Promise<Told> {
  const listening = new AbortController();
  try {
    const [what] = (await Promise.race([
      once(child, "message", listening),
      once(child, "exit", listening).then(() => [undefined]),
    ])) as [Told | undefined];
    if (!what) throw new Error("expected the machine's neighbourhood to answer, but it ended");
    return what;
  } finally {
    listening.abort();
  }
}
