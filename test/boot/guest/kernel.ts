import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { run } from "../../kernel/lab/shell.ts";

/** Unpacked kernels, 400 MB each. Git ignores it. */
const CACHE = fileURLToPath(new URL("../../../.cache/boot", import.meta.url));

/** Depends on the newest kernel of the release. Its sibling for clouds lacks 9p. */
const NEWEST_KERNEL = "linux-image-amd64";

export interface Kernel {
  /** What qemu loads. */
  readonly image: string;
  /** Holds the modules, `modules.dep` among them. */
  readonly modules: string;
  /** As uname prints it. */
  readonly release: string;
}

/**
 * Debian's kernel for guests: downloaded, unpacked and kept here, and not installed.
 *
 * @throws Error where apt knows no such package, or cannot fetch it.
 */
export async function debianKernel(): Promise<Kernel> {
  const depends = await run("apt-cache", ["depends", NEWEST_KERNEL]);
  const name = /^ *Depends: (linux-image-\d\S+)$/m.exec(depends)?.[1];
  if (name === undefined) {
    throw new Error(`apt-cache depends ${NEWEST_KERNEL}: expected a kernel, got ${depends.trim()}`);
  }
  const folder = join(CACHE, name);
  if (!existsSync(folder)) await unpack(name, folder);
  const [release] = readdirSync(join(folder, "lib/modules"));
  return {
    image: join(folder, `boot/vmlinuz-${release}`),
    modules: join(folder, "lib/modules", release!),
    release: release!,
  };
}

/** The folder appears whole or not at all. Older kernels leave the cache. */
async function unpack(name: string, folder: string): Promise<void> {
  rmSync(CACHE, { recursive: true, force: true });
  mkdirSync(CACHE, { recursive: true });
  const unfinished = mkdtempSync(join(CACHE, "unfinished-"));
  // As root, apt fetches as a user of its own who may not write here.
  await run("apt-get", ["download", "-q", "-o", "APT::Sandbox::User=", name], { cwd: unfinished });
  const [debianPackage] = globSync("*.deb", { cwd: unfinished });
  await run("dpkg-deb", ["--extract", debianPackage!, "."], { cwd: unfinished });
  rmSync(join(unfinished, debianPackage!));
  const [release] = readdirSync(join(unfinished, "lib/modules"));
  await run("busybox", ["depmod", "-b", unfinished, release!]);
  renameSync(unfinished, folder);
}
