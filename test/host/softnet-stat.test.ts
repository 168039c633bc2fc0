import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";

import { COLUMN } from "../../src/core/softnet-sample.ts";
import { HostError } from "../../src/errors.ts";
import type { Host } from "../../src/host/host.ts";
import { Machine } from "../../src/host/machine.ts";
import { parseSoftnetStat, readSoftnetStat } from "../../src/host/softnet-stat.ts";
import { hostOf } from "./hosts.ts";

const ROOT = join(import.meta.dirname, "../..");
const AT = { takenAtMs: 1, monotonicMs: 1 };

/** `columns` words, all zero but those given by column. */
function row(columns: number, words: Readonly<Record<number, number>> = {}): string {
  const texts = Array.from({ length: columns }, (_, column) =>
    (words[column] ?? 0).toString(16).padStart(8, "0"),
  );
  return `${texts.join(" ")}\n`;
}

describe("softnet_stat", () => {
  // From test/fixtures where a kernel printed it, from the corpus where it was constructed from the kernel's source.
  const kernels = [
    { kernel: "Linux 2.6.18", root: "corpus/columns-9/1", columns: 9, cpus: [0, 2, 3], dropped: [10, 0, 0] },
    { kernel: "el6", root: "corpus/columns-10/1", columns: 10, cpus: [0, 2, 3], dropped: [10, 0, 0] },
    { kernel: "el7", root: "corpus/columns-11/1", columns: 11, cpus: [0, 2, 3], dropped: [10, 0, 0] },
    {
      kernel: "an Android 4.19",
      root: "corpus/columns-12/1",
      columns: 12,
      cpus: [0, 2, 3],
      dropped: [10, 0, 0],
    },
    { kernel: "el8.5", root: "corpus/columns-13/1", columns: 13, cpus: [0, 2, 3], dropped: [10, 0, 0] },
    {
      kernel: "Linux 5.10 with CPUs 3 and 5 offline",
      root: "test/fixtures/linux-5.10",
      columns: 13,
      cpus: [0, 1, 2, 4, 6, 7],
      dropped: [0, 28882, 0, 34492, 0, 0],
    },
    {
      kernel: "Linux 6.1 with CPUs 3 and 5 offline",
      root: "test/fixtures/linux-6.1",
      columns: 13,
      cpus: [0, 1, 2, 4, 6, 7],
      dropped: [0, 24646, 0, 32192, 0, 0],
    },
    {
      kernel: "Linux 6.12 with CPUs 3 and 5 offline",
      root: "test/fixtures/linux-6.12",
      columns: 15,
      cpus: [0, 1, 2, 4, 6, 7],
      dropped: [0, 20047, 0, 28935, 0, 0],
    },
    {
      kernel: "Linux 6.18",
      root: "test/fixtures/linux-6.18",
      columns: 15,
      cpus: [0, 1],
      dropped: [252114, 9162645],
    },
    {
      kernel: "a kernel to come",
      root: "corpus/columns-18/1",
      columns: 18,
      cpus: [0, 2, 3],
      dropped: [10, 0, 0],
    },
  ];
  for (const { kernel, root, columns, cpus, dropped } of kernels) {
    test(`of ${kernel} has ${columns} columns`, () => {
      using machine = new Machine(join(ROOT, root));
      const sample = readSoftnetStat(machine, AT);
      assert.equal(sample.columns, columns);
      assert.deepEqual([...sample.cpus], cpus);
      assert.deepEqual(
        cpus.map((_, at) => sample.words[at * columns + COLUMN.dropped]),
        dropped,
      );
    });
  }

  test("of this machine has a row for each CPU that has a time", () => {
    using machine = new Machine();
    const sample = readSoftnetStat(machine, AT);
    assert.ok(sample.columns >= 9);
    assert.equal(sample.words.length, sample.cpus.length * sample.columns);
    assert.match(sample.bootId ?? "", /^[0-9a-f-]{36}$/);
  });

  test("is an unsigned number, whatever its highest bit", () => {
    const { words } = parseSoftnetStat(new TextEncoder().encode(row(9, { 0: 0xffff_ffff, 1: 0x8000_0000 })));
    assert.deepEqual([...words.subarray(0, 2)], [0xffff_ffff, 0x8000_0000]);
  });

  test("of 1024 CPUs is read to its last row", () => {
    const text = Array.from({ length: 1024 }, (_, cpu) => row(15, { 0: cpu + 7, 12: cpu })).join("");
    const { columns, rows, words } = parseSoftnetStat(new TextEncoder().encode(text));
    assert.deepEqual({ columns, rows, words: words.length }, { columns: 15, rows: 1024, words: 15 * 1024 });
    assert.deepEqual([...words.subarray(-15, -12)], [1030, 0, 0]);
  });

  const stat = "/proc/net/softnet_stat";
  const online = "/sys/devices/system/cpu/online";
  const possible = "/sys/devices/system/cpu/possible";
  const maps = [
    { name: "the online map", files: { [online]: "1,3\n" }, cpus: [1, 3] },
    {
      name: "the possible CPUs where a container sees fewer online",
      files: { [online]: "0\n", [possible]: "0-1\n" },
      cpus: [0, 1],
    },
    {
      name: "the CPUs that have a time where there is no map",
      files: { "/proc/stat": "cpu  1 1 1 1\ncpu2 1 1 1 1\ncpu5 1 1 1 1\n" },
      cpus: [2, 5],
    },
    { name: "the rows' numbers where there is nothing else", files: {}, cpus: [0, 1] },
  ];
  for (const { name, files, cpus } of maps) {
    test(`without column 13 takes its CPUs from ${name}`, () => {
      const sample = readSoftnetStat(hostOf({ [stat]: row(11) + row(11), ...files }), AT);
      assert.deepEqual([...sample.cpus], cpus);
    });
  }

  const defects = [
    { name: "absent", files: {}, where: stat, got: "no readable file" },
    { name: "empty", files: { [stat]: "" }, where: `${stat} line 1`, got: "an empty file" },
    {
      name: "torn within a row",
      files: { [stat]: row(13) + row(13).slice(0, 30) },
      where: `${stat} line 2`,
      got: "the file's end: it is torn",
    },
    {
      name: "ragged",
      files: { [stat]: row(13) + row(11) },
      where: `${stat} line 2`,
      got: "11",
    },
    { name: "foreign", files: { [stat]: "cpu  1 2 3\n" }, where: `${stat} line 1`, got: 'the byte "p"' },
    {
      name: "of CPUs that contradict the online map",
      files: { [stat]: row(11) + row(11), [online]: "0-2\n", [possible]: "0-3\n" },
      where: `${stat} line 2`,
      got: "2 rows",
    },
    {
      name: "of a CPU twice",
      files: { [stat]: row(15, { 12: 4 }) + row(15, { 12: 4 }) },
      where: `${stat} line 2`,
      got: "4",
    },
  ];
  for (const { name, files, where, got } of defects) {
    test(`that is ${name} is refused with its line`, () =>
      assert.throws(
        () => readSoftnetStat(hostOf(files), AT),
        (error) => {
          assert.ok(error instanceof HostError, String(error));
          assert.deepEqual({ where: error.where, got: error.got }, { where, got });
          return true;
        },
      ));
  }

  for (const { name, files, where, got } of defects) {
    test(`that is ${name} below another root is named by where it lies`, () => {
      const host: Host = { ...hostOf(files), locate: (path) => `/host${path}` };
      assert.throws(() => readSoftnetStat(host, AT), { where: `/host${where}`, got });
    });
  }

  test("that was torn once does not spoil the next reading", () => {
    const files = { [stat]: row(15).slice(0, 20) };
    assert.throws(() => readSoftnetStat(hostOf(files), AT), HostError);
    files[stat] = row(15, { 0: 5 });
    assert.equal(readSoftnetStat(hostOf(files), AT).words[0], 5);
  });
});
