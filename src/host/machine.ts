import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";

import { errorCodeOf } from "../errors.ts";
import type { Host } from "./host.ts";

/**
 * Read each second, so their descriptors stay open: a quarter of the cost of opening them anew (3 µs against 12 µs for
 * two CPUs). All are seq_files, which start over at offset 0.
 */
const KEPT_OPEN: ReadonlySet<string> = new Set(["/proc/net/softnet_stat", "/proc/stat"]);

/** What the kernel answers for what is not there, not for us, or has no value now, such as the speed of a link that is down. */
const ABSENT = new Set([
  "ENOENT",
  "ENOTDIR",
  "EISDIR",
  "ELOOP",
  "EACCES",
  "EPERM",
  "EINVAL",
  "EIO",
  "ENODEV",
  "ENXIO",
  "EOPNOTSUPP",
  "ESRCH",
]);

/** This machine, or the tree below `root` (a container's `/host`, a test's fixtures). */
export class Machine implements Host, Disposable {
  readonly root: string;
  readonly #descriptors = new Map<string, number>();
  #buffer = Buffer.allocUnsafe(16 * 1024);

  constructor(root = "/") {
    this.root = root;
  }

  /** Not `path.join`: it would shorten `device/..`, which leads through a symbolic link to another directory. */
  #below(path: string): string {
    return this.root + path;
  }

  /** A file kept open is returned in a buffer that the next read of this machine reuses. */
  read(path: string): Uint8Array | undefined {
    try {
      return KEPT_OPEN.has(path) ? this.#readKeptOpen(path) : readFileSync(this.#below(path));
    } catch (error) {
      if (ABSENT.has(errorCodeOf(error) ?? "")) return undefined;
      throw error;
    }
  }

  list(dir: string): readonly string[] {
    try {
      return readdirSync(this.#below(dir)).sort();
    } catch (error) {
      if (ABSENT.has(errorCodeOf(error) ?? "")) return [];
      throw error;
    }
  }

  locate(path: string): string {
    return join(this.root, path);
  }

  [Symbol.dispose](): void {
    for (const path of this.#descriptors.keys()) this.#forget(path);
  }

  #readKeptOpen(path: string): Uint8Array {
    let descriptor = this.#descriptors.get(path);
    if (descriptor === undefined) {
      descriptor = openSync(this.#below(path), "r");
      this.#descriptors.set(path, descriptor);
      // The kernel's own files have no size. Any other, below --root, may be replaced by a new one of its name.
      if (fstatSync(descriptor).size > 0) {
        this.#forget(path);
        return readFileSync(this.#below(path));
      }
    }
    try {
      return this.#readToEnd(descriptor);
    } catch (error) {
      this.#forget(path); // The next sample opens it anew.
      throw error;
    }
  }

  /** One read of a seq_file returns at most a page, so loop until the kernel has nothing more. */
  #readToEnd(descriptor: number): Uint8Array {
    let length = 0;
    for (;;) {
      if (length === this.#buffer.length) {
        const larger = Buffer.allocUnsafe(this.#buffer.length * 2);
        this.#buffer.copy(larger);
        this.#buffer = larger;
      }
      const count = readSync(descriptor, this.#buffer, length, this.#buffer.length - length, length);
      if (count === 0) return this.#buffer.subarray(0, length);
      length += count;
    }
  }

  #forget(path: string): void {
    const descriptor = this.#descriptors.get(path);
    this.#descriptors.delete(path);
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
