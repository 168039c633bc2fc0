import { BlockList, isIP } from "node:net";

/** RFC 6890 and its like: this machine, its network, and what is routed nowhere. */
const NOT_PUBLIC = new BlockList();
for (const [address, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["224.0.0.0", 3],
] as const) {
  NOT_PUBLIC.addSubnet(address, prefix, "ipv4");
}
for (const [address, prefix] of [
  ["::", 127],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const) {
  NOT_PUBLIC.addSubnet(address, prefix, "ipv6");
}

/** Whether a host, spelt as in a URL, may be reached from the internet; what a name stands for is not looked up. */
export function isPublicHost(hostname: string): boolean {
  const host = hostname.replace(/\.$/, "").replaceAll(/^\[|\]$/g, "");
  const version = isIP(host);
  if (version === 0) return !/(^|\.)localhost$/i.test(host);
  return !NOT_PUBLIC.check(host, version === 4 ? "ipv4" : "ipv6");
}
