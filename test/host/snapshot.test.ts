import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { captureKindOf } from "../../src/core/capture-files.ts";
import type { Host } from "../../src/host/host.ts";
import { Machine } from "../../src/host/machine.ts";
import { takeFiles } from "../../src/host/snapshot.ts";
import { hostOf } from "./hosts.ts";

const textsOf = (files: ReadonlyMap<string, Uint8Array>): Record<string, string> =>
  Object.fromEntries([...files].map(([path, bytes]) => [path, new TextDecoder().decode(bytes)]));

const INTERRUPTS = [
  "           CPU0       CPU1       ",
  " 37:          4          0 PCI-MSIX-0000:00:03.0   0-edge      virtio2-config",
  " 38:          0      55154 PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0",
  " 40:      10552          0 PCI-MSIX-0000:00:04.0   1-edge      virtio3-req.0",
  "LOC:     138321     132124   Local timer interrupts",
  "",
].join("\n");

const rowsOf = (host: Host): string[] => {
  const text = textsOf(takeFiles(host, ["ends"]))["/proc/interrupts"]!;
  return text.match(/^ *(CPU|\d+)/gm)!.map((start) => start.trim());
};

describe("a snapshot", () => {
  test("keeps apart what changes and what does not", () => {
    const host = hostOf({
      "/proc/net/softnet_stat": "1\n",
      "/sys/class/net/eth0/queues/rx-0/rps_cpus": "3\n",
      "/sys/class/net/eth0/queues/rx-1/rps_cpus": "0\n",
      "/sys/class/net/eth0/queues/tx-0/rps_cpus": "no such file on any kernel\n",
      "/sys/class/net/eth0/statistics/rx_dropped": "9\n",
      "/sys/class/net/eth0/address": "00:16:3e:00:00:01\n",
    });
    assert.deepEqual(textsOf(takeFiles(host, ["static"])), {
      "/sys/class/net/eth0/queues/rx-0/rps_cpus": "3\n",
      "/sys/class/net/eth0/queues/rx-1/rps_cpus": "0\n",
    });
    assert.deepEqual(textsOf(takeFiles(host, ["hot"])), { "/proc/net/softnet_stat": "1\n" });
    assert.deepEqual(textsOf(takeFiles(host, ["hot", "ends"])), {
      "/proc/net/softnet_stat": "1\n",
      "/sys/class/net/eth0/statistics/rx_dropped": "9\n",
    });
  });

  test("keeps the lines that are about receiving", () => {
    const host = hostOf({
      "/proc/stat": "cpu  1 1\ncpu0 1 1\nintr 9 9 9\nctxt 5\nbtime 17\n",
      "/proc/softirqs": "    CPU0\n  HI:  0\nNET_TX:  1\nNET_RX:  2\n RCU:  3\n",
      "/proc/net/snmp":
        "Ip: Forwarding\nIp: 2\nUdp: InDatagrams\nUdp: 90\nUdpLite: InDatagrams\nUdpLite: 0\n",
    });
    assert.deepEqual(textsOf(takeFiles(host, ["hot", "ends"])), {
      "/proc/stat": "cpu  1 1\ncpu0 1 1\nbtime 17\n",
      "/proc/softirqs": "    CPU0\nNET_TX:  1\nNET_RX:  2\n",
      "/proc/net/snmp": "Udp: InDatagrams\nUdp: 90\n",
    });
  });

  test("keeps the interrupts of network interfaces where it is known which they are", () => {
    const files = {
      "/proc/interrupts": INTERRUPTS,
      "/proc/irq/38/smp_affinity_list": "1\n",
      "/proc/irq/40/smp_affinity_list": "0\n",
    };
    const known = hostOf({ ...files, "/sys/class/net/eth0/device/../msi_irqs/38": "msix\n" });
    const unknown = hostOf(files);

    assert.deepEqual(rowsOf(known), ["CPU", "38"]);
    assert.deepEqual(rowsOf(unknown), ["CPU", "37", "38", "40"]);
    assert.deepEqual(
      [...takeFiles(known, ["static"]).keys()].filter((path) => path.startsWith("/proc/irq")),
      ["/proc/irq/38/smp_affinity_list"],
    );
    assert.equal([...takeFiles(unknown, ["static"]).keys()].length, 2);
  });

  test("of this machine holds its counters, and only files of the table", () => {
    using machine = new Machine();
    const files = takeFiles(machine, ["static", "hot", "ends"]);
    assert.ok(files.get("/proc/net/softnet_stat")!.length > 0);
    for (const path of files.keys()) assert.ok(captureKindOf(path), path);
  });

  test("is a copy: a machine reuses the buffer of what it reads often", () => {
    const buffer = Buffer.from("1\n"); // As a machine's: its own slice() would share the memory.
    const files = takeFiles(
      { read: (path) => (path === "/proc/net/softnet_stat" ? buffer : undefined), list: () => [] },
      ["hot"],
    );
    buffer[0] = 0x32;
    assert.deepEqual(textsOf(files), { "/proc/net/softnet_stat": "1\n" });
  });
});
