import { CAPTURE_FILES, type CaptureFile, patternOf } from "../core/capture-files.ts";
import type { Snapshot } from "./capture.ts";
import type { Host } from "./host.ts";

type Files = Snapshot["files"];

/**
 * Reads the files of a capture that exist here and say something.
 *
 * @param kinds the first snapshot of a capture holds all three, the last one all but the static ones, and those between the hot ones.
 */
export function takeFiles(host: Host, kinds: readonly CaptureFile["kind"][]): Files {
  const files = new Map<string, Uint8Array>();
  const irqs = networkIrqs(host);
  for (const file of CAPTURE_FILES) {
    if (!kinds.includes(file.kind)) continue;
    for (const path of pathsOf(host, file, irqs)) {
      const bytes = keptLines(host.read(path) ?? NOTHING, file, irqs);
      if (bytes.length > 0) files.set(path, bytes);
    }
  }
  return files;
}

/** Every existing path that a row of the table stands for, in the order of the names. */
function pathsOf(host: Host, file: CaptureFile, irqs: ReadonlySet<string>): readonly string[] {
  let paths = [""];
  for (const name of file.path.split("/").slice(1)) {
    if (!name.includes("*")) {
      paths = paths.map((dir) => `${dir}/${name}`);
      continue;
    }
    const pattern = patternOf(name);
    const isWanted = (found: string): boolean =>
      pattern.test(found) && (!file.networkIrqsOnly || irqs.size === 0 || irqs.has(found));
    paths = paths.flatMap((dir) =>
      host
        .list(dir)
        .filter(isWanted)
        .map((found) => `${dir}/${found}`),
    );
  }
  return paths;
}

/** Empty where the kernel does not tell, as with interrupts that are no message-signalled ones: then all are taken. */
function networkIrqs(host: Host): ReadonlySet<string> {
  const devices = host.list("/sys/class/net").map((name) => `/sys/class/net/${name}/device`);
  const dirs = devices.flatMap((device) => [`${device}/msi_irqs`, `${device}/../msi_irqs`]);
  return new Set(dirs.flatMap((dir) => host.list(dir)));
}

/** The lines the table wants, as a copy: a machine reuses the buffer of what it reads often. */
function keptLines(bytes: Uint8Array, file: CaptureFile, irqs: ReadonlySet<string>): Uint8Array {
  if (file.lines === undefined) return new Uint8Array(bytes);
  const wanted = new RegExp(file.lines);
  const kept: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline + 1;
    // A row of 256 CPUs is long, and its beginning decides.
    const beginning = decoder.decode(bytes.subarray(start, Math.min(end, start + 32)));
    if (wanted.test(beginning) && !(file.networkIrqsOnly && isForeignIrq(beginning, irqs))) {
      kept.push(bytes.subarray(start, end));
    }
    start = end;
  }
  return Buffer.concat(kept);
}

function isForeignIrq(line: string, irqs: ReadonlySet<string>): boolean {
  const irq = /^ *(\d+):/.exec(line)?.[1];
  return irq !== undefined && irqs.size > 0 && !irqs.has(irq);
}

const NOTHING = new Uint8Array();
const NEWLINE = 0x0a;
const decoder = new TextDecoder("latin1");
