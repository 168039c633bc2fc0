import { spawnSync } from "node:child_process";

import { skipWithout, skipWithoutRoot } from "./needs.ts";

/** Said before the first guest. */
export const BOOT_TESTS_NOTICE =
  "The guests are emulated by qemu, one after the other, and see this machine's files without being able to change them. " +
  "Their kernel is Debian's; it is fetched by apt into .cache/boot, 400 MB, and not installed. " +
  "Containers have this machine's kernel, a network of their own, and systems of Debian 11 to 13, Ubuntu 22.04 and 24.04, which mmdebstrap makes in " +
  "~/.cache/softnet-agent/boot (or $XDG_CACHE_HOME), 1 GB; guests with systemd have one of 400 MB there.";

/** For node:test's `skip` option: false where guests can be booted, else why not. */
export function skipWithoutGuests(): string | false {
  if (process.arch !== "x64") return "the guests are x86_64, as this machine would have to be";
  const without = skipWithout("apt-get", "dpkg-deb", "qemu-system-x86_64", "busybox", "ip", "setpriv");
  if (without !== false) return without;
  const { status } = spawnSync("apt-cache", ["show", "linux-image-amd64"], { stdio: "ignore" });
  return status === 0 ? false : "apt knows no linux-image-amd64, Debian's kernel (apt-get update)";
}

/** The same for guests that have a Debian of their own. */
export function skipWithoutDebianGuests(): string | false {
  const without = skipWithoutGuests();
  if (without !== false) return without;
  return skipWithoutRoot() || skipWithout("mmdebstrap", "mke2fs", "mount", "nsenter", "unshare");
}

/** The same for containers, which have a system of their own and this machine's kernel. */
export function skipWithoutContainers(): string | false {
  if (process.arch !== "x64") return "the packages are for x86_64, as this machine would have to be";
  const without = skipWithoutRoot();
  if (without !== false) return without;
  return skipWithout(
    "mmdebstrap",
    "systemd-nspawn",
    "nsenter",
    "unshare",
    "setpriv",
    "ip",
    "strip",
    "dpkg-deb",
  );
}
