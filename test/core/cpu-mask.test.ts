import assert from "node:assert/strict";
import { test } from "node:test";

import { cpusOfMask, formatCpuMask, maskOfCpus, parseCpuMask } from "../../src/core/cpu-mask.ts";

// Printed by real kernels of so many possible CPUs (5.10, 6.1, 6.12, 6.18), except 64 and those from 104 on.
const printed: readonly { possible: number; cpus: readonly number[]; text: string }[] = [
  { possible: 1, cpus: [0], text: "1" },
  { possible: 2, cpus: [0, 1], text: "3" },
  { possible: 2, cpus: [], text: "0" },
  { possible: 8, cpus: [0, 1, 2, 3], text: "0f" },
  { possible: 8, cpus: [0, 1, 2, 4, 6, 7], text: "d7" },
  { possible: 16, cpus: [0, 1, 2, 3], text: "000f" },
  { possible: 32, cpus: [31], text: "80000000" },
  { possible: 33, cpus: [32], text: "1,00000000" },
  { possible: 40, cpus: [...Array(40).keys()], text: "ff,ffffffff" },
  { possible: 40, cpus: [0, 1, 2, 3], text: "00,0000000f" },
  { possible: 64, cpus: [...Array(64).keys()], text: "ffffffff,ffffffff" },
  { possible: 64, cpus: [32], text: "00000001,00000000" },
  { possible: 104, cpus: [0, 103], text: "80,00000000,00000000,00000001" },
  { possible: 256, cpus: [255], text: `80000000${",00000000".repeat(7)}` },
  { possible: 1024, cpus: [...Array(1024).keys()], text: `ffffffff${",ffffffff".repeat(31)}` },
  { possible: 1024, cpus: [0, 1023], text: `80000000${",00000000".repeat(30)},00000001` },
];

for (const { possible, cpus, text } of printed) {
  test(`CPUs ${cpus.length > 8 ? `0-${cpus.length - 1}` : cpus.join() || "none"} of ${possible} are ${text}`, () => {
    const mask = maskOfCpus(cpus);
    assert.equal(formatCpuMask(mask, possible), text);
    assert.equal(parseCpuMask(`${text}\n`), mask);
    assert.deepEqual(cpusOfMask(mask), cpus);
  });
}

test("a mask is the same number however it is padded", () => {
  assert.equal(parseCpuMask("f"), parseCpuMask("00,0000000f"));
  assert.equal(parseCpuMask("00000000,00000003"), 3n);
});

for (const text of ["", "\n", "0x3", "0-1", "g", "123456789", "1,2", "1,,00000001", ",3", "3,"]) {
  test(`${JSON.stringify(text)} is no mask that a kernel prints`, () => {
    assert.equal(parseCpuMask(text), undefined);
  });
}

test("a CPU beyond the possible ones is refused before the kernel does", () => {
  assert.throws(() => formatCpuMask(maskOfCpus([2]), 2), RangeError);
  assert.throws(() => formatCpuMask(maskOfCpus([32]), 32), RangeError);
});
