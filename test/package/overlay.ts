import { spawnSync } from "node:child_process";

/** What `unshare` runs: everything of this machine, but what is written goes to memory and is gone with the process. */
const OVERLAY = `
mount -t tmpfs tmpfs /mnt
mkdir /mnt/given /mnt/upper /mnt/work /mnt/root
mount --bind "$1" /mnt/given
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
cd /mnt/root
mount --rbind /proc proc
mount --bind /dev dev
mount -t tmpfs tmpfs run # no systemd is at work
mount -t tmpfs tmpfs tmp
mount --bind /mnt/given mnt
exec chroot . sh -ec "$2"`;

/**
 * Runs a script as root on a copy of this machine's files that lasts as long as the script.
 *
 * @param folder seen as `/mnt`.
 */
export function runInOverlay(folder: string, script: string) {
  const args = ["--mount", "--propagation", "private", "sh", "-ec", OVERLAY, "sh", folder, script];
  const { status, stdout, stderr } = spawnSync("unshare", args, {
    encoding: "utf8",
    // A bash that has a socket for its input takes itself for a remote one, and reads root's .bashrc.
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  return { status, stdout, stderr };
}
