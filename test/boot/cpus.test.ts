import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import {
  type CpuMask,
  cpusOfMask,
  formatCpuMask,
  maskOfCpus,
  parseCpuMask,
} from "../../src/core/cpu-mask.ts";
import type { DiagnosisDocument } from "../../src/core/diagnosis.ts";
import { renderApply, renderUndo } from "../../src/core/remedy-script.ts";
import { type CapturedHost, parseCapture } from "../../src/host/capture.ts";
import { readNetInterrupts, readNetRx } from "../../src/host/interrupts.ts";
import { readHostSettings } from "../../src/host/settings.ts";
import { readSoftnetStat } from "../../src/host/softnet-stat.ts";
import { skipWithoutGuests } from "../support/boot-tests.ts";
import { runSoftnet } from "../support/run-softnet.ts";
import type { Guest } from "./guest/guest.ts";
import { duringLeanGuest } from "./guest/lean-guest.ts";

/** Where Node compiles in threads of its own, one start in ten crashes on emulated CPUs. */
const SOFTNET = [
  process.execPath,
  "--single-threaded",
  fileURLToPath(new URL("../../bin/softnet.js", import.meta.url)),
]
  .map((word) => `'${word}'`)
  .join(" ");
const SOFTNET_STAT = "/proc/net/softnet_stat";
const RPS_CPUS = "/sys/class/net/veth0/queues/rx-0/rps_cpus";

const ALL_OF_8 = maskOfCpus(upTo(8));

/** Emulated CPUs are slow and share the real ones, so no rate is looked at here. */
describe("in a guest", { skip: skipWithoutGuests() }, () => {
  test("of 8 CPUs each has its row, and one that is offline has none", async (t) => {
    await duringLeanGuest(t, { cpus: "8", withinSeconds: 300 }, async (guest) => {
      const before = await diagnoseIn(guest);
      assert.deepEqual(cpusOf(before), upTo(8));
      assert.deepEqual(before.host.onlineCpus, upTo(8));
      assert.deepEqual(before.host.isolatedCpus, []);
      assert.equal(before.host.possibleCpus, 8);
      const columns = (await guest.run(`head -n 1 ${SOFTNET_STAT}`)).trim().split(" ").length;
      assert.ok(columns >= 13, `${columns} columns`);

      await guest.run("for cpu in 3 5; do echo 0 > /sys/devices/system/cpu/cpu$cpu/online; done");
      await addVeth(guest);
      const kept = await writeMask(guest, formatCpuMask(ALL_OF_8, 8));
      const after = await diagnoseIn(guest);
      assert.deepEqual(cpusOf(after), [0, 1, 2, 4, 6, 7]);
      assert.deepEqual(after.host.onlineCpus, [0, 1, 2, 4, 6, 7]);
      assert.equal(after.host.possibleCpus, 8);
      assert.equal(await rowsOf(guest), 6);
      assert.equal(kept, "d7");
      assert.deepEqual(rpsCpusOf(after), [kept]);
      assert.deepEqual(cpusOfMask(parseCpuMask(kept)!), cpusOf(after));

      const { kind, driver, speedMbps, rxQueues, rpsCpus } = interfaceOf(after.host, "eth0")!;
      // virtio says −1 for its speed.
      assert.deepEqual([kind, driver, speedMbps, rxQueues], ["nic", "virtio_net", undefined, 1]);
      assert.deepEqual(rpsCpus, ["00"]);
    });
  });

  test("isolated CPUs have a row and stay out of masks", async (t) => {
    const settings = { cpus: "8", kernelArguments: ["isolcpus=domain,6-7"], withinSeconds: 300 };
    await duringLeanGuest(t, settings, async (guest) => {
      await addVeth(guest);
      const kept = await writeMask(guest, formatCpuMask(ALL_OF_8, 8));
      const { host, cpus } = await diagnoseIn(guest);
      assert.deepEqual(host.isolatedCpus, [6, 7]);
      assert.deepEqual(host.onlineCpus, upTo(8));
      assert.equal(cpus.length, 8);
      assert.equal(kept, "3f");
      assert.deepEqual(rpsCpusOf({ host }), [kept]);
    });
  });

  test("40 CPUs take more than one read, and masks of two groups", async (t) => {
    await duringLeanGuest(t, { cpus: "40", withinSeconds: 540 }, async (guest) => {
      const inOneRead = (await guest.run(`dd if=${SOFTNET_STAT} bs=64k count=1 2> /dev/null`)).length;
      assert.ok(inOneRead <= 4096, `${inOneRead} bytes in one read`);

      await addVeth(guest);
      await keepsMasks(guest, 40, [
        maskOfCpus(upTo(40)),
        maskOfCpus(upTo(32)),
        maskOfCpus([31, 32]),
        maskOfCpus([39]),
        maskOfCpus(upTo(40).filter((cpu) => cpu % 3 === 0)),
        0n,
        maskOfCpus(upTo(40).slice(1)),
      ]);
      await appliesAndUndoes(guest, 40, maskOfCpus(upTo(40).slice(1)), maskOfCpus(upTo(40)));
      assert.equal(await writeMask(guest, "f"), formatCpuMask(0xfn, 40));
      const kept = await writeMask(guest, "ff,ffffffff");

      const host = await captureIn(guest);
      const { columns, cpus, words } = readSoftnetStat(host, host);
      assert.deepEqual([...cpus], upTo(40));
      assert.ok(columns * 40 * "00000000 ".length > 4096, `${columns} columns`);
      assert.equal(words.length, columns * 40);

      const settings = readHostSettings(host);
      assert.deepEqual(settings.cpus.online, upTo(40));
      assert.equal(settings.cpus.possible, 40);
      assert.deepEqual(
        interfaceOf(settings, "veth0")?.rxQueues.map(({ rpsCpus }) => formatCpuMask(rpsCpus!, 40)),
        [kept],
      );

      // Both tables have a column for each CPU.
      const receiving = interfaceOf(settings, "eth0")?.irqs.find(({ name }) => name?.endsWith("-input.0"));
      const counts = readNetInterrupts(host)?.get(receiving!.irq)?.counts;
      assert.deepEqual([...counts!.keys()], upTo(40));
      assert.ok(receiving!.cpus!.length > 0 && receiving!.cpus!.every((cpu) => cpu < 40));
      assert.deepEqual([...readNetRx(host)!.keys()], upTo(40));
    });
  });

  test("masks are as wide as CPUs are possible, and keep those that are online", async (t) => {
    await duringLeanGuest(t, { cpus: "2,maxcpus=104", withinSeconds: 240 }, async (guest) => {
      await addVeth(guest);
      assert.equal(await writeMask(guest, formatCpuMask((1n << 104n) - 1n, 104)), formatCpuMask(3n, 104));
      await keepsMasks(guest, 104, [1n, 2n, 0n]);

      const [host] = parseCapture(Buffer.from(await guest.run(await captureScript())), "the guest").snapshots;
      assert.deepEqual([...readSoftnetStat(host, host).cpus], [0, 1]);
      const { possible, online } = readHostSettings(host).cpus;
      assert.deepEqual({ possible, online }, { possible: 104, online: [0, 1] });
    });
  });
});

/** The kernel takes each of these masks in our spelling and gives it back in the same, and refuses what we refuse to spell. */
async function keepsMasks(guest: Guest, possibleCpus: number, masks: readonly bigint[]): Promise<void> {
  for (const mask of masks) {
    const written = formatCpuMask(mask, possibleCpus);
    const kept = await writeMask(guest, written);
    assert.equal(kept, written);
    assert.equal(parseCpuMask(kept), mask);
  }
  const beyond = 1n << BigInt(possibleCpus);
  assert.throws(() => formatCpuMask(beyond, possibleCpus), RangeError);
  const { code } = await guest.finish(`echo ${formatCpuMask(beyond, possibleCpus + 1)} > ${RPS_CPUS}`);
  assert.notEqual(code, 0, "the kernel took a CPU beyond the possible ones");
}

/** The rendered scripts, as a remedy runs them. */
async function appliesAndUndoes(
  guest: Guest,
  possibleCpus: number,
  from: CpuMask,
  to: CpuMask,
): Promise<void> {
  const change = { kind: "rps", device: "veth0", queue: 0, from, to, possibleCpus } as const;
  for (const [script, mask] of [
    [renderApply([change]), to],
    [renderUndo({ force: false }), from],
  ] as const) {
    const { code, stderr } = await guest.finish(script);
    assert.equal(code, 0, stderr);
    assert.equal((await guest.run(`cat ${RPS_CPUS}`)).trim(), formatCpuMask(mask, possibleCpus));
  }
}

/** @returns what the kernel has made of it. */
async function writeMask(guest: Guest, text: string): Promise<string> {
  return (await guest.run(`echo ${text} > ${RPS_CPUS}; cat ${RPS_CPUS}`)).trim();
}

async function addVeth(guest: Guest): Promise<void> {
  await guest.run("ip link add veth0 type veth peer name veth1");
}

async function rowsOf(guest: Guest): Promise<number> {
  return (await guest.run(`cat ${SOFTNET_STAT}`)).trim().split("\n").length;
}

async function diagnoseIn(guest: Guest): Promise<DiagnosisDocument> {
  const { code, stdout, stderr } = await guest.finish(`${SOFTNET} diagnose --json --for 2`);
  assert.ok(code === 0 || code === 1, stderr);
  return JSON.parse(stdout) as DiagnosisDocument;
}

async function captureIn(guest: Guest): Promise<CapturedHost> {
  const text = await guest.run(`${SOFTNET} capture --for 1`);
  return parseCapture(Buffer.from(text), "the guest").snapshots[0];
}

async function captureScript(): Promise<string> {
  return (await runSoftnet(["capture", "--script", "--for", "1"])).stdout;
}

function cpusOf({ cpus }: DiagnosisDocument): readonly number[] {
  return cpus.map(({ cpu }) => cpu);
}

function rpsCpusOf({ host }: Pick<DiagnosisDocument, "host">): readonly string[] | undefined {
  return interfaceOf(host, "veth0")?.rpsCpus;
}

function interfaceOf<I extends { readonly name: string }>(
  host: { readonly interfaces: readonly I[] },
  name: string,
): I | undefined {
  return host.interfaces.find((one) => one.name === name);
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, cpu) => cpu);
}
