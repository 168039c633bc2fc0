import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { parseInterrupts, parseNetRx } from "../../src/host/interrupts.ts";
import { Machine } from "../../src/host/machine.ts";
import {
  parseConntrackDrops,
  parseProtocolCounters,
  readElsewhere,
  readInterfaceCounters,
} from "../../src/host/net-counters.ts";
import { hostOf } from "./hosts.ts";

const linux618 = join(import.meta.dirname, "../fixtures/linux-6.18");

test("interrupts are counted by CPU and named by their driver", () => {
  const interrupts = parseInterrupts(
    readFileSync(join(linux618, "proc/interrupts"), "utf8"),
    new Set([37, 38]),
  );
  const input = interrupts.get(38)!;
  assert.equal(input.name, "virtio2-input.0");
  assert.deepEqual([...input.counts.keys()], [0, 1]);
  assert.equal(input.counts.get(0), 0);
  assert.ok(input.counts.get(1)! > 0);
  assert.deepEqual([...interrupts.keys()], [37, 38]);
});

test("a column of /proc/interrupts belongs to the CPU its head names", () => {
  const interrupts = parseInterrupts(
    "           CPU0       CPU2\n 33:         10         20  PCI-MSI 524288-edge      eth0-TxRx-0\nNMI:          1          2   Non-maskable interrupts\n",
    new Set([33]),
  );
  assert.deepEqual(
    [...interrupts],
    [
      [
        33,
        {
          name: "eth0-TxRx-0",
          counts: new Map([
            [0, 10],
            [2, 20],
          ]),
        },
      ],
    ],
  );
});

test("NET_RX is counted by CPU", () => {
  assert.deepEqual(
    parseNetRx(
      "                    CPU0       CPU1       \n      NET_TX:          1          2\n      NET_RX:         42          7\n",
    ),
    new Map([
      [0, 42],
      [1, 7],
    ]),
  );
  assert.equal(parseNetRx("                    CPU0\n          HI:          1\n"), undefined);
});

test("protocol counters bear nstat's names", () => {
  const counters = parseProtocolCounters(
    "Udp: InDatagrams NoPorts RcvbufErrors\nUdp: 10 2 3\nUdpLite: InDatagrams\nUdpLite: 4\n",
  );
  assert.deepEqual(
    counters,
    new Map([
      ["UdpInDatagrams", 10],
      ["UdpNoPorts", 2],
      ["UdpRcvbufErrors", 3],
      ["UdpLiteInDatagrams", 4],
    ]),
  );
});

test("a torn protocol table gives what is whole", () => {
  assert.deepEqual(
    parseProtocolCounters("Udp: InDatagrams RcvbufErrors\nUdp: 10\n"),
    new Map([["UdpInDatagrams", 10]]),
  );
  assert.deepEqual(parseProtocolCounters("Udp: InDatagrams\n"), new Map());
  assert.deepEqual(parseProtocolCounters(""), new Map());
});

test("conntrack drops are summed over the CPUs, from hexadecimal, by the column's name", () => {
  assert.equal(
    parseConntrackDrops(
      "entries  searched insert_failed drop early_drop\n00000010  00000000 00000001 0000000a 00000005\n00000010  00000000 00000001 000000f0 00000005\n",
    ),
    250,
  );
  assert.equal(parseConntrackDrops("entries  searched\n00000010  00000000\n"), undefined);
});

test("this kernel's counters past the backlog are all there", () => {
  using machine = new Machine(linux618);
  assert.deepEqual(readElsewhere(machine), {
    UdpRcvbufErrors: 0,
    TcpExtListenOverflows: 0,
    TcpExtListenDrops: 0,
    TcpExtTCPBacklogDrop: 0,
    conntrack_drop: 0,
  });
});

test("no file of counters is no counter, and not a zero", () => {
  assert.equal(readElsewhere({ read: () => undefined, list: () => [] }), undefined);
});

test("counters are those of interfaces, and what an interface lacks is absent", () => {
  const host = hostOf({
    "/sys/class/net/bonding_masters": "\n",
    "/sys/class/net/eth0/statistics/rx_packets": "12\n",
    "/sys/class/net/eth0/statistics/rx_dropped": "3\n",
  });
  assert.deepEqual(readInterfaceCounters(host), [
    { name: "eth0", rxPackets: 12, rxDropped: 3, rxMissedErrors: undefined },
  ]);
});
