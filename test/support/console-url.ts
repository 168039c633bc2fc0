import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** Where an agent says that its console listens. @throws Error when it ends without a word of it. */
export async function consoleUrlOf(stdout: Readable): Promise<string> {
  for await (const line of createInterface({ input: stdout })) {
    const [, url] = /^console +(http:\S+)$/.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error("expected a line of where the console is, got none");
}
