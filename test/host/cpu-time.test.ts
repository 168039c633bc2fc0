import assert from "node:assert/strict";
import { test } from "node:test";

import { sharesBetween } from "../../src/core/cpu-time.ts";
import { parseCpuTime } from "../../src/host/cpu-time.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const stat = `cpu  11672 0 10848 296920 1004 0 3796 2016 5 0
cpu0 5375 0 5598 150896 142 1 248 1152 5 0
cpu3 6297 2 5250 146023 862 0 3547 864 0 0
intr 552632 0 1 2
ctxt 1910481
cpufreq 1
`;

test("the rows of /proc/stat are read by CPU id, without the sum and what follows", () => {
  const time = parseCpuTime(bytes(stat));
  assert.ok(time);
  assert.deepEqual([...time.cpus], [0, 3]);
  assert.deepEqual([...time.softirq], [248, 3547]);
  assert.deepEqual([...time.steal], [1152, 864]);
  assert.deepEqual([...time.idle], [151_038, 146_885]);
  // Guest time is already part of user time.
  assert.deepEqual([...time.total], [163_412, 162_845]);
});

test("a stat without rows of CPUs says nothing", () => {
  assert.equal(parseCpuTime(bytes("intr 1 2 3\n")), undefined);
  assert.equal(parseCpuTime(bytes("")), undefined);
});

test("shares are percents of each CPU's own time", () => {
  const before = parseCpuTime(bytes("cpu0 0 0 0 100 0 0 0 0\ncpu1 0 0 0 100 0 0 0 0\n"))!;
  const after = parseCpuTime(bytes("cpu0 10 0 0 120 0 0 50 20\ncpu1 0 0 0 200 0 0 0 0\n"))!;
  assert.deepEqual(sharesBetween(before, after), [
    { cpu: 0, softirqPercent: 50, stealPercent: 20, idlePercent: 20 },
    { cpu: 1, softirqPercent: 0, stealPercent: 0, idlePercent: 100 },
  ]);
});

test("a CPU without time or without a row in both readings has no share", () => {
  const before = parseCpuTime(bytes("cpu0 5 0 0 100 0 0 0 0\n"))!;
  const after = parseCpuTime(bytes("cpu0 5 0 0 100 0 0 0 0\ncpu1 9 0 0 9 0 0 0 0\n"))!;
  assert.deepEqual(sharesBetween(before, after), []);
});

test("idle time that steps back is no negative share", () => {
  const before = parseCpuTime(bytes("cpu0 0 0 0 100 3 0 0 0\n"))!;
  const after = parseCpuTime(bytes("cpu0 50 0 0 100 2 0 50 0\n"))!;
  assert.equal(sharesBetween(before, after)[0]!.idlePercent, 0);
});
