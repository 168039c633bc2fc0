import { copyFileSync, cpSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { run } from "../../kernel/lab/shell.ts";
import { debianHere, rootFolder } from "../container/root.ts";

/** What a guest of Debian's has, beside what is essential. */
const PACKAGES = [
  "linux-image-cloud-amd64",
  "initramfs-tools",
  "kmod",
  "systemd-sysv",
  "udev",
  "cloud-init",
  "iproute2",
  "ethtool",
  "procps",
  "curl",
];

/** Files of ours, laid over those of the packages. */
const OVERLAY = join(import.meta.dirname, "root");
const AGENT = join(import.meta.dirname, "agent.sh");

/** What would only take time at each boot. */
const MASKED_UNITS = [
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "dev-hugepages.mount",
  "dev-mqueue.mount",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "fstrim.timer",
  "getty.target",
  "modprobe@.service",
  "serial-getty@ttyS0.service",
  "sys-kernel-debug.mount",
  "sys-kernel-tracing.mount",
  "systemd-pstore.service",
];
/** By the target that starts them. */
const ENABLED_UNITS: readonly (readonly [string, string])[] = [
  ["multi-user.target", "systemd-networkd.service"],
  ["network-online.target", "systemd-networkd-wait-online.service"],
  ["multi-user.target", "softnet-test.service"],
  ["sockets.target", "softnet-test-cloud.socket"],
];

const MEGABYTES = 1700;

/** What a machine starts from. */
export interface RootImage {
  /** A sparse file that holds an ext4. */
  readonly disk: string;
  readonly kernel: string;
  readonly initramfs: string;
  /** For people. */
  readonly title: string;
}

/**
 * Makes the disk of a small Debian of this machine's own release, with systemd, udev and cloud-init.
 *
 * @param folder an existing one, for the disk.
 * @throws Error where mmdebstrap cannot make it.
 */
export async function makeRootImage(folder: string): Promise<RootImage> {
  const root = await rootFolder(await debianHere(PACKAGES));
  const disk = join(folder, "disk");
  const laidOver = join(folder, "laid-over");
  furnish(laidOver);
  for (const name of ["work", "merged"]) mkdirSync(join(folder, name));
  // The mount ends with this namespace. From a folder mke2fs needs no loop device.
  const script = `mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/laid-over,workdir=$2/work" "$2/merged"
    exec mke2fs -q -t ext4 -d "$2/merged" "$3" ${MEGABYTES}M`;
  await run("unshare", ["--mount", "sh", "-ec", script, "sh", root, folder, disk]);
  const booted = (name: string): string =>
    join(root, "boot", globSync(`${name}-*`, { cwd: join(root, "boot") })[0]!);
  return {
    disk,
    kernel: booted("vmlinuz"),
    initramfs: booted("initrd.img"),
    title: `Debian ${readFileSync(join(root, "etc/debian_version"), "utf8").trim()}`,
  };
}

function furnish(folder: string): void {
  cpSync(OVERLAY, folder, { recursive: true });
  mkdirSync(join(folder, "usr/lib/softnet-test"), { recursive: true });
  copyFileSync(AGENT, join(folder, "usr/lib/softnet-test/agent.sh"));
  const units = join(folder, "etc/systemd/system");
  mkdirSync(units, { recursive: true });
  for (const unit of MASKED_UNITS) symlinkSync("/dev/null", join(units, unit));
  for (const [target, unit] of ENABLED_UNITS) {
    mkdirSync(join(units, `${target}.wants`), { recursive: true });
    symlinkSync(`/usr/lib/systemd/system/${unit}`, join(units, `${target}.wants`, unit));
  }
  // mmdebstrap leaves this machine's.
  writeFileSync(join(folder, "etc/resolv.conf"), "");
}
