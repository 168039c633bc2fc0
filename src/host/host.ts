/**
 * The one thing every reader takes. There are two: a machine (this one, or the tree below `--root`) and a capture.
 *
 * Paths are absolute as on the machine (`/proc/net/softnet_stat`). What is absent is `undefined` or an empty list, never an
 * error: a container, an old kernel and a capture all lack files.
 */
export interface Host {
  /** The whole file, or undefined where it does not exist or may not be read. */
  read(path: string): Uint8Array | undefined;
  /** The names in a directory, sorted; empty where it does not exist. */
  list(dir: string): readonly string[];
  /** Where a file lies for whoever is told of it, as below `--root`; without it, at its path. */
  locate?(path: string): string;
}

/** What a complaint calls a file. */
export function placeOf(host: Host, path: string): string {
  return host.locate?.(path) ?? path;
}

/** Whether the directory above has this name, be it that nobody may read it, or that a link leads nowhere. */
export function isListed(host: Host, path: string): boolean {
  const slash = path.lastIndexOf("/");
  return host.list(path.slice(0, slash)).includes(path.slice(slash + 1));
}

const decoder = new TextDecoder("utf-8");

export function readText(host: Host, path: string): string | undefined {
  const bytes = host.read(path);
  return bytes && decoder.decode(bytes);
}

/** A file of one line, as most of `/proc/sys` and `/sys` are: its text without the line's end. */
export function readLine(host: Host, path: string): string | undefined {
  return readText(host, path)?.trim();
}

/** A file that holds one decimal number; undefined where it is absent or holds anything else. */
export function readInteger(host: Host, path: string): number | undefined {
  const text = readLine(host, path);
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}
