import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { Machine } from "../../src/host/machine.ts";
import { parseMemoryAvailable, readHostSettings } from "../../src/host/settings.ts";
import { type InterfaceTraits, kindOfInterface } from "../../src/host/steering.ts";
import { hostOf } from "./hosts.ts";

const linux618 = join(import.meta.dirname, "../fixtures/linux-6.18");

test("the settings of a two-CPU virtio machine, as its kernel printed them", () => {
  using machine = new Machine(linux618);
  assert.deepEqual(readHostSettings(machine), {
    hostname: "web-3",
    kernelRelease: "6.18.44",
    sysctls: {
      netdevMaxBacklog: 1000,
      netdevBudget: 300,
      netdevBudgetUsecs: 8000,
      devWeight: 64,
      flowLimitCpuBitmap: 0n,
      rpsSockFlowEntries: 0,
      rpsDefaultMask: 0n,
    },
    cpus: { possible: 2, online: [0, 1], isolated: [], ofNode: { 0: [0, 1] } },
    interfaces: [
      {
        name: "eth0",
        kind: "nic",
        driver: "virtio_net",
        operstate: "up",
        speedMbps: undefined,
        numaNode: undefined,
        rxQueues: [{ index: 0, rpsCpus: 0n, rpsFlowCnt: 0 }],
        txQueues: [],
        threaded: false,
        irqs: [
          { irq: 37, name: "virtio2-config", cpus: [0] },
          { irq: 38, name: "virtio2-input.0", cpus: [1] },
          { irq: 39, name: "virtio2-output.0", cpus: [0] },
        ],
      },
      {
        name: "lo",
        kind: "loopback",
        driver: undefined,
        operstate: "unknown",
        speedMbps: undefined,
        numaNode: undefined,
        rxQueues: [{ index: 0, rpsCpus: 0n, rpsFlowCnt: 0 }],
        txQueues: [],
        threaded: false,
        irqs: [],
      },
    ],
    memoryAvailableBytes: 24_799_420_416,
    inOwnNetworkNamespace: false,
  });
});

test("what a host does not show is absent and not zero", () => {
  const settings = readHostSettings(hostOf({}));
  assert.deepEqual(settings, {
    hostname: undefined,
    kernelRelease: undefined,
    sysctls: {
      netdevMaxBacklog: undefined,
      netdevBudget: undefined,
      netdevBudgetUsecs: undefined,
      devWeight: undefined,
      flowLimitCpuBitmap: undefined,
      rpsSockFlowEntries: undefined,
      rpsDefaultMask: undefined,
    },
    cpus: { possible: undefined, online: undefined, isolated: undefined, ofNode: {} },
    interfaces: [],
    memoryAvailableBytes: undefined,
    inOwnNetworkNamespace: false,
  });
});

test("a container in its own network namespace is recognised by the sysctls it lacks", () => {
  const container = hostOf({
    "/proc/sys/net/core/somaxconn": "4096\n",
    "/proc/sys/net/core/rps_default_mask": "0\n",
  });
  assert.equal(readHostSettings(container).inOwnNetworkNamespace, true);
});

test("queues are in the order of their numbers, and each has its own mask", () => {
  const host = hostOf({
    "/sys/class/net/eth1/type": "1\n",
    "/sys/class/net/eth1/queues/rx-0/rps_cpus": "00,0000000f\n",
    "/sys/class/net/eth1/queues/rx-10/rps_cpus": "ff,ffffffff\n",
    "/sys/class/net/eth1/queues/rx-2/rps_flow_cnt": "4096\n",
    "/sys/class/net/eth1/queues/tx-0/xps_cpus": "00,00000001\n",
    "/sys/class/net/bonding_masters": "\n",
  });
  const [eth1, ...others] = readHostSettings(host).interfaces;
  assert.deepEqual(others, []);
  assert.deepEqual(eth1!.rxQueues, [
    { index: 0, rpsCpus: 0xfn, rpsFlowCnt: undefined },
    { index: 2, rpsCpus: undefined, rpsFlowCnt: 4096 },
    { index: 10, rpsCpus: 0xff_ffff_ffffn, rpsFlowCnt: undefined },
  ]);
  assert.deepEqual(eth1!.txQueues, [{ index: 0, xpsCpus: 1n }]);
});

test("CPUs that may be added later widen the masks and isolated ones are named", () => {
  const host = hostOf({
    "/sys/devices/system/cpu/possible": "0-15\n",
    "/sys/devices/system/cpu/online": "0-2,4\n",
    "/sys/devices/system/cpu/isolated": "6-7\n",
    "/sys/devices/system/node/node0/cpulist": "0-1\n",
    "/sys/devices/system/node/node1/cpulist": "2,4\n",
    "/sys/devices/system/node/possible": "0-1\n",
  });
  assert.deepEqual(readHostSettings(host).cpus, {
    possible: 16,
    online: [0, 1, 2, 4],
    isolated: [6, 7],
    ofNode: { 0: [0, 1], 1: [2, 4] },
  });
});

test("a kernel before 3.14 has no MemAvailable", () => {
  assert.equal(parseMemoryAvailable("MemTotal:  1000 kB\nMemFree:  500 kB\n"), undefined);
});

const ethernet: InterfaceTraits = {
  name: "x",
  type: 1,
  deviceType: undefined,
  hasDevice: false,
  isTunTap: false,
  hasLower: false,
  ifindex: 7,
  iflink: 7,
  speedMbps: undefined,
};

// What Linux 6.18 prints; the types of IPIP, GRE and SIT are those of linux/if_arp.h.
const kinds: readonly { is: string; kind: string; traits: Partial<InterfaceTraits> }[] = [
  { is: "lo", kind: "loopback", traits: { type: 772 } },
  { is: "a virtio NIC", kind: "nic", traits: { hasDevice: true } },
  { is: "a veth with its peer beside it", kind: "veth", traits: { iflink: 6, speedMbps: 10_000 } },
  {
    is: "a veth whose peer elsewhere has the same number",
    kind: "veth",
    traits: { ifindex: 2, iflink: 2, speedMbps: 10_000 },
  },
  { is: "a veth that is down, by its name", kind: "veth", traits: { name: "veth12ab" } },
  { is: "a bridge", kind: "bridge", traits: { deviceType: "bridge", hasLower: true } },
  { is: "a VLAN", kind: "vlan", traits: { deviceType: "vlan", hasLower: true, iflink: 2 } },
  { is: "a bond", kind: "bond", traits: { deviceType: "bond", hasLower: true } },
  { is: "a VXLAN", kind: "tunnel", traits: { deviceType: "vxlan" } },
  { is: "WireGuard", kind: "tunnel", traits: { type: 65_534, deviceType: "wireguard" } },
  { is: "GRE", kind: "tunnel", traits: { type: 778, iflink: 0 } },
  { is: "IPIP", kind: "tunnel", traits: { type: 768, iflink: 0 } },
  { is: "a tun", kind: "tunnel", traits: { type: 65_534, isTunTap: true } },
  { is: "a tap, though it claims 10 Gbit/s", kind: "tunnel", traits: { isTunTap: true, speedMbps: 10_000 } },
  {
    is: "a macvlan, though it links elsewhere",
    kind: "virtual",
    traits: { hasLower: true, iflink: 2, speedMbps: 10_000 },
  },
  { is: "an ifb or a dummy", kind: "virtual", traits: {} },
];

for (const { is, kind, traits } of kinds) {
  test(`${is} is of kind ${kind}`, () => {
    assert.equal(kindOfInterface({ ...ethernet, ...traits }), kind);
  });
}
