import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { skipWithoutDebianGuests } from "../support/boot-tests.ts";
import { DebianMachine, type Nic, type Plug } from "./guest/debian-guest.ts";
import type { Guest } from "./guest/guest.ts";
import { putSoftnet, SOFTNET_IN_GUEST as SOFTNET } from "./guest/softnet-files.ts";

const PLAIN: Nic = { id: "plain", mac: "52:54:00:00:00:01", queues: 1 };
/** With fewer queues than there are CPUs, so that RPS is of use. */
const STEERED: Nic = { id: "steered", mac: "52:54:00:00:00:02", queues: 2 };
const NEW: Nic = { id: "new", mac: "52:54:00:00:00:03", queues: 2 };
const CPUS = 3;
const ALL_CPUS = "7";
const NO_CPUS = "0";
const NO_NETWORK = ["cloud-init=disabled", "systemd.mask=systemd-networkd.service"];

const files = mkdtempSync(join(tmpdir(), "softnet-files-"));
const skip = skipWithoutDebianGuests();

interface Way {
  readonly title: string;
  readonly apply: string;
  readonly undo: string;
  /** What a plan did not know stays as it is; the runbook spreads whatever comes. */
  readonly maskOfNewNic: string;
  readonly maskOfPlainNic: string;
}

const CHOICE = `--force --for 1 --backlog 5000 --rps ${ALL_CPUS} --device eth1`;

const WAYS: readonly Way[] = [
  {
    title: "what a plan's scripts set",
    // Both are rendered before the first one runs: afterwards there is nothing left to plan.
    apply: ["apply", "persist"]
      .map(
        (phase) =>
          `${SOFTNET} remedy plan ${CHOICE} --script --phase ${phase} > /root/${phase} || [ $? = 1 ]`,
      )
      .concat("sh /root/apply", "sh /root/persist", "rm /root/apply /root/persist")
      .join("\n"),
    undo: `${SOFTNET} remedy undo --yes`,
    maskOfNewNic: NO_CPUS,
    maskOfPlainNic: NO_CPUS,
  },
  {
    title: "what the portable runbook sets",
    apply: "sh /mnt/scripts/remediate.sh",
    undo: "sh /mnt/scripts/remediate-undo.sh",
    maskOfNewNic: ALL_CPUS,
    maskOfPlainNic: ALL_CPUS,
  },
];

describe("in a guest with systemd and udev", { skip }, () => {
  before(() => putSoftnet(files));
  after(() => rmSync(files, { recursive: true }));

  for (const way of WAYS) {
    test(`${way.title} outlives a reboot, hot-plug, renaming and ethtool -L, and is gone when it is undone`, async (t) => {
      const settings = { cpus: CPUS, nics: [PLAIN, STEERED], spareNics: [NEW], files };
      await DebianMachine.during(t, settings, async (machine) => {
        let untouched = "";
        await machine.boot(["net.ifnames=0", ...NO_NETWORK], async (guest) => {
          untouched = await filesOf(guest);
          assert.deepEqual(await stateOf(guest, STEERED), { backlog: "1000", masks: [NO_CPUS, NO_CPUS] });
          await guest.run(way.apply);
          assert.deepEqual(await stateOf(guest, STEERED), inForce);
        });
        // Other names than those that the remedy has seen.
        await machine.boot(["net.ifnames=1", ...NO_NETWORK], async (guest, plug) => {
          assert.notEqual(await nameOf(guest, STEERED), "eth1");
          assert.deepEqual(await stateOf(guest, STEERED), inForce, "after a reboot");
          assert.deepEqual((await stateOf(guest, PLAIN)).masks, [way.maskOfPlainNic]);
          await keepsInForce(guest, plug, way);
          await guest.run(way.undo);
          assert.deepEqual(await stateOf(guest, STEERED), untouchedState, "undone");
          assert.deepEqual((await stateOf(guest, NEW)).masks, [NO_CPUS, NO_CPUS], "undone");
          assert.equal(await filesOf(guest), untouched);
        });
        await machine.boot(["net.ifnames=0", ...NO_NETWORK], async (guest) => {
          assert.deepEqual(await stateOf(guest, STEERED), untouchedState, "undone and rebooted");
          assert.deepEqual((await stateOf(guest, PLAIN)).masks, [NO_CPUS]);
          assert.equal(await filesOf(guest), untouched);
          assert.equal(await guest.run("systemctl --failed --no-legend"), "");
        });
      });
    });
  }
});

interface State {
  readonly backlog: string;
  /** Of each receive queue. */
  readonly masks: readonly string[];
}

const inForce: State = { backlog: "5000", masks: [ALL_CPUS, ALL_CPUS] };
const untouchedState: State = { backlog: "1000", masks: [NO_CPUS, NO_CPUS] };

async function keepsInForce(guest: Guest, plug: Plug, way: Way): Promise<void> {
  await regrow(guest, STEERED);
  assert.deepEqual(await stateOf(guest, STEERED), inForce, "after ethtool -L");

  await plug.out(STEERED);
  await plug.in(STEERED);
  await settle(guest, STEERED);
  assert.deepEqual(await stateOf(guest, STEERED), inForce, "after it was plugged in again");

  await plug.in(NEW);
  await settle(guest, NEW);
  assert.deepEqual(
    await stateOf(guest, NEW),
    { backlog: "5000", masks: [way.maskOfNewNic, way.maskOfNewNic] },
    "a NIC that was plugged in",
  );

  await guest.run(`ip link set dev ${await nameOf(guest, STEERED)} name lan0`);
  // Its masks live in its queues, which a renaming leaves alone: those that come after it tell.
  await regrow(guest, STEERED);
  assert.equal(await nameOf(guest, STEERED), "lan0");
  assert.deepEqual(await stateOf(guest, STEERED), inForce, "after it was renamed");

  await guest.run("echo 0 > /sys/class/net/lan0/queues/rx-0/rps_cpus; systemctl restart softnet-remedy");
  assert.deepEqual(await stateOf(guest, STEERED), inForce, "after the unit ran");
}

/** Down to one queue and up again, for which the kernel makes a new one. */
async function regrow(guest: Guest, nic: Nic): Promise<void> {
  const name = await nameOf(guest, nic);
  await guest.run(`ethtool -L ${name} combined 1`);
  assert.equal((await stateOf(guest, nic)).masks.length, 1);
  await guest.run(`ethtool -L ${name} combined 2`);
  await settle(guest, nic);
}

/** Waits until the guest has a NIC, and udev has done what it does for it. */
async function settle(guest: Guest, { mac }: Nic): Promise<void> {
  await guest.run(`until grep -q ${mac} /sys/class/net/*/address; do sleep 0.2; done; udevadm settle`);
}

async function nameOf(guest: Guest, { mac }: Nic): Promise<string> {
  const file = await guest.run(`grep -l ${mac} /sys/class/net/*/address`);
  return file.split("/")[4]!;
}

async function stateOf(guest: Guest, { mac }: Nic): Promise<State> {
  const [backlog, ...masks] = (
    await guest.run(
      `file=$(grep -l ${mac} /sys/class/net/*/address)
      cat /proc/sys/net/core/netdev_max_backlog "\${file%/*}"/queues/rx-*/rps_cpus`,
    )
  )
    .trim()
    .split("\n");
  return { backlog: backlog!, masks };
}

/** All that a remedy could leave behind, but for the record of what was done. */
async function filesOf(guest: Guest): Promise<string> {
  const places =
    "/etc /usr/local /usr/lib/systemd /usr/lib/udev /run/udev/rules.d /run/systemd/system /var/lib/softnet-remedy";
  const listed = `find ${places} ! -name audit.jsonl`;
  return guest.run(
    `{ ${listed} ! -type d -printf '%p %y %m %u %g %l\\n'; ${listed} -type f -exec cksum {} +; } 2> /dev/null | sort`,
  );
}
