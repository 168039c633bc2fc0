import type { CpuMask } from "./cpu-mask.ts";

/** How a host is set up to receive packets. Absent is absent: a file the host does not show is undefined, never zero. */
export interface HostSettings {
  readonly hostname: string | undefined;
  /** As uname prints it. Names the kernel to people and decides nothing: distributions carry features back. */
  readonly kernelRelease: string | undefined;
  readonly sysctls: NetSysctls;
  readonly cpus: CpuSets;
  /** `/sys/class/net` of the reader's own network namespace, by name. */
  readonly interfaces: readonly InterfaceSettings[];
  /** MemAvailable. */
  readonly memoryAvailableBytes: number | undefined;
  /**
   * Counters without the `netdev_*` sysctls: a container in its own network namespace, which sees the losses of the whole
   * machine and can change none of its settings.
   */
  readonly inOwnNetworkNamespace: boolean;
}

/** `net.core.*`, in the kernel's spelling and units. */
export interface NetSysctls {
  /** Packets a CPU; −1 is unlimited. */
  readonly netdevMaxBacklog: number | undefined;
  /** Packets a pass. */
  readonly netdevBudget: number | undefined;
  /** Microseconds a pass; since Linux 4.12. */
  readonly netdevBudgetUsecs: number | undefined;
  readonly devWeight: number | undefined;
  readonly flowLimitCpuBitmap: CpuMask | undefined;
  readonly rpsSockFlowEntries: number | undefined;
  readonly rpsDefaultMask: CpuMask | undefined;
}

export interface CpuSets {
  /** The highest possible CPU + 1 (nr_cpu_ids): the bound of every mask. Undefined where the host does not show it. */
  readonly possible: number | undefined;
  /** Ascending. */
  readonly online: readonly number[] | undefined;
  /** Left out of masks by the kernel, silently. */
  readonly isolated: readonly number[] | undefined;
  /** The CPUs of each NUMA node, by its number; empty where there are no nodes. */
  readonly ofNode: Readonly<Record<number, readonly number[]>>;
}

/** `nic` has a device behind it; every other kind exists in software only. */
export type InterfaceKind = "nic" | "loopback" | "veth" | "bridge" | "tunnel" | "vlan" | "bond" | "virtual";

export interface InterfaceSettings {
  readonly name: string;
  readonly kind: InterfaceKind;
  /** Of the device, such as `virtio_net`; undefined for what has none. */
  readonly driver: string | undefined;
  /** `up`, `down`, …; lo and tunnels say `unknown`. */
  readonly operstate: string | undefined;
  /** Undefined where unknown: virtio says −1. */
  readonly speedMbps: number | undefined;
  readonly numaNode: number | undefined;
  /** By the queue's number. */
  readonly rxQueues: readonly RxQueue[];
  readonly txQueues: readonly TxQueue[];
  /** Threaded NAPI: its polls are not softirqs and never squeeze. */
  readonly threaded: boolean | undefined;
  /** Interrupts of its device, by number; empty where they cannot be told. */
  readonly irqs: readonly NicIrq[];
}

export interface RxQueue {
  readonly index: number;
  /** Undefined on kernels without CONFIG_RPS; zero is RPS off. */
  readonly rpsCpus: CpuMask | undefined;
  readonly rpsFlowCnt: number | undefined;
}

export interface TxQueue {
  readonly index: number;
  readonly xpsCpus: CpuMask | undefined;
}

export interface NicIrq {
  readonly irq: number;
  /** As `/proc/interrupts` names it: `virtio2-input.0`, `eth0-TxRx-3`. */
  readonly name: string | undefined;
  /** The CPUs that may take it, or the one that does where the kernel says so. */
  readonly cpus: readonly number[] | undefined;
}
