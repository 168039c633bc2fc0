import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { skipWithout, skipWithoutRoot } from "../support/needs.ts";

/** The shells that the machines out there call `sh`. */
export const SHELLS = ["dash", "busybox sh", "bash"] as const;

export const skip = skipWithoutRoot() || skipWithout("unshare", "ip", "dash", "busybox", "bash");

/**
 * A place of its own: mounts, network and `/etc` are the caller's alone, and go with it. `/proc/sys/net/core` holds plain files, since the kernel's own are in the
 * initial network namespace only; `v0` has four receive queues of the kernel's.
 */
const PREPARE = `
set -eu
mount -t tmpfs tmpfs "$PLACE"
mkdir "$PLACE/state" "$PLACE/bin"
for dir in /etc /usr/local; do
  mkdir -p "$PLACE$dir/upper" "$PLACE$dir/work"
  mount -t overlay overlay -o "lowerdir=$dir,upperdir=$PLACE$dir/upper,workdir=$PLACE$dir/work" "$dir"
done
rm -rf /etc/sysctl.d /etc/udev /usr/local/sbin /etc/systemd/system
mkdir -p /etc/sysctl.d /etc/udev/rules.d /usr/local/sbin /etc/systemd/system
mount -t tmpfs tmpfs /proc/sys/net/core
echo 1000 > /proc/sys/net/core/netdev_max_backlog
echo 300 > /proc/sys/net/core/netdev_budget
echo 8000 > /proc/sys/net/core/netdev_budget_usecs
mount -t sysfs sysfs /sys
ip link add v0 numrxqueues 4 numtxqueues 4 type veth peer name v1
export SOFTNET_REMEDY_DIR="$PLACE/state/softnet-remedy"
conf=/etc/sysctl.d/99-network-tuning.conf
backlog=/proc/sys/net/core/netdev_max_backlog
masks=/sys/class/net/v0/queues

snapshot() { # everything that undo must bring back, each on a line
  cat /proc/sys/net/core/*
  for queue in $masks/rx-*; do echo "$queue $(cat "$queue/rps_cpus")"; done
  find /etc/sysctl.d /etc/udev /etc/systemd /usr/local -printf '%p %y %m %U:%G %l\\n' | sort
  find /etc/sysctl.d /etc/udev /etc/systemd /usr/local -type f -exec cksum {} + | sort
}
expect() { # WHAT COMMAND...
  what=$1
  shift
  "$@" || { echo "EXPECTED $what: $*"; exit 1; }
}
set +e
`;

/** Runs bash in a sandbox, in which each of `files` is at `$PLACE/bin/NAME`. @returns what it printed. */
export async function inSandbox(script: string, files: Readonly<Record<string, string>>): Promise<string> {
  const place = mkdtempSync(join(tmpdir(), "softnet-sandbox-"));
  try {
    const copies = Object.entries(files).map(([name, content]) => {
      const marker = "END-OF-THE-FILE";
      return `cat > "$PLACE/bin/${name}" << '${marker}'\n${content}${marker}`;
    });
    const whole = join(place, "script");
    writeFileSync(whole, `${PREPARE}\n${copies.join("\n")}\n${script}\n`);
    // The script is read before its folder is covered by the sandbox's own.
    const args = ["--mount", "--net", "--propagation", "private", "bash", "-c", `. "$PLACE/script"`];
    const child = spawn("unshare", args, {
      env: { ...process.env, PLACE: place },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const exited = new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    });
    const [code, stdout, stderr] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
    if (code !== 0) throw new Error(`The sandbox ended with ${code}:\n${stdout}${stderr}`);
    return stdout;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
