import { spawnSync } from "node:child_process";

import { skipWithout } from "./needs.ts";

/** Said before the first guest. */
export const BOOT_TESTS_NOTICE =
  "The guests are emulated by qemu, one after the other, and see this machine's files without being able to change them. " +
  "Their kernel is Debian's; it is fetched by apt into .cache/boot, 400 MB, and not installed.";

/** For node:test's `skip` option: false where guests can be booted, else why not. */
export function skipWithoutGuests(): string | false {
  if (process.arch !== "x64") return "the guests are x86_64, as this machine would have to be";
  const without = skipWithout("apt-get", "dpkg-deb", "qemu-system-x86_64", "busybox", "ip", "setpriv");
  if (without !== false) return without;
  const { status } = spawnSync("apt-cache", ["show", "linux-image-amd64"], { stdio: "ignore" });
  return status === 0 ? false : "apt knows no linux-image-amd64, Debian's kernel (apt-get update)";
}
