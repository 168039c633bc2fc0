import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { driftOf, parseJournal } from "../../src/core/remedy-journal.ts";
import { observationOfLines } from "./observations.ts";

const NOTED = `softnet-remedy 1
run 2026-11-22T20:15:27Z
sysctl /proc/sys/net/core/netdev_max_backlog 5000 1000 -
rps /sys/class/net/eth0/queues/rx-0/rps_cpus 1ffffffff 0,0000000f 52:54:00:12:34:56
set netdev_max_backlog 5000
was netdev_max_backlog net.core.netdev_max_backlog = 2000
file /etc/sysctl.d/99-network-tuning.conf 3094640393:93
run 2026-11-23T08:00:00Z
sysctl /proc/sys/net/core/netdev_max_backlog 6000 5000 -
file /etc/sysctl.d/99-network-tuning.conf 1:93
something-of-a-later-version 1 2 3
`;

test("a journal tells the first originals, the last values, and the files", () => {
  assert.deepEqual(parseJournal(NOTED), {
    values: [
      { kind: "sysctl", name: "netdev_max_backlog", original: 1000, set: 6000 },
      { kind: "rps", device: "eth0", queue: 0, original: 15n, set: 0x1_ffff_ffffn },
    ],
    files: ["/etc/sysctl.d/99-network-tuning.conf"],
    runs: ["2026-11-22T20:15:27Z", "2026-11-23T08:00:00Z"],
  });
});

test("another text is no journal", () => {
  assert.equal(parseJournal(""), undefined);
  assert.equal(parseJournal("root:x:0:0::/root:/bin/sh\n"), undefined);
});

describe("drift", () => {
  const journal = parseJournal(NOTED)!;
  const settingsWith = (backlog: number | undefined, mask: bigint, device = "eth0") => {
    const { settings, interfaces } = observationOfLines({
      cpus: [{}, {}],
      interfaces: [{ name: device, masks: [mask] }],
    });
    return { ...settings, interfaces, sysctls: { ...settings.sysctls, netdevMaxBacklog: backlog } };
  };

  test("is none while all is as it was set", () => {
    assert.deepEqual(driftOf(journal, settingsWith(6000, 0x1_ffff_ffffn)), []);
  });

  test("is what somebody else set", () => {
    assert.deepEqual(
      driftOf(journal, settingsWith(1000, 15n)).map(({ value, found }) => [value.kind, found]),
      [
        ["sysctl", 1000],
        ["rps", 15n],
      ],
    );
  });

  test("is none of what cannot be seen", () => {
    assert.deepEqual(driftOf(journal, settingsWith(undefined, 0n, "eth1")), []);
  });
});
