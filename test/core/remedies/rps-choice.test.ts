import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { formatCpuMask } from "../../../src/core/cpu-mask.ts";
import { chooseRps, type RpsChoice } from "../../../src/core/remedies/rps-choice.ts";
import { type InterfaceLine, observationOfLines } from "../observations.ts";

interface Machine {
  readonly cpus: number;
  readonly queues?: number;
  readonly mask?: bigint;
  readonly offline?: readonly number[];
  readonly isolated?: readonly number[];
  readonly node?: readonly number[];
  /** Where its interrupts go, and how busy these CPUs are. */
  readonly receivingCpus?: readonly number[];
  readonly receivingPercent?: number;
}

function choiceOn(machine: Machine): RpsChoice {
  const all = Array.from({ length: machine.cpus }, (_, cpu) => cpu);
  const online = all.filter((cpu) => !machine.offline?.includes(cpu));
  const device: InterfaceLine = {
    masks: Array.from({ length: machine.queues ?? 1 }, () => machine.mask ?? 0n),
    ...(machine.receivingCpus ? { receivingCpus: machine.receivingCpus } : {}),
  };
  const observation = observationOfLines({
    cpus: all.map((cpu) => ({
      softirq: machine.receivingCpus?.includes(cpu) ? (machine.receivingPercent ?? 0) : 10,
    })),
    interfaces: [device],
  });
  return chooseRps({
    device: { ...observation.interfaces[0]!, numaNode: machine.node ? 0 : undefined },
    cpus: {
      possible: machine.cpus,
      online,
      isolated: machine.isolated ?? [],
      ofNode: machine.node ? { 0: machine.node } : {},
    },
    observedCpus: observation.cpus.filter(({ cpu }) => online.includes(cpu)),
  });
}

const range = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe("the mask, as the kernel prints it", () => {
  const full = "ffffffff";
  const rows: readonly (Machine & { readonly name: string; readonly mask8: string })[] = [
    { name: "2 CPUs", cpus: 2, mask8: "3" },
    { name: "8 CPUs", cpus: 8, mask8: "ff" },
    { name: "32 CPUs", cpus: 32, mask8: full },
    { name: "33 CPUs", cpus: 33, mask8: `1,${full}` },
    { name: "40 CPUs", cpus: 40, mask8: `ff,${full}` },
    { name: "64 CPUs", cpus: 64, mask8: `${full},${full}` },
    { name: "104 CPUs", cpus: 104, mask8: `ff,${full},${full},${full}` },
    { name: "256 CPUs", cpus: 256, mask8: Array(8).fill(full).join(",") },
    { name: "1024 CPUs", cpus: 1024, mask8: Array(32).fill(full).join(",") },
    { name: "CPUs that are offline left out", cpus: 8, offline: [3, 5], mask8: "d7" },
    { name: "CPUs that are isolated left out", cpus: 8, isolated: [6, 7], mask8: "3f" },
    {
      name: "the NIC's node of 104 CPUs",
      cpus: 104,
      node: range(52, 103),
      mask8: "ff,ffffffff,fff00000,00000000",
    },
    { name: "a node with one usable CPU is not enough", cpus: 4, node: [2], mask8: "f" },
    { name: "a mask of Alibaba Cloud's images is widened", cpus: 16, mask: 0xffn, queues: 16, mask8: "ffff" },
    {
      name: "the CPU of the interrupt stays while RPS is off",
      cpus: 8,
      receivingCpus: [0],
      receivingPercent: 99,
      mask8: "ff",
    },
    {
      name: "it leaves where RPS left it busy and four others stay",
      cpus: 5,
      mask: 31n,
      receivingCpus: [0],
      receivingPercent: 51,
      mask8: "1e",
    },
  ];
  for (const { name, mask8, ...machine } of rows) {
    test(name, () => {
      const choice = choiceOn(machine);
      assert.equal(choice.kind === "spread" ? formatCpuMask(choice.mask, machine.cpus) : choice.kind, mask8);
    });
  }
});

describe("RPS is not turned on", () => {
  const rows: readonly (Machine & { readonly name: string; readonly kind: RpsChoice["kind"] })[] = [
    { name: "with one CPU", cpus: 1, kind: "one-cpu" },
    { name: "with one CPU that is not isolated", cpus: 2, isolated: [1], kind: "one-cpu" },
    { name: "with a queue for each CPU", cpus: 8, queues: 8, kind: "enough-queues" },
    { name: "where the mask covers every CPU", cpus: 8, mask: 0xffn, kind: "already-spread" },
    {
      name: "where the mask goes further than the node",
      cpus: 8,
      node: range(0, 3),
      mask: 0xffn,
      kind: "already-spread",
    },
    {
      name: "without the interrupt's CPU where only three others would stay",
      cpus: 4,
      mask: 15n,
      receivingCpus: [0],
      receivingPercent: 90,
      kind: "already-spread",
    },
    {
      name: "without the interrupt's CPU where it is half idle",
      cpus: 8,
      mask: 0xffn,
      receivingCpus: [0],
      receivingPercent: 50,
      kind: "already-spread",
    },
  ];
  for (const { name, kind, ...machine } of rows) {
    test(name, () => {
      assert.equal(choiceOn(machine).kind, kind);
    });
  }

  test("on a kernel without it", () => {
    const { interfaces, cpus, settings } = observationOfLines({
      cpus: [{}, {}],
      interfaces: [{ masks: [null] }],
    });
    assert.equal(
      chooseRps({ device: interfaces[0]!, cpus: settings.cpus, observedCpus: cpus }).kind,
      "no-rps",
    );
  });
});
