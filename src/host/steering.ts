import type { InterfaceKind, InterfaceSettings, RxQueue, TxQueue } from "../core/host-settings.ts";
import { type Host, readInteger, readLine, readText } from "./host.ts";
import { type Interrupt, readNetInterrupts, readNicIrqs } from "./interrupts.ts";
import { readCpuMask } from "./sysctl.ts";

const NET = "/sys/class/net";

/** Every interface of the reader's network namespace, by name. Queues come and go at run time: ask anew for each plan. */
export function readInterfaces(host: Host): readonly InterfaceSettings[] {
  // Beside interfaces, the directory may hold files such as `bonding_masters`.
  const names = host.list(NET).filter((name) => host.read(`${NET}/${name}/type`) !== undefined);
  const interrupts = readNetInterrupts(host);
  return names.map((name) => readInterface(host, name, interrupts));
}

function readInterface(
  host: Host,
  name: string,
  interrupts: ReadonlyMap<number, Interrupt> | undefined,
): InterfaceSettings {
  const dir = `${NET}/${name}`;
  const entries = host.list(dir);
  const isDevice = entries.includes("device");
  const deviceUevent = isDevice ? readText(host, `${dir}/device/uevent`) : undefined;
  const threaded = readInteger(host, `${dir}/threaded`);
  const speedMbps = notNegative(readInteger(host, `${dir}/speed`));
  return {
    name,
    kind: kindOfInterface({
      name,
      type: readInteger(host, `${dir}/type`),
      deviceType: ueventValue(readText(host, `${dir}/uevent`), "DEVTYPE"),
      hasDevice: isDevice,
      isTunTap: entries.includes("tun_flags"),
      hasLower: entries.some((entry) => entry.startsWith("lower_")),
      ifindex: readInteger(host, `${dir}/ifindex`),
      iflink: readInteger(host, `${dir}/iflink`),
      speedMbps,
    }),
    driver: ueventValue(deviceUevent, "DRIVER"),
    operstate: readLine(host, `${dir}/operstate`),
    speedMbps,
    numaNode: isDevice ? numaNodeOf(host, `${dir}/device`) : undefined,
    rxQueues: queueIndexes(host, name, "rx").map((index): RxQueue => {
      const queue = `${dir}/queues/rx-${index}`;
      return {
        index,
        rpsCpus: readCpuMask(host, `${queue}/rps_cpus`),
        rpsFlowCnt: readInteger(host, `${queue}/rps_flow_cnt`),
      };
    }),
    txQueues: queueIndexes(host, name, "tx").map((index): TxQueue => ({
      index,
      xpsCpus: readCpuMask(host, `${dir}/queues/tx-${index}/xps_cpus`),
    })),
    threaded: threaded === undefined ? undefined : threaded !== 0,
    irqs: isDevice ? readNicIrqs(host, name, interrupts) : [],
  };
}

/** A virtio NIC's own directory lies below that of its PCI function, which has the node. */
function numaNodeOf(host: Host, device: string): number | undefined {
  return notNegative(readInteger(host, `${device}/numa_node`) ?? readInteger(host, `${device}/../numa_node`));
}

/** What files tell about an interface; the driver of a virtual one is told by ethtool only. */
export interface InterfaceTraits {
  readonly name: string;
  /** ARPHRD_… of linux/if_arp.h. */
  readonly type: number | undefined;
  /** DEVTYPE of its uevent; a veth, a tap and a macvlan have none. */
  readonly deviceType: string | undefined;
  readonly hasDevice: boolean;
  readonly isTunTap: boolean;
  /** Stacked on another interface, as VLANs, bonds, bridges and macvlans are. */
  readonly hasLower: boolean;
  readonly ifindex: number | undefined;
  readonly iflink: number | undefined;
  readonly speedMbps: number | undefined;
}

export function kindOfInterface(traits: InterfaceTraits): InterfaceKind {
  const { type, deviceType } = traits;
  if (type === ARPHRD_LOOPBACK) return "loopback";
  if (traits.hasDevice) return "nic";
  if (deviceType === "bridge" || deviceType === "vlan" || deviceType === "bond") return deviceType;
  if (traits.isTunTap || TUNNEL_DEVICE_TYPES.has(deviceType ?? "") || TUNNEL_TYPES.has(type ?? 0)) {
    return "tunnel";
  }
  return deviceType === undefined && !traits.hasLower && looksLikeVeth(traits) ? "veth" : "virtual";
}

/**
 * A veth links to its other end; where that lies in another namespace, both may bear the same number, and the 10 Gbit/s that every veth
 * claims are left as the sign. dummy and ifb claim no speed.
 */
function looksLikeVeth({ name, ifindex, iflink, speedMbps }: InterfaceTraits): boolean {
  const hasOtherEnd = iflink !== undefined && iflink !== 0 && iflink !== ifindex;
  return hasOtherEnd || speedMbps === 10_000 || name.startsWith("veth");
}

const ARPHRD_LOOPBACK = 772;
const TUNNEL_DEVICE_TYPES: ReadonlySet<string> = new Set(["vxlan", "geneve", "wireguard", "bareudp", "gtp"]);
/** IPIP, IP6IP6, SIT, GRE, GRE over IPv6, and what has no link layer: tun. */
const TUNNEL_TYPES: ReadonlySet<number> = new Set([768, 769, 776, 778, 823, 65_534]);

function queueIndexes(host: Host, name: string, direction: "rx" | "tx"): readonly number[] {
  return host
    .list(`${NET}/${name}/queues`)
    .filter((queue) => queue.startsWith(`${direction}-`))
    .map((queue) => Number(queue.slice(3)))
    .sort((a, b) => a - b);
}

function ueventValue(text: string | undefined, key: string): string | undefined {
  return text
    ?.split("\n")
    .find((line) => line.startsWith(`${key}=`))
    ?.slice(key.length + 1);
}

/** virtio says −1 for its speed, a machine without NUMA −1 for the node: neither is known then. */
function notNegative(value: number | undefined): number | undefined {
  return value !== undefined && value >= 0 ? value : undefined;
}
