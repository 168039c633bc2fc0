import type { ElsewhereCounter, ElsewhereCounts, InterfaceCounters } from "../core/observation.ts";
import { type Host, readInteger, readText } from "./host.ts";

/** Losses past the backlog, of the reader's network namespace. Undefined where the host shows none of the files. */
export function readElsewhere(host: Host): ElsewhereCounts | undefined {
  const snmp = readText(host, "/proc/net/snmp");
  const netstat = readText(host, "/proc/net/netstat");
  const conntrack = readText(host, "/proc/net/stat/nf_conntrack");
  if (snmp === undefined && netstat === undefined && conntrack === undefined) return undefined;
  const protocols = new Map([...parseProtocolCounters(snmp ?? ""), ...parseProtocolCounters(netstat ?? "")]);
  const counts: Partial<Record<ElsewhereCounter, number>> = {};
  for (const counter of PROTOCOL_COUNTERS) {
    const count = protocols.get(counter);
    if (count !== undefined) counts[counter] = count;
  }
  const dropped = conntrack === undefined ? undefined : parseConntrackDrops(conntrack);
  if (dropped !== undefined) counts.conntrack_drop = dropped;
  return counts;
}

const PROTOCOL_COUNTERS = [
  "UdpRcvbufErrors",
  "TcpExtListenOverflows",
  "TcpExtListenDrops",
  "TcpExtTCPBacklogDrop",
] as const satisfies readonly ElsewhereCounter[];

/**
 * Parses `/proc/net/snmp` and `netstat`: for each protocol a line of names and a line of numbers. The keys are the protocol and the
 * name in one word, as nstat prints them.
 */
export function parseProtocolCounters(text: string): ReadonlyMap<string, number> {
  const counters = new Map<string, number>();
  const lines = text.split("\n");
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [protocol, ...names] = lines[i]!.trim().split(" ");
    const [sameProtocol, ...values] = lines[i + 1]!.trim().split(" ");
    if (!protocol || protocol !== sameProtocol) break;
    names.forEach((name, column) => {
      const value = Number(values[column]);
      if (Number.isSafeInteger(value)) counters.set(protocol.slice(0, -1) + name, value);
    });
  }
  return counters;
}

/** Sums column `drop` of `/proc/net/stat/nf_conntrack`: a head of names, then a row of hexadecimal words for each CPU. */
export function parseConntrackDrops(text: string): number | undefined {
  const [head, ...rows] = text.trim().split("\n");
  const column = head!.trim().split(/\s+/).indexOf("drop");
  if (column === -1) return undefined;
  return rows.reduce((sum, row) => sum + Number.parseInt(row.trim().split(/\s+/)[column] ?? "0", 16), 0);
}

/**
 * Of every interface of the reader's network namespace. Never from `/proc/net/dev`: that file shows the namespace of the reader, and sysfs
 * that of its mount.
 */
export function readInterfaceCounters(host: Host): readonly InterfaceCounters[] {
  return host.list(NET).flatMap((name) => {
    const counter = (file: string): number | undefined =>
      readInteger(host, `${NET}/${name}/statistics/${file}`);
    // Beside interfaces, the directory may hold files such as `bonding_masters`.
    const rxPackets = counter("rx_packets");
    if (rxPackets === undefined) return [];
    return [
      { name, rxPackets, rxDropped: counter("rx_dropped"), rxMissedErrors: counter("rx_missed_errors") },
    ];
  });
}

const NET = "/sys/class/net";
