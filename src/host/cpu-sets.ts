import type { CpuSets } from "../core/host-settings.ts";
import { parseCpuList } from "./cpu-list.ts";
import { type Host, readLine } from "./host.ts";

export function readCpuSets(host: Host): CpuSets {
  const possible = readCpuList(host, "/sys/devices/system/cpu/possible");
  return {
    possible: possible && possible.length > 0 ? Math.max(...possible) + 1 : undefined,
    online: readCpuList(host, "/sys/devices/system/cpu/online"),
    isolated: readCpuList(host, "/sys/devices/system/cpu/isolated"),
    ofNode: readNodes(host),
  };
}

function readNodes(host: Host): CpuSets["ofNode"] {
  const nodes: Record<number, readonly number[]> = {};
  for (const name of host.list("/sys/devices/system/node")) {
    const number = /^node(\d+)$/.exec(name)?.[1];
    const cpus = number && readCpuList(host, `/sys/devices/system/node/${name}/cpulist`);
    if (cpus) nodes[Number(number)] = cpus;
  }
  return nodes;
}

export function readCpuList(host: Host, path: string): readonly number[] | undefined {
  const text = readLine(host, path);
  return text === undefined ? undefined : parseCpuList(text);
}
