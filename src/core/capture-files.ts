/**
 * Which files make a capture. The capture of a running host, the portable script and the reader of captures all go by this one
 * table; a reader of a new file adds a row here, or it finds nothing in a capture.
 */
export interface CaptureFile {
  /** As on the machine; `*` stands for any part of one name. Symbolic links count as directories. */
  readonly path: string;
  /**
   * `hot` is in each snapshot. `ends` changes too, but its growth over the whole time is enough: it is in the first and the last, which
   * keeps captures short and cheap. `static` is in the first only, and holds for all.
   */
  readonly kind: "hot" | "ends" | "static";
  /** Keeps the lines that begin so: a regular expression of the subset that JavaScript and `grep -E` share. */
  readonly lines?: string;
  /** Keeps what concerns the interrupts of network interfaces, where it is known which these are. */
  readonly networkIrqsOnly?: true;
}

export const CAPTURE_FILES: readonly CaptureFile[] = [
  // A container in its own network namespace lacks the netdev_* ones.
  ...files("static", "/proc/sys/net/core", [
    "netdev_max_backlog",
    "netdev_budget",
    "netdev_budget_usecs",
    "dev_weight",
    "flow_limit_cpu_bitmap",
    "flow_limit_table_len",
    "rps_sock_flow_entries",
    "rps_default_mask",
    // Every network namespace has it: with it alone, the netdev_* ones are not missing by accident.
    "somaxconn",
  ]),
  ...files("static", "/sys/devices/system/cpu", ["online", "possible", "isolated"]),
  ...files("static", "/sys/devices/system/node", ["node*/cpulist"]),
  ...files("static", "/sys/class/net/*", [
    "ifindex",
    "iflink",
    "type",
    "operstate",
    "mtu",
    "speed",
    "threaded",
    "gro_flush_timeout",
    "napi_defer_hard_irqs",
    "uevent",
    "device/uevent",
    // They tell a veth from a tap and a macvlan, which have no type of device either.
    "tun_flags",
    "lower_*/ifindex",
    // A virtio NIC's own directory lies below its PCI function's, which holds the node and the interrupts.
    "device/numa_node",
    "device/../numa_node",
    "device/msi_irqs/*",
    "device/../msi_irqs/*",
    "queues/rx-*/rps_cpus",
    "queues/rx-*/rps_flow_cnt",
    "queues/tx-*/xps_cpus",
  ]),
  { path: "/proc/irq/*/smp_affinity_list", kind: "static", networkIrqsOnly: true },
  { path: "/proc/irq/*/effective_affinity_list", kind: "static", networkIrqsOnly: true },
  ...files("static", "/proc/sys/kernel", ["hostname", "osrelease", "version", "random/boot_id"]),
  ...files("static", "/sys/class/dmi/id", ["sys_vendor", "product_name"]),
  { path: "/etc/os-release", kind: "static", lines: "^(ID|VERSION_ID|PRETTY_NAME)=" },
  { path: "/proc/meminfo", kind: "static", lines: "^Mem" },
  { path: "/proc/sys/net/netfilter/nf_conntrack_max", kind: "static" },

  { path: "/proc/net/softnet_stat", kind: "hot" },
  // Without the line of all interrupts, which is longer than everything else.
  { path: "/proc/stat", kind: "hot", lines: "^(cpu|btime)" },
  { path: "/proc/softirqs", kind: "ends", lines: "^ *(CPU|NET_)" },
  { path: "/proc/interrupts", kind: "ends", lines: "^ *(CPU|[0-9]+:)", networkIrqsOnly: true },
  { path: "/proc/net/snmp", kind: "ends", lines: "^Udp:" },
  { path: "/proc/net/netstat", kind: "ends", lines: "^TcpExt:" },
  { path: "/proc/net/stat/nf_conntrack", kind: "ends" },
  { path: "/proc/sys/net/netfilter/nf_conntrack_count", kind: "ends" },
  ...files("ends", "/sys/class/net/*/statistics", [
    "rx_packets",
    "rx_bytes",
    "rx_dropped",
    "rx_missed_errors",
  ]),
];

function files(kind: CaptureFile["kind"], dir: string, names: readonly string[]): CaptureFile[] {
  return names.map((name) => ({ path: `${dir}/${name}`, kind }));
}

const KINDS = CAPTURE_FILES.map(({ path, kind }) => ({ kind, pattern: patternOf(path) }));

/** Undefined for a path that no capture of ours holds. */
export function captureKindOf(path: string): CaptureFile["kind"] | undefined {
  return KINDS.find(({ pattern }) => pattern.test(path))?.kind;
}

/** A path, or one name of it, whose `*` is read as the shell reads it. */
export function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`);
}
