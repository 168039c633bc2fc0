import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { nicBypassesBacklog } from "../../src/core/cannot-help.ts";
import { observationOfLines } from "./observations.ts";

type Seen = Parameters<typeof observationOfLines>[0];

const quiet = { softirq: 10 };

const rows: readonly { name: string; seen: Seen; bypasses: boolean }[] = [
  { name: "a NIC with RPS off never enters it", seen: { cpus: [quiet], interfaces: [{}] }, bypasses: true },
  {
    name: "a NIC with RPS on one of its queues enters it",
    seen: { cpus: [quiet, quiet], interfaces: [{ masks: [0n, 3n] }] },
    bypasses: false,
  },
  {
    name: "a veth with RPS off that lost nothing there may have a NAPI of its own",
    seen: { cpus: [quiet], interfaces: [{ name: "lrx0", kind: "veth" }] },
    bypasses: true,
  },
  {
    name: "what softnet dropped had entered it",
    seen: {
      cpus: [{ dropped: 1, softirq: 10 }],
      interfaces: [{ name: "lrx0", kind: "veth", droppedShare: 1 }],
    },
    bypasses: false,
  },
  {
    name: "drops in another namespace had entered it too",
    seen: { cpus: [{ dropped: 1, softirq: 10 }], interfaces: [{ droppedShare: 0 }] },
    bypasses: false,
  },
  {
    name: "loopback always enters it",
    seen: { cpus: [quiet], interfaces: [{ name: "lo", kind: "loopback" }, {}] },
    bypasses: false,
  },
  {
    name: "loopback without traffic is of no concern",
    seen: { cpus: [quiet], interfaces: [{ name: "lo", kind: "loopback", packets: 5 }, {}] },
    bypasses: true,
  },
  {
    name: "the interface that loses packets decides, not the one with the traffic",
    seen: {
      cpus: [quiet],
      interfaces: [
        { name: "lo", kind: "loopback", packets: 50_000 },
        { missed: 10, packets: 500 },
      ],
    },
    bypasses: true,
  },
  {
    name: "a host without traffic says nothing",
    seen: { cpus: [quiet], interfaces: [{ packets: 0 }] },
    bypasses: false,
  },
  { name: "interfaces that cannot be seen say nothing", seen: { cpus: [quiet] }, bypasses: false },
];

describe("a bigger backlog", () => {
  for (const { name, seen, bypasses } of rows) {
    test(name, () => {
      assert.equal(nicBypassesBacklog(observationOfLines(seen))?.code === "nic-bypasses-backlog", bypasses);
    });
  }

  test("cannot help a NIC, and the reason is its RPS", () => {
    const entry = nicBypassesBacklog(observationOfLines({ cpus: [quiet], interfaces: [{ name: "eth3" }] }));
    assert.match(entry!.why.en, /RPS is off on eth3, so its packets never enter/);
  });
});
