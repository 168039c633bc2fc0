import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { verdictOf } from "../../src/core/verdict.ts";
import { diagnosisText } from "../../src/reports/diagnosis-text.ts";
import { type InterfaceLine, observationOfLines } from "../core/observations.ts";

const ETH0: InterfaceLine = {
  name: "eth0",
  masks: [0xfn],
  packets: 100_000,
  missed: 12,
  receivingCpus: [0, 2],
};

/** The table of interfaces as it stands in the text, cell by cell. */
function interfacesIn(
  line: InterfaceLine,
  { isTerminal, cpus = 4, lang = "en" }: { isTerminal: boolean; cpus?: number; lang?: "en" | "zh" },
): readonly (readonly string[])[] {
  const observation = observationOfLines({
    cpus: Array.from({ length: cpus }, () => ({ processed: 1000 })),
    interfaces: [line],
  });
  const look = { lang, columns: 80, colours: false, isTerminal, capture: undefined };
  const lines = diagnosisText(observation, verdictOf(observation), look).split("\n");
  const head = lines.findIndex((text) => /^ +(interface|接口) /.test(text));
  return lines.slice(head, head + 2).map((text) => text.trim().split(/ {2,}/));
}

const everyCpu = (count: number): bigint => (1n << BigInt(count)) - 1n;

describe("the interfaces of a diagnosis", () => {
  test("keep the CPUs of the interrupts in 80 columns, and let rx_missed/s give way", () => {
    assert.deepEqual(interfacesIn(ETH0, { isTerminal: true }), [
      ["interface", "kind", "packets/s", "rx_dropped/s", "queues", "rps_cpus", "IRQ CPUs"],
      ["eth0", "virtio_net", "100,000", "0", "1", "f", "0,2"],
    ]);
  });

  test("have every column in a file or a pipe, and whole masks", () => {
    const masks = [everyCpu(104), 1n];
    const [heads, cells] = interfacesIn({ ...ETH0, masks }, { isTerminal: false, cpus: 104 });
    assert.deepEqual(heads!.slice(-3), ["rps_cpus", "IRQ CPUs", "rx_missed/s"]);
    assert.deepEqual(cells!.slice(-3), [
      "ff,ffffffff,ffffffff,ffffffff 00,00000000,00000000,00000001",
      "0,2",
      "12",
    ]);
  });

  const long = [
    { name: "of 104 CPUs", masks: [everyCpu(104)], en: "CPUs 0-103", zh: "CPU 0-103" },
    { name: "of one CPU of 104", masks: [1n << 103n], en: "CPU 103", zh: "CPU 103" },
    { name: "of no CPU of 104", masks: [0n], en: "0", zh: "0" },
    {
      name: "of 32 queues",
      masks: Array.from({ length: 32 }, (_, queue) => 1n << BigInt(queue)),
      en: "32 masks",
      zh: "32 个掩码",
    },
  ];
  for (const { name, masks, en, zh } of long) {
    test(`have a mask ${name} in short before it gives way`, () => {
      for (const [lang, short] of [
        ["en", en],
        ["zh", zh],
      ] as const) {
        const [heads, cells] = interfacesIn({ ...ETH0, masks }, { isTerminal: true, cpus: 104, lang });
        assert.equal(heads![5], "rps_cpus");
        assert.deepEqual(cells!.slice(5), [short, "0,2"]);
      }
    });
  }
});
