import { BlockList, isIP } from "node:net";

/** RFC 6890 and its like: this machine, its network, what stands in documents only, and what is routed nowhere. */
const NOT_PUBLIC = new BlockList();
for (const [address, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  NOT_PUBLIC.addSubnet(address, prefix, "ipv4");
  // RFC 6052: an IPv4 address as a translator spells it.
  NOT_PUBLIC.addSubnet(`64:ff9b::${address}`, 96 + prefix, "ipv6");
}
for (const [address, prefix] of [
  ["::", 127],
  ["2001:db8::", 32],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const) {
  NOT_PUBLIC.addSubnet(address, prefix, "ipv6");
}

/** Whether a host, spelt as in a URL, may be reached from the internet; what a name stands for is not looked up. */
export function isPublicHost(hostname: string): boolean {
  const host = hostname.replace(/\.$/, "").replaceAll(/^\[|\]$/g, "");
  const version = isIP(host);
  // What has no dot is found by the search list of a network only.
  if (version === 0) return host.includes(".") && !/\.localhost$/i.test(host);
  return !NOT_PUBLIC.check(host, version === 4 ? "ipv4" : "ipv6");
}
