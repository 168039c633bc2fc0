import { copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { run } from "../../kernel/lab/shell.ts";
import type { Kernel } from "./kernel.ts";

/** Beside what Debian builds into its kernel. Those they depend on come along. */
const MODULES = [
  "virtio_pci", // finds the virtio devices below
  "virtio_console", // the port of agent.sh
  "9pnet_virtio", // with 9p the machine's root
  "9p",
  "overlay", // the layer above it that can be written
  "virtio_net", // the NIC
  "veth", // an interface whose masks are written
];

const SCRIPTS = ["init.sh", "agent.sh"];

/**
 * Builds the first root of a guest, of busybox and the modules that lead to the real one.
 *
 * @param folder an existing one to build it in, which is not kept.
 * @returns the path of the archive.
 */
export async function buildInitramfs(kernel: Kernel, folder: string): Promise<string> {
  const tree = join(folder, "initramfs");
  const modules = join(tree, "lib/modules", kernel.release);
  for (const name of ["bin", "proc", "sys", "dev", "machine", "layer", "root"]) {
    mkdirSync(join(tree, name), { recursive: true });
  }
  copyFileSync("/bin/busybox", join(tree, "bin/busybox"));
  for (const name of SCRIPTS) copyFileSync(join(import.meta.dirname, name), join(tree, name));
  for (const path of modulesWithDependencies(kernel)) {
    mkdirSync(dirname(join(modules, path)), { recursive: true });
    copyFileSync(join(kernel.modules, path), join(modules, path));
  }
  await run("busybox", ["depmod", "-b", tree, kernel.release]);
  writeFileSync(join(tree, "modules"), MODULES.map((name) => `${name}\n`).join(""));

  const archive = join(folder, "initramfs.cpio");
  const names = globSync("**", { cwd: tree }).join("\n");
  await run("busybox", ["cpio", "-o", "-H", "newc", "-F", archive], { cwd: tree, input: `${names}\n` });
  rmSync(tree, { recursive: true });
  return archive;
}

/** Paths below the kernel's modules. */
function modulesWithDependencies(kernel: Kernel): ReadonlySet<string> {
  const rows = readFileSync(join(kernel.modules, "modules.dep"), "utf8").trim().split("\n");
  const rowOf = new Map(rows.map((row) => [/([^/]+)\.ko/.exec(row)![1]!.replaceAll("-", "_"), row]));
  return new Set(
    MODULES.flatMap((name) => {
      const row = rowOf.get(name);
      if (row === undefined) throw new Error(`${kernel.release}: expected the module ${name}, got none`);
      return row.replace(":", "").trim().split(" ");
    }),
  );
}
