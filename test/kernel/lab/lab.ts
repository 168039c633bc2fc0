import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { type CpuGrowth, growthBetween, readCounters } from "./counters.ts";
import { Guard } from "./guard.ts";
import { Load, type LoadSettings } from "./load.ts";
import { Namespace } from "./namespace.ts";
import { type Finished, finish, run, type RunOptions } from "./shell.ts";
import { viewCommand, type ViewOptions } from "./view.ts";

/** Addresses of RFC 2544's range for benchmarks: nobody's, and routed nowhere. */
const SENDER = "198.18.0.1";
const RECEIVER = "198.18.0.2";
/** A unicast address that no interface has: a bridge sends such frames out of all its ports. */
const NOBODY = "02:00:00:00:00:99";

/** The load's CPU, and the one that receives: the faults need both. */
export const SENDING_CPU = 0;
export const RECEIVING_CPU = 1;
export const RECEIVING_CPU_MASK = "2";
export const BOTH_CPUS_MASK = "3";

/** Rules that match nothing, walked for every packet: what a large firewall costs, in portions of about a microsecond. */
const RULES_IN_A_STEP = 64;

/** What the product may change too: each is put back to what it was, and starts at the kernel's default. */
const DEFAULT_SYSCTLS = {
  netdev_max_backlog: "1000",
  netdev_budget: "300",
  netdev_budget_usecs: undefined,
  dev_weight: "64",
  flow_limit_cpu_bitmap: "0",
  rps_sock_flow_entries: "0",
} as const;

export type SysctlName = keyof typeof DEFAULT_SYSCTLS;

/** Two network namespaces, `softnet-a` that sends and `softnet-b` that receives, and what lies between them. */
export class Lab {
  readonly guard: Guard;
  readonly sender: Namespace;
  readonly receiver: Namespace;
  readonly #others: Namespace[] = [];
  readonly #loads: Load[] = [];
  /** The receiver's interfaces, each with its peer and where that is. */
  readonly #arrivals: [Namespace, string, string][] = [];

  private constructor(guard: Guard, sender: Namespace, receiver: Namespace) {
    this.guard = guard;
    this.sender = sender;
    this.receiver = receiver;
  }

  /** Sets up a lab, hands it to `work`, and takes it down whatever becomes of that. */
  static async during<T>(work: (lab: Lab) => Promise<T>): Promise<T> {
    const guard = await Guard.start();
    let lab: Lab | undefined;
    try {
      await setDefaults(guard);
      lab = new Lab(
        guard,
        await Namespace.create(guard, "softnet-a"),
        await Namespace.create(guard, "softnet-b"),
      );
      return await work(lab);
    } finally {
      if (lab) await lab.#endProcesses();
      await guard.undoAll();
    }
  }

  /** One veth pair: what is sent on `softnet-a0` arrives on `softnet-b0`. */
  async connectDirectly(): Promise<void> {
    await this.#addVeth(this.sender, "softnet-a0", this.receiver, "softnet-b0");
    await this.#addSenderRoute(this.receiver.read("softnet-b0/address"));
    await this.#dropOnArrival();
  }

  /**
   * A bridge in between, which CPU 1 forwards in softirq. So packets reach `softnet-b0` as from a NIC whose interrupt is
   * on CPU 1, and not in the sender's own system call. With several outputs each of them gets every packet.
   */
  async connectThroughBridge(outputs = 1): Promise<void> {
    const bridge = await Namespace.create(this.guard, "softnet-m");
    this.#others.push(bridge);
    await bridge.run("ip", ["link", "add", "bridge", "type", "bridge", "mcast_snooping", "0"]);
    await this.#addVeth(this.sender, "softnet-a0", bridge, "softnet-m");
    for (let i = 0; i < outputs; i++) {
      await this.#addVeth(bridge, `softnet-m${i}`, this.receiver, `softnet-b${i}`);
    }
    const ports = ["softnet-m", ...Array.from({ length: outputs }, (_, i) => `softnet-m${i}`)];
    for (const port of ports) {
      await bridge.run("ip", ["link", "set", port, "master", "bridge"]);
      await bridge.run("bridge", ["link", "set", "dev", port, "learning", "off"]);
    }
    await bridge.run("ip", ["link", "set", "bridge", "up"]);
    bridge.write("softnet-m/queues/rx-0/rps_cpus", RECEIVING_CPU_MASK);
    await this.#addSenderRoute(outputs === 1 ? this.receiver.read("softnet-b0/address") : NOBODY);
    await this.#dropOnArrival();
  }

  /** Ended with the lab; silent until told a pace. */
  async startLoad(settings: Partial<LoadSettings> = {}): Promise<Load> {
    const load = await Load.start({
      namespace: this.sender.name,
      interface: "softnet-a0",
      to: RECEIVER,
      seconds: 180,
      cpu: SENDING_CPU,
      ...settings,
    });
    this.#loads.push(load);
    return load;
  }

  /** Sets the mask of every rx queue of the receiver's interface. */
  steerTo(mask: string, device = "softnet-b0"): void {
    for (const queue of this.receiver.list(`${device}/queues`)) {
      if (queue.startsWith("rx-")) this.receiver.write(`${device}/queues/${queue}/rps_cpus`, mask);
    }
  }

  /**
   * Lets the receiver's interfaces poll their packets, each in a NAPI of its own, so that they pass the backlog by. A veth
   * does so where it may merge packets (GRO) and its peer does not send merged ones anyway (TSO).
   */
  async useNapi(): Promise<void> {
    for (const [namespace, device, peer] of this.#arrivals) {
      await namespace.run("ethtool", ["--features", peer, "tso", "off"]);
      await this.receiver.run("ethtool", ["--features", device, "gro", "on"]);
    }
  }

  /** A send of many datagrams stays one packet as long as the device claims that it will cut it. */
  async cutSendsInSoftware(): Promise<void> {
    const off = ["tx-udp-segmentation", "off", "generic-segmentation-offload", "off"];
    await this.sender.run("ethtool", ["--features", "softnet-a0", ...off]);
  }

  /** Makes the receiver walk so many portions of firewall rules for each packet. */
  async setWork(steps: number): Promise<void> {
    const jumps = "add rule inet lab work jump step\n".repeat(steps);
    await this.receiver.run("nft", ["-f", "-"], `flush chain inet lab work\n${jumps}`);
  }

  /** @see DEFAULT_SYSCTLS: these alone are put back. */
  setSysctl(name: SysctlName, value: string): void {
    writeFileSync(sysctlPath(name), value);
  }

  /** Packets that the receiver's interface let in, and that it lost, since it was made. */
  received(device = "softnet-b0"): { readonly packets: number; readonly dropped: number } {
    return {
      packets: Number(this.receiver.read(`${device}/statistics/rx_packets`)),
      dropped: Number(this.receiver.read(`${device}/statistics/rx_dropped`)),
    };
  }

  /** Waits until no packet is left in a backlog, or one measurement would count the drops of the one before. */
  async settle(): Promise<void> {
    for (let i = 0; i < 100 && readCounters().some(({ backlog }) => backlog > 0); i++) await sleep(50);
  }

  async measure(seconds: number): Promise<readonly CpuGrowth[]> {
    const before = readCounters();
    await sleep(seconds * 1000);
    return growthBetween(before, readCounters());
  }

  /** Runs a command to its end that sees this machine's sysctls and the receiver's interfaces only. */
  async finishInView(
    command: string,
    args: readonly string[],
    options: RunOptions & ViewOptions = {},
  ): Promise<Finished> {
    const view = viewCommand(this.receiver.name, command, args, options);
    return finish(view.command, view.args, options);
  }

  async #endProcesses(): Promise<void> {
    for (const load of this.#loads) await load.end();
    await this.settle();
    for (const namespace of [this.sender, this.receiver, ...this.#others]) await namespace.end();
  }

  async #addVeth(from: Namespace, fromDevice: string, to: Namespace, toDevice: string): Promise<void> {
    const peer = ["peer", "name", toDevice, "netns", to.name];
    await run("ip", ["link", "add", fromDevice, "netns", from.name, "type", "veth", ...peer]);
    if (to === this.receiver) this.#arrivals.push([from, toDevice, fromDevice]);
    await from.run("ip", ["link", "set", fromDevice, "up"]);
    await to.run("ip", ["link", "set", toDevice, "up"]);
  }

  /** With a fixed neighbour, since a question by ARP would be a packet of its own. */
  async #addSenderRoute(receiverMac: string): Promise<void> {
    await this.sender.run("ip", ["address", "add", `${SENDER}/24`, "dev", "softnet-a0"]);
    await this.receiver.run("ip", ["address", "add", `${RECEIVER}/24`, "dev", "softnet-b0"]);
    const neighbour = [RECEIVER, "lladdr", receiverMac, "dev", "softnet-a0", "nud", "permanent"];
    await this.sender.run("ip", ["neighbour", "replace", ...neighbour]);
  }

  /** Nobody listens, and a port that answers "unreachable" would double the traffic. */
  async #dropOnArrival(): Promise<void> {
    const rules = Array.from({ length: RULES_IN_A_STEP }, (_, i) => `ip saddr 192.0.2.${i + 1} accept`);
    await this.receiver.run(
      "nft",
      ["-f", "-"],
      `table inet lab {
        chain step { ${rules.join("; ")}; }
        chain work { }
        chain arrival { type filter hook prerouting priority raw; jump work; udp dport 9 drop; }
      }`,
    );
  }
}

function sysctlPath(name: SysctlName): string {
  return `/proc/sys/net/core/${name}`;
}

async function setDefaults(guard: Guard): Promise<void> {
  for (const [name, value] of Object.entries(DEFAULT_SYSCTLS)) {
    const path = sysctlPath(name as SysctlName);
    await guard.undoWith(`echo '${readFileSync(path, "utf8").trim()}' > ${path}`);
    if (value !== undefined) writeFileSync(path, value);
  }
}
