import { type CpuMask, parseCpuMask } from "../core/cpu-mask.ts";
import type { NetSysctls } from "../core/host-settings.ts";
import { type Host, readInteger, readLine } from "./host.ts";

/** Those of `net.core` that decide about losses. A container in its own network namespace has no `netdev_*` ones. */
export function readNetSysctls(host: Host): NetSysctls {
  const integer = (name: string): number | undefined => readInteger(host, `/proc/sys/net/core/${name}`);
  const mask = (name: string): CpuMask | undefined => readCpuMask(host, `/proc/sys/net/core/${name}`);
  return {
    netdevMaxBacklog: integer("netdev_max_backlog"),
    netdevBudget: integer("netdev_budget"),
    netdevBudgetUsecs: integer("netdev_budget_usecs"),
    devWeight: integer("dev_weight"),
    flowLimitCpuBitmap: mask("flow_limit_cpu_bitmap"),
    rpsSockFlowEntries: integer("rps_sock_flow_entries"),
    rpsDefaultMask: mask("rps_default_mask"),
  };
}

export function readCpuMask(host: Host, path: string): CpuMask | undefined {
  const text = readLine(host, path);
  return text === undefined ? undefined : parseCpuMask(text);
}
