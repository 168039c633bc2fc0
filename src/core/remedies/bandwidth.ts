/** How fast the network can bring packets in, and who says so. */
export interface Bandwidth {
  /** Undefined where nobody knows: then treated as more than 1 and at most 10. */
  readonly gbps: number | undefined;
  readonly source: "flag" | "metadata" | "link" | "unknown";
}

/** What may be known of it, the most trusted first. */
export interface BandwidthSources {
  /** `--bandwidth-gbps`. */
  readonly flagGbps: number | undefined;
  /** IMDS `instance/max-netbw-ingress`, Kbit/s. */
  readonly ingressKbps: number | undefined;
  /** `/sys/class/net/X/speed`; a virtio NIC has none. */
  readonly linkMbps: number | undefined;
}

export function bandwidthOf({ flagGbps, ingressKbps, linkMbps }: BandwidthSources): Bandwidth {
  if (flagGbps !== undefined) return { gbps: flagGbps, source: "flag" };
  if (ingressKbps !== undefined && ingressKbps > 0) {
    return { gbps: gbpsOf(ingressKbps), source: "metadata" };
  }
  if (linkMbps !== undefined && linkMbps > 0) return { gbps: linkMbps / 1000, source: "link" };
  return { gbps: undefined, source: "unknown" };
}

/**
 * The instance families are sold in round Gbit/s, and written down in Kbit/s with 1000 or 1024 to a step: what divides by 1024 was
 * counted so, or ten would become a little more than ten, which is another row.
 */
function gbpsOf(kbps: number): number {
  if (kbps % 1024 !== 0) return kbps / 1_000_000;
  return kbps % 1_048_576 === 0 ? kbps / 1_048_576 : kbps / 1_024_000;
}

/** The values of `netdev_max_backlog` that suit a bandwidth, in packets. */
export interface BacklogRow {
  readonly first: number;
  readonly last: number;
}

/** No two guides agree; this table is bounded and can be overridden, and every value is shown with its delay and bytes. */
const ROWS: readonly (BacklogRow & { readonly holds: (gbps: number) => boolean })[] = [
  { holds: (gbps) => gbps <= 1, first: 0, last: 1000 },
  { holds: (gbps) => gbps <= 10, first: 5000, last: 10_000 },
  { holds: (gbps) => gbps < 40, first: 30_000, last: 30_000 },
  { holds: () => true, first: 60_000, last: 100_000 },
];

const UNKNOWN_IS_TREATED_AS_GBPS = 10;

/** The row of a bandwidth, and the one after it for the exception; the last has none. */
export function backlogRowOf(bandwidth: Bandwidth): { row: BacklogRow; next: BacklogRow | undefined } {
  const gbps = bandwidth.gbps ?? UNKNOWN_IS_TREATED_AS_GBPS;
  const index = ROWS.findIndex(({ holds }) => holds(gbps));
  return { row: ROWS[index]!, next: ROWS[index + 1] };
}

/** What to begin with where nobody has measured: the row's first value, and of the lowest row its last, which is the kernel's own default. */
export function firstBacklogOf(bandwidth: Bandwidth): number {
  const { row } = backlogRowOf(bandwidth);
  return row.first || row.last;
}
