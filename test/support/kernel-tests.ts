import { existsSync, readFileSync, writeFileSync } from "node:fs";

import { skipWithout } from "./needs.ts";

/** Said before the first change. */
export const KERNEL_TESTS_NOTICE =
  "The kernel tests send packets through network namespaces of their own (softnet-a, softnet-b, softnet-m) and through " +
  "no real interface. Meanwhile they change net.core.netdev_max_backlog, netdev_budget, netdev_budget_usecs, dev_weight, " +
  "flow_limit_cpu_bitmap and rps_sock_flow_entries, and put all of it back, also after Ctrl-C or a crash.";

/** Why this machine's kernel may not be put under load, or cannot be; undefined where it may. */
export function reasonToSkipKernel(): string | undefined {
  if (process.env["SOFTNET_TEST_KERNEL"] === "0") return "SOFTNET_TEST_KERNEL is 0";
  if (process.getuid?.() !== 0) return "they need root";
  if (isAlibabaCloudInstance()) {
    return "this is an Alibaba Cloud instance, whose kernel is at work for somebody";
  }
  if (!existsSync("/sys/devices/system/cpu/cpu1/topology")) return "they need the CPUs 0 and 1 online";
  const sysctl = "/proc/sys/net/core/netdev_max_backlog";
  try {
    writeFileSync(sysctl, readFileSync(sysctl)); // Its own value: nothing else tells whether it may be written.
  } catch {
    return `${sysctl} cannot be written here, as in a container`;
  }
  return undefined;
}

function isAlibabaCloudInstance(): boolean {
  return ["sys_vendor", "product_name"].some((name) => {
    try {
      return readFileSync(`/sys/class/dmi/id/${name}`, "utf8").startsWith("Alibaba Cloud");
    } catch {
      return false; // Containers and some architectures have no DMI.
    }
  });
}

/** For node:test's `skip` option: false where the kernel may be tested, else why not. */
export function skipWithoutKernel(): string | false {
  return (
    reasonToSkipKernel() ??
    skipWithout("gcc", "ip", "bridge", "nft", "ethtool", "flock", "nsenter", "unshare", "setpriv")
  );
}
