import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { Guest, qemuCommand, withGuests } from "./guest.ts";
import { buildInitramfs } from "./initramfs.ts";
import { debianKernel } from "./kernel.ts";

interface LeanSettings {
  /** As qemu's `-smp` takes it: `8`, or `2,maxcpus=104`. */
  readonly cpus: string;
  readonly kernelArguments?: readonly string[];
  readonly withinSeconds: number;
}

const MEGABYTES = 1536;

/**
 * A machine of its own kernel and of as many CPUs as asked for, on which this checkout lies under the same path. It has no systemd and no udev, and forgets
 * what is written on it.
 */
export async function duringLeanGuest<T>(
  t: TestContext,
  settings: LeanSettings,
  work: (guest: Guest) => Promise<T>,
): Promise<T> {
  const { cpus, kernelArguments = [], withinSeconds } = settings;
  const kernel = await debianKernel();
  return withGuests(t, async () => {
    const folder = mkdtempSync(join(tmpdir(), "softnet-guest-"));
    try {
      const consoleFile = join(folder, "console");
      const initramfs = await buildInitramfs(kernel, folder);
      const command = [
        qemuCommand(
          { cpus, megabytes: MEGABYTES, consoleFile },
          { image: kernel.image, initramfs, arguments: ["rdinit=/init.sh", ...kernelArguments] },
        ),
        ["-fsdev", "local,id=machine,path=/,security_model=none,readonly=on,multidevs=remap"],
        ["-device", "virtio-9p-pci,fsdev=machine,mount_tag=machine"],
        // A NIC as in the cloud, on a cable to nowhere.
        ["-netdev", "hubport,hubid=0,id=net", "-device", "virtio-net-pci,netdev=net"],
      ].flat();
      const title = `Linux ${kernel.release} with ${cpus} CPUs`;
      return await Guest.during(t, title, { command, consoleFile, withinSeconds }, work);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
