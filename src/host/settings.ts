import type { HostSettings } from "../core/host-settings.ts";
import { readCpuSets } from "./cpu-sets.ts";
import { type Host, readLine, readText } from "./host.ts";
import { readInterfaces } from "./steering.ts";
import { readNetSysctls } from "./sysctl.ts";

/** Everything a verdict and a plan need to know about a host, except what moves. */
export function readHostSettings(host: Host): HostSettings {
  const sysctls = readNetSysctls(host);
  return {
    hostname: readLine(host, "/proc/sys/kernel/hostname"),
    kernelRelease: readLine(host, "/proc/sys/kernel/osrelease"),
    sysctls,
    cpus: readCpuSets(host),
    interfaces: readInterfaces(host),
    memoryAvailableBytes: parseMemoryAvailable(readText(host, "/proc/meminfo") ?? ""),
    inOwnNetworkNamespace: isInOwnNetworkNamespace(host, sysctls.netdevMaxBacklog),
  };
}

export function parseMemoryAvailable(meminfo: string): number | undefined {
  const kilobytes = /^MemAvailable: +(\d+) kB$/m.exec(meminfo)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/** Only the initial namespace has `netdev_max_backlog`; the directory around it is there in every one. */
function isInOwnNetworkNamespace(host: Host, netdevMaxBacklog: number | undefined): boolean {
  return netdevMaxBacklog === undefined && host.list("/proc/sys/net/core").length > 0;
}
