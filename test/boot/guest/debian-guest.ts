import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { run } from "../../kernel/lab/shell.ts";
import { Guest, qemuCommand, withGuests } from "./guest.ts";
import { Qmp } from "./qmp.ts";
import { makeRootImage, type RootImage } from "./root-image.ts";

export interface Nic {
  /** As qemu's, of its monitor and its devices. */
  readonly id: string;
  readonly mac: string;
  /** Receive queues that it can have. */
  readonly queues: number;
}

export interface DebianSettings {
  readonly cpus: number;
  /** On cables to nowhere. */
  readonly nics: readonly Nic[];
  /** Are plugged in later. */
  readonly spareNics?: readonly Nic[];
  /** A folder that the guest has under /mnt, and cannot change. */
  readonly files?: string;
  /** It is an instance of Alibaba Cloud, where these ports of the metadata service's address lead to ports of this machine. */
  readonly cloud?: ReadonlyMap<number, number>;
}

/** From power on to power off. It comes up in half a minute where nothing else runs. */
const BOOT_WITHIN_SECONDS = 600;
const MEGABYTES = 768;

/** Where every instance finds it. */
export const METADATA_SERVICE = "100.100.100.200";

/** An emulated Debian of systemd and udev, whose disk outlives its boots. */
export class DebianMachine {
  readonly #t: TestContext;
  readonly #settings: DebianSettings;
  readonly #image: RootImage;
  readonly #folder: string;

  private constructor(t: TestContext, settings: DebianSettings, image: RootImage, folder: string) {
    this.#t = t;
    this.#settings = settings;
    this.#image = image;
    this.#folder = folder;
  }

  /** Hands over a machine with a new disk, which nobody has booted yet. When a boot is lost, all of it is done once more. */
  static async during<T>(
    t: TestContext,
    settings: DebianSettings,
    work: (machine: DebianMachine) => Promise<T>,
  ): Promise<T> {
    return withGuests(t, async () => {
      const folder = mkdtempSync(join(tmpdir(), "softnet-machine-"));
      try {
        const image = await makeRootImage(folder);
        if (settings.files !== undefined) {
          // Large enough for a Node.
          await run("mke2fs", ["-q", "-t", "ext4", "-d", settings.files, join(folder, "files"), "400M"]);
        }
        return await work(new DebianMachine(t, settings, image, folder));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }

  /** From power on to power off: a reboot from within hangs now and then where CPUs are emulated. */
  async boot(
    kernelArguments: readonly string[],
    work: (guest: Guest, plug: Plug) => Promise<void>,
  ): Promise<void> {
    const { nics, spareNics = [], cpus, cloud, files } = this.#settings;
    const consoleFile = join(this.#folder, "console");
    const monitor = join(this.#folder, "monitor");
    rmSync(monitor, { force: true });
    const allNics = [...nics, ...spareNics];
    const drive = (file: string, options: string): readonly string[] => [
      "-drive",
      `file=${file},if=virtio,format=raw,${options}`,
    ];
    const qemu = [
      qemuCommand(
        { cpus: String(cpus), megabytes: MEGABYTES, consoleFile },
        {
          image: this.#image.kernel,
          initramfs: this.#image.initramfs,
          arguments: ["root=/dev/vda", "rw", ...kernelArguments],
        },
      ),
      // What a power cut would lose may be lost: a guest that is not powered off well is not booted again.
      drive(this.#image.disk, "cache=unsafe"),
      files === undefined ? [] : drive(join(this.#folder, "files"), "readonly=on"),
      ["-qmp", `unix:${monitor},server=on,wait=off`],
      allNics.flatMap(({ id }, i) => ["-device", `pcie-root-port,id=port-${id},chassis=${i + 1}`]),
      nics.flatMap((nic) => ["-netdev", optionsOf(cable(nic)), "-device", optionsOf(device(nic))]),
      cloud === undefined ? [] : cloudDevices(cloud),
    ].flat();
    // More queues than one take a tap each, in a network namespace that ends with qemu. Qemu speaks to what it starts for a connection over lo.
    const taps = allNics.map(
      ({ id, queues }) => `ip tuntap add dev ${id} mode tap ${queues > 1 ? "multi_queue" : ""};`,
    );
    const command = [
      "unshare",
      "--net",
      "sh",
      "-ec",
      `ip link set lo up; ${taps.join(" ")} exec "$@"`,
      "sh",
      ...qemu,
    ];
    const title = `${this.#image.title} with ${cpus} CPUs`;
    const start = { command, consoleFile, withinSeconds: BOOT_WITHIN_SECONDS };
    await Guest.during(this.#t, title, start, async (guest) => {
      if (files !== undefined) await guest.run("mount -o ro /dev/vdb /mnt");
      await guest.finish("systemctl is-system-running --wait"); // Its exit code says how well it runs.
      const qmp = await Qmp.connect(monitor);
      try {
        await work(guest, new Plug(qmp));
        await guest.powerOff();
      } finally {
        qmp.close();
      }
    });
  }
}

/** Plugs NICs in and out while the guest runs. */
export class Plug {
  readonly #qmp: Qmp;

  constructor(qmp: Qmp) {
    this.#qmp = qmp;
  }

  async in(nic: Nic): Promise<void> {
    await this.#qmp.execute("netdev_add", cable(nic));
    await this.#qmp.execute("device_add", device(nic));
  }

  /** Waits until the guest has let go of it. */
  async out({ id }: Nic): Promise<void> {
    await this.#qmp.execute("device_del", { id });
    await this.#qmp.event("DEVICE_DELETED");
    await this.#qmp.execute("netdev_del", { id: `cable-${id}` });
  }
}

/** What the metadata service's address answers to; nothing else is reached through this NIC. */
function cloudDevices(ports: ReadonlyMap<number, number>): readonly string[] {
  // Each connection is a process, back in the network that we are in.
  const forwards = [...ports].map(
    ([port, here]) =>
      `guestfwd=tcp:${METADATA_SERVICE}:${port}-cmd:nsenter --net=/proc/${process.pid}/ns/net busybox nc 127.0.0.1 ${here}`,
  );
  const network = "net=100.100.100.0/24,dhcpstart=100.100.100.10,ipv6=off,restrict=on";
  return [
    ["-smbios", "type=1,manufacturer=Alibaba Cloud,product=Alibaba Cloud ECS"],
    ["-netdev", ["user,id=cloud", network, ...forwards].join(",")],
    ["-device", "virtio-net-pci,netdev=cloud,mac=52:54:00:00:00:0a,romfile="],
  ].flat();
}

function cable({ id, queues }: Nic): Record<string, string | number | boolean> {
  return {
    type: "tap",
    id: `cable-${id}`,
    ifname: id,
    script: "no",
    downscript: "no",
    vhost: false,
    ...(queues > 1 ? { queues } : {}),
  };
}

function device({ id, mac, queues }: Nic): Record<string, string | number | boolean> {
  return {
    driver: "virtio-net-pci",
    id,
    netdev: `cable-${id}`,
    bus: `port-${id}`,
    mac,
    romfile: "",
    // An interrupt for each direction of each queue, for its configuration and for its control.
    ...(queues > 1 ? { mq: true, vectors: 2 * queues + 2 } : {}),
  };
}

/** As the command line takes what the monitor takes as JSON. */
function optionsOf(settings: Record<string, string | number | boolean>): string {
  return Object.entries(settings)
    .map(([key, value]) => {
      const text = typeof value === "boolean" ? (value ? "on" : "off") : value;
      return key === "type" || key === "driver" ? `${text}` : `${key}=${text}`;
    })
    .join(",");
}
