import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";

import { HostError } from "../../src/errors.ts";
import { parseCapture, readCapture, renderCapture } from "../../src/host/capture.ts";
import { type Host, readText } from "../../src/host/host.ts";
import { readSoftnetStat } from "../../src/host/softnet-stat.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const parse = (text: string) => parseCapture(bytesOf(text), "x.capture");

const SOFTNET_STAT = "/proc/net/softnet_stat";
const BACKLOG = "/proc/sys/net/core/netdev_max_backlog";

const CAPTURE = `softnet-capture 1
@snapshot 1795375709683 1960.856
@file ${BACKLOG}
 1000
@file /sys/class/net/eth0/queues/rx-0/rps_cpus
 0
@file /sys/class/net/eth0/statistics/rx_dropped
 7
@file /sys/devices/system/cpu/isolated
${" "}
@file /proc/empty
@file ${SOFTNET_STAT}
 00000001 00000000
@snapshot 1795375710684 1961.857
@file ${SOFTNET_STAT}
 00000002 00000000
@end
`;

describe("a capture", () => {
  const [first, second] = parse(CAPTURE).snapshots;

  const readings: { name: string; host: Host; path: string; text: string | undefined }[] = [
    { name: "gives a file back as it was", host: first, path: SOFTNET_STAT, text: "00000001 00000000\n" },
    {
      name: "has what changed in each snapshot",
      host: second,
      path: SOFTNET_STAT,
      text: "00000002 00000000\n",
    },
    { name: "has what does not change in all snapshots", host: second, path: BACKLOG, text: "1000\n" },
    {
      name: "does not carry a changing file over to a snapshot that lacks it",
      host: second,
      path: "/sys/class/net/eth0/statistics/rx_dropped",
      text: undefined,
    },
    {
      name: "tells an empty line from an empty file",
      host: first,
      path: "/sys/devices/system/cpu/isolated",
      text: "\n",
    },
    { name: "tells an empty file from none", host: first, path: "/proc/empty", text: "" },
    {
      name: "has nothing where the host had nothing",
      host: first,
      path: "/proc/sys/net/core/dev_weight",
      text: undefined,
    },
  ];
  for (const { name, host, path, text } of readings) {
    test(name, () => assert.equal(readText(host, path), text));
  }

  const lists: { name: string; host: Host; dir: string; names: string[] }[] = [
    {
      name: "lists a directory from the paths below it",
      host: first,
      dir: "/sys/class/net/eth0",
      names: ["queues", "statistics"],
    },
    { name: "lists the root", host: first, dir: "/", names: ["proc", "sys"] },
    {
      name: "lists what does not change in all snapshots",
      host: second,
      dir: "/sys/class/net/eth0",
      names: ["queues"],
    },
    { name: "lists nothing where there is nothing", host: second, dir: "/sys/class/net/eth1", names: [] },
  ];
  for (const { name, host, dir, names } of lists) {
    test(name, () => assert.deepEqual(host.list(dir), names));
  }

  test("says when each snapshot was taken, by both clocks", () => {
    assert.deepEqual([first.takenAtMs, first.monotonicMs], [1795375709683, 1960856]);
    assert.deepEqual([second.takenAtMs, second.monotonicMs], [1795375710684, 1961857]);
  });

  test("leads through a symbolic link's parent without listing it", () => {
    const [host] = parse(CAPTURE.replace(BACKLOG, "/sys/class/net/eth0/device/../msi_irqs/37")).snapshots;
    assert.deepEqual(host.list("/sys/class/net/eth0/device/../msi_irqs"), ["37"]);
    assert.deepEqual(host.list("/sys/class/net/eth0/device"), []);
  });

  for (const form of ["plain", "gzip"] as const) {
    test(`is written and read back the same (${form})`, () => {
      const snapshots = [
        {
          takenAtMs: 1795375709683,
          monotonicMs: 1960856,
          files: new Map([
            [BACKLOG, bytesOf("1000\n")],
            ["/proc/empty", bytesOf("")],
            ["/sys/devices/system/cpu/isolated", bytesOf("\n")],
            ["/etc/os-release", bytesOf('PRETTY_NAME="Alibaba Cloud Linux 3 (龙蜥)"\n')],
          ]),
        },
        {
          takenAtMs: 1795375710683,
          monotonicMs: 1961856.5,
          files: new Map([[SOFTNET_STAT, bytesOf("00000001\n@file /etc/x\n@end\n")]]),
        },
      ];
      const text = renderCapture(snapshots, form);
      assert.equal(form === "gzip", /^[A-Za-z0-9+/]+=*\n$/.test(text));
      const { snapshots: read } = parse(text);
      assert.equal(read.length, 2);
      for (const [i, { files, ...moment }] of snapshots.entries()) {
        const { takenAtMs, monotonicMs } = read[i]!;
        assert.deepEqual({ takenAtMs, monotonicMs }, moment);
        for (const [path, bytes] of files) assert.deepEqual(read[i]!.read(path), bytes, path);
      }
    });
  }

  test("may be gzipped without base64", () => {
    assert.equal(parseCapture(gzipSync(CAPTURE), "x.capture.gz").snapshots.length, 2);
  });

  test("may lack the newline after its last line", () => {
    assert.equal(parse(CAPTURE.trimEnd()).snapshots.length, 2);
  });
});

const row = (processed: number, cpu: number): string =>
  [processed, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, cpu]
    .map((word) => word.toString(16).padStart(8, "0"))
    .join(" ");

describe("a capture that left CPUs out", () => {
  const wide = `softnet-capture 1
@omitted cpus 0-1,3
@omitted cpu-times 4
@omitted snapshots 9
@omitted interfaces 240
@omitted files 12
@snapshot 1 1.0
@file ${SOFTNET_STAT}
 ${row(5, 2)}
 ${row(6, 4)}
@snapshot 2 2.0
@file ${SOFTNET_STAT}
 ${row(7, 2)}
 ${row(8, 4)}
@end
`;

  test("counts what it left out", () => {
    assert.deepEqual(parse(wide).omitted, {
      cpus: [0, 1, 3],
      cpuTimes: 4,
      snapshots: 9,
      interfaces: 240,
      files: 12,
    });
  });

  test("gives them rows that stand still", () => {
    const processed = parse(wide).snapshots.map((host) => {
      const { cpus, words, columns } = readSoftnetStat(host, host);
      return Object.fromEntries(Array.from(cpus, (cpu, at) => [cpu, words[at * columns]]));
    });
    assert.deepEqual(processed, [
      { 0: 0, 1: 0, 2: 5, 3: 0, 4: 6 },
      { 0: 0, 1: 0, 2: 7, 3: 0, 4: 8 },
    ]);
  });

  test("keeps the CPUs right on a kernel that does not print them", () => {
    const narrow = wide
      .replaceAll(/(00000000 ?){3}0000000[24]$/gm, "00000000")
      .replace("@snapshot 1 1.0\n", "@snapshot 1 1.0\n@file /sys/devices/system/cpu/online\n 0-4\n");
    const [first] = parse(narrow).snapshots;
    const sample = readSoftnetStat(first, first);
    assert.equal(sample.columns, 10);
    assert.deepEqual([...sample.cpus], [0, 1, 2, 3, 4]);
    assert.equal(sample.words[2 * 10], 5);
    assert.equal(sample.words[4 * 10], 6);
  });

  test("must not name a CPU that has a row", () => {
    assert.throws(
      () => parse(wide.replace("0-1,3", "0-2")),
      /expected a row for each of 5 CPUs, got omitted CPUs/,
    );
  });
});

describe("a capture is refused", () => {
  const lines = CAPTURE.split("\n");
  const replaced = (number: number, ...by: string[]): string =>
    lines.toSpliced(number - 1, 1, ...by).join("\n");

  const defects = [
    {
      name: "when it is empty",
      text: "",
      message: 'line 1: expected "softnet-capture 1", got an empty file',
    },
    {
      name: "when it is something else",
      text: "root:x:0:0\n",
      message: 'line 1: expected "softnet-capture 1", got "root:x:0:0"',
    },
    {
      name: "when it is of a later version",
      text: replaced(1, "softnet-capture 2"),
      message: 'line 1: expected "softnet-capture 1", got "softnet-capture 2"',
    },
    {
      name: "when mail rewrote its line ends",
      text: lines.join("\r\n"),
      message: "line 1: expected lines that end in \\n, got \\r\\n (mail rewrote it; --gzip survives that)",
    },
    {
      name: "when its end is missing",
      text: lines.slice(0, -2).join("\n"),
      message: "line 17: expected @end as the last line, got the file's end: it was cut short",
    },
    {
      name: "when something follows its end",
      text: `${CAPTURE}bye\n`,
      message: 'line 18: expected nothing after @end, got "bye"',
    },
    {
      name: "when it has one snapshot",
      text: [...lines.slice(0, 13), "@end"].join("\n"),
      message: "line 14: expected at least two snapshots, got 1",
    },
    {
      name: "when a file precedes the first snapshot",
      text: lines.toSpliced(1, 1).join("\n"),
      message: `line 2: expected @snapshot before the first @file, got "@file ${BACKLOG}"`,
    },
    {
      name: "when lines precede the first file",
      text: lines.toSpliced(2, 1).join("\n"),
      message: 'line 3: expected @file before a file\'s lines, got " 1000"',
    },
    {
      name: "when a snapshot has no time",
      text: replaced(2, "@snapshot now"),
      message: 'line 2: expected "@snapshot <unix ms> <uptime seconds>", got "@snapshot now"',
    },
    {
      name: "when the uptime does not grow",
      text: replaced(14, "@snapshot 1795375710684 1960.856"),
      message: "line 14: expected an uptime after 1960.856, got 1960.856",
    },
    {
      name: "when a path is not absolute",
      text: replaced(3, "@file proc/stat"),
      message: 'line 3: expected "@file <absolute path>", got "proc/stat"',
    },
    {
      name: "when a snapshot has a file twice",
      text: replaced(5, `@file ${BACKLOG}`),
      message: `line 5: expected each file once in a snapshot, got ${BACKLOG} again`,
    },
    {
      name: "when an editor cut a space at a line's end",
      text: replaced(10, ""),
      message:
        "line 10: expected a line that begins with a space, @snapshot, @file or @end, got an empty line",
    },
    {
      name: "when it knows a word that we do not",
      text: replaced(3, "@files /proc/stat"),
      message:
        'line 3: expected a line that begins with a space, @snapshot, @file or @end, got "@files /proc/stat"',
    },
    {
      name: "when it leaves out what cannot be left out",
      text: replaced(1, lines[0]!, "@omitted drops 3"),
      message:
        'line 2: expected "@omitted cpus LIST" or "@omitted cpu-times|snapshots|interfaces|files COUNT", got "@omitted drops 3"',
    },
    {
      name: "when it leaves something out too late",
      text: replaced(14, "@omitted snapshots 3", lines[13]!),
      message: 'line 14: expected @omitted above the first @snapshot, got "@omitted snapshots 3"',
    },
  ];
  for (const { name, text, message } of defects) {
    test(name, () =>
      assert.throws(
        () => parse(text),
        (error) => {
          assert.ok(error instanceof HostError, String(error));
          assert.equal(error.message, `x.capture ${message}`);
          assert.equal(error.code, "capture-unreadable");
          return true;
        },
      ),
    );
  }

  test("when it is not UTF-8", () => {
    const bytes = bytesOf(CAPTURE);
    bytes[bytes.length - 8] = 0xff;
    assert.throws(
      () => parseCapture(bytes, "x"),
      /^HostError: x: expected UTF-8 text or gzip, got other bytes$/,
    );
  });

  test("when its gzip was cut short", () => {
    const text = renderCapture([{ takenAtMs: 1, monotonicMs: 1000, files: new Map() }], "gzip");
    assert.throws(() => parse(text.slice(0, 40)), /expected whole gzip data, got .*cut short/);
  });

  test("when it unpacks to more than fits", () => {
    const bomb = gzipSync(Buffer.alloc(65 * 1024 * 1024, " ")).toString("base64");
    assert.throws(() => parse(bomb), /^HostError: x.capture: expected at most 64 MB, got more$/);
  });
});

describe("a capture's file", () => {
  test("is read by its path", (t) => {
    const dir = mkdtempSync(join(tmpdir(), "softnet-capture-"));
    t.after(() => rmSync(dir, { recursive: true }));
    writeFileSync(join(dir, "a.capture"), CAPTURE);
    assert.equal(readCapture(join(dir, "a.capture")).snapshots.length, 2);
  });

  test("may be a socket, which is what Node gives a child for its standard input", () => {
    const reader = `import { readCapture } from ${JSON.stringify(import.meta.resolve("../../src/host/capture.ts"))};
      process.stdout.write(String(readCapture("-").snapshots.length));`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", reader], {
      input: CAPTURE,
      encoding: "utf8",
    });
    assert.deepEqual([stdout, stderr], ["2", ""]);
  });

  const absent = [
    { path: "/nowhere/a.capture", got: "no such file" },
    { path: "/", got: "a directory" },
  ];
  for (const { path, got } of absent) {
    test(`that cannot be read is a complaint: ${got}`, () =>
      assert.throws(() => readCapture(path), {
        name: "HostError",
        message: `${path}: expected a capture that can be read, got ${got}`,
      }));
  }
});
