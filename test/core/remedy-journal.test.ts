import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { HostSettings } from "../../src/core/host-settings.ts";
import { posixChecksum } from "../../src/core/posix-checksum.ts";
import { driftDocument } from "../../src/core/remedy-document.ts";
import { driftOf, isEndedByReboot, parseJournal, type SeenFile } from "../../src/core/remedy-journal.ts";
import { observationOfLines } from "./observations.ts";

const NOTED = `softnet-remedy 1
run 2026-11-22T20:15:27Z
sysctl /proc/sys/net/core/netdev_max_backlog 5000 1000 -
rps /sys/class/net/eth0/queues/rx-0/rps_cpus 1ffffffff 0,0000000f 52:54:00:12:34:56
set netdev_max_backlog 5000
was netdev_max_backlog net.core.netdev_max_backlog = 2000
file /etc/sysctl.d/99-network-tuning.conf 3094640393:93
run 2026-11-23T08:00:00Z 4d1a0b6e-9e2c-4a57-8c3e-1f0d5a7b9c11
sysctl /proc/sys/net/core/netdev_max_backlog 6000 5000 -
set netdev_max_backlog 6000
file /etc/sysctl.d/99-network-tuning.conf 1:93
file /etc/udev/rules.d/90-softnet-remedy.rules 3015617425:6
something-of-a-later-version 1 2 3
`;

test("a journal tells the first originals, the last values, and the files", () => {
  assert.deepEqual(parseJournal(NOTED), {
    values: [
      {
        kind: "sysctl",
        name: "netdev_max_backlog",
        original: 1000,
        set: 6000,
        setAt: "2026-11-23T08:00:00Z",
        bootId: "4d1a0b6e-9e2c-4a57-8c3e-1f0d5a7b9c11",
        isKept: true,
      },
      {
        kind: "rps",
        device: "eth0",
        queue: 0,
        original: 15n,
        set: 0x1_ffff_ffffn,
        setAt: "2026-11-22T20:15:27Z",
        bootId: undefined,
        isKept: false,
      },
    ],
    files: [
      { path: "/etc/sysctl.d/99-network-tuning.conf", checksum: "1:93" },
      { path: "/etc/udev/rules.d/90-softnet-remedy.rules", checksum: "3015617425:6" },
    ],
    lines: [{ name: "netdev_max_backlog", set: 6000 }],
    runs: ["2026-11-22T20:15:27Z", "2026-11-23T08:00:00Z"],
  });
});

test("another text is no journal", () => {
  assert.equal(parseJournal(""), undefined);
  assert.equal(parseJournal("root:x:0:0::/root:/bin/sh\n"), undefined);
});

describe("drift", () => {
  const journal = parseJournal(NOTED)!;
  const settingsWith = (
    backlog: number | undefined,
    mask: bigint,
    { device = "eth0", cpus = {} }: { device?: string; cpus?: Partial<HostSettings["cpus"]> } = {},
  ) => {
    const { settings, interfaces } = observationOfLines({
      cpus: [{}, {}],
      interfaces: [{ name: device, masks: [mask] }],
    });
    const sysctls = { ...settings.sysctls, netdevMaxBacklog: backlog };
    return { ...settings, interfaces, sysctls, cpus: { ...settings.cpus, ...cpus } };
  };
  const driftedOf = (settings: HostSettings, files: readonly SeenFile[] = []) =>
    driftOf(journal, { settings, files, bootId: undefined, bootedAtMs: undefined });
  const asSet = settingsWith(6000, 3n);
  const file = (path: string, text: string | undefined) => ({
    path,
    bytes: text === undefined ? undefined : new TextEncoder().encode(text),
  });
  const CONF = "/etc/sysctl.d/99-network-tuning.conf";
  const RULES = "/etc/udev/rules.d/90-softnet-remedy.rules";

  test("is none while all is as it was set", () => {
    const seen = [
      file(CONF, "# of an operator\nnet.core.rmem_max = 1\nnet/core/netdev_max_backlog=06000\n"),
      file(RULES, "hello\n"),
    ];
    assert.deepEqual(driftedOf(asSet, seen), []);
  });

  test("is what somebody else set", () => {
    assert.deepEqual(
      driftedOf(settingsWith(1000, 1n)).map((one) => driftDocument(one, 2)),
      [
        {
          kind: "sysctl",
          target: "net.core.netdev_max_backlog",
          expected: "6000",
          found: "1000",
          mend: "sudo sysctl -w net.core.netdev_max_backlog=6000",
        },
        {
          kind: "rps",
          target: "/sys/class/net/eth0/queues/rx-0/rps_cpus",
          expected: "3",
          found: "1",
          mend: "echo 3 | sudo tee /sys/class/net/eth0/queues/rx-0/rps_cpus",
        },
      ],
    );
  });

  test("is what somebody else wrote into the files, or removed from them", () => {
    const documents = (conf: string | undefined, rules: string | undefined) =>
      driftedOf(asSet, [file(CONF, conf), file(RULES, rules)])
        .map((one) => driftDocument(one, 33))
        .map(({ kind, target, expected, found, mend }) => [kind, target, expected, found, mend]);
    const line = "net.core.netdev_max_backlog = 6000";
    const append = `echo '${line}' | sudo tee -a ${CONF}`;
    const takeBack = "sudo softnet remedy undo --force";
    assert.deepEqual(documents("net.core.netdev_max_backlog = 2000\n", "hallo\n"), [
      ["file", CONF, line, "net.core.netdev_max_backlog = 2000", append],
      ["file", RULES, "checksum 3015617425:6", "checksum 3743325809:6", takeBack],
    ]);
    assert.deepEqual(documents(undefined, undefined), [
      ["file", CONF, line, null, append],
      ["file", RULES, "checksum 3015617425:6", null, takeBack],
    ]);
  });

  const all = Array.from({ length: 33 }, (_, cpu) => cpu);
  for (const { name, cpus, mask, drifts } of [
    { name: "all CPUs are there", cpus: { online: all }, mask: 0x1_ffff_ffffn, drifts: [] },
    { name: "the machine has shrunk", cpus: { online: [0, 1, 2, 3] }, mask: 0xfn, drifts: [] },
    { name: "a CPU has gone offline", cpus: { online: all.slice(1) }, mask: 0x1_ffff_ffffn, drifts: [] },
    { name: "it isolates CPUs now", cpus: { online: all, isolated: [32] }, mask: 0xffff_ffffn, drifts: [] },
    { name: "it has shrunk, and less is set", cpus: { online: [0, 1, 2, 3] }, mask: 1n, drifts: ["f"] },
  ]) {
    test(`${drifts.length === 0 ? "is no drift" : "is drift"} of a mask when ${name}`, () => {
      const possible = cpus.online.length < 32 ? 4 : 33;
      assert.deepEqual(
        driftedOf(settingsWith(6000, mask, { cpus })).map((one) => driftDocument(one, possible).expected),
        drifts,
      );
    });
  }

  test("is none of what cannot be seen", () => {
    assert.deepEqual(driftedOf(settingsWith(undefined, 0n, { device: "eth1" })), []);
  });
});

// What cksum of GNU coreutils 9.7 prints.
for (const [name, text, checksum] of [
  ["nothing", "", "4294967295:0"],
  ["a line", "hello\n", "3015617425:6"],
  ["more bytes than one byte counts", "x".repeat(70_000), "4215398528:70000"],
] as const) {
  test(`the checksum of ${name} is that of cksum`, () => {
    assert.equal(posixChecksum(new TextEncoder().encode(text)), checksum);
  });
}

describe("after a reboot", () => {
  const RUN = "run 2026-11-22T20:15:27Z\n";
  const BACKLOG = "sysctl /proc/sys/net/core/netdev_max_backlog 5000 1000 -\n";
  const MASK = "rps /sys/class/net/eth0/queues/rx-0/rps_cpus 3 0 -\n";
  const HELPER = "file /usr/local/sbin/softnet-rps 1:2\n";
  const MORE = "run 2026-11-22T21:00:00Z\nsysctl /proc/sys/net/core/netdev_max_backlog 9000 5000 -\n";
  const SET = "set netdev_max_backlog 5000\n";
  const RUNBOOK = RUN + BACKLOG + MASK;
  const LATER_RUN = "run 2026-11-22T21:00:00Z\n";
  const RUN_OF_BOOT = "run 2026-11-22T20:15:27Z a-boot\n";
  const LATER_MS = Date.parse("2026-11-23T00:00:00Z");
  const rows: readonly {
    readonly name: string;
    readonly noted: string;
    readonly backlog?: number;
    readonly mask?: bigint;
    readonly bootedAtMs?: number;
    readonly bootId?: string;
    /** What it should be. */
    readonly drift: readonly string[];
    readonly ended: number;
  }[] = [
    { name: "what was set until then has not drifted", noted: RUN + BACKLOG + MASK, drift: [], ended: 2 },
    {
      name: "which came before it was set, it has",
      noted: RUN + BACKLOG + MASK,
      bootedAtMs: Date.parse("2026-11-22T20:00:00Z"),
      drift: ["5000", "3"],
      ended: 0,
    },
    {
      name: "what was kept and is gone has drifted",
      noted: `${RUN}${BACKLOG}${MASK}set netdev_max_backlog 5000\n${HELPER}`,
      drift: ["5000", "3"],
      ended: 0,
    },
    {
      name: "what an earlier run had kept is what counts",
      noted: `${RUN}${BACKLOG}set netdev_max_backlog 5000\n${MORE}`,
      backlog: 5000,
      drift: [],
      ended: 1,
    },
    {
      name: "what an earlier run had kept and is gone has drifted",
      noted: `${RUN}${BACKLOG}set netdev_max_backlog 5000\n${MORE}`,
      drift: ["5000"],
      ended: 1,
    },
    {
      name: "a second run of the runbook is still kept",
      noted: `${RUNBOOK}${SET}${HELPER}${RUNBOOK}${HELPER}`,
      drift: ["5000", "3"],
      ended: 0,
    },
    {
      name: "what somebody else has set again has not ended",
      noted: RUN + BACKLOG + MASK,
      backlog: 5000,
      mask: 3n,
      drift: [],
      ended: 0,
    },
    {
      name: "masks that were kept say nothing of those of a run before",
      noted: `${RUN}${MASK}${LATER_RUN}${MASK.replace("eth0", "eth1")}${HELPER}`,
      drift: [],
      ended: 1,
    },
    {
      name: "which only the boot's id shows, as the clock was set, the same",
      noted: `${RUN_OF_BOOT}${BACKLOG}`,
      bootedAtMs: Date.parse("2026-11-22T20:00:00Z"),
      bootId: "another",
      drift: [],
      ended: 1,
    },
    {
      name: "which only a clock that was set shows, it has drifted",
      noted: `${RUN_OF_BOOT}${BACKLOG}`,
      bootId: "a-boot",
      drift: ["5000"],
      ended: 0,
    },
  ];
  for (const { name, noted, backlog = 1000, mask = 0n, bootId, ...row } of rows) {
    test(name, () => {
      const journal = parseJournal(`softnet-remedy 1\n${noted}`)!;
      const { settings, interfaces } = observationOfLines({
        cpus: [{}, {}],
        interfaces: [{ masks: [mask] }],
        sysctls: { netdevMaxBacklog: backlog },
      });
      const bootedAtMs = row.bootedAtMs ?? LATER_MS;
      const seen = { settings: { ...settings, interfaces }, files: [], bootId, bootedAtMs };
      assert.deepEqual(
        driftOf(journal, seen).map((one) => driftDocument(one, 2).expected),
        row.drift,
      );
      assert.equal(journal.values.filter((value) => isEndedByReboot(value, seen)).length, row.ended);
    });
  }
});
