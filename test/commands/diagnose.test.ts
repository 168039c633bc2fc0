import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import { renderCapture, type Snapshot } from "../../src/host/capture.ts";
import { runSoftnet } from "../support/run-softnet.ts";

const dir = mkdtempSync(join(tmpdir(), "softnet-diagnose-"));
after(() => rmSync(dir, { recursive: true }));

const hex = (value: number): string => value.toString(16).padStart(8, "0");

/** The row of one CPU, as a kernel of so many columns prints it. */
function row(columns: number, cpu: number, processed: number, dropped: number): string {
  const words = [processed, dropped, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, cpu, 3, 0];
  return words.slice(0, columns).map(hex).join(" ");
}

/** Two CPUs over three seconds, the second of which drops 100 packets/s at so many percent of softirq. */
function captureOf({
  columns = 13,
  dropsEachSecond = 100,
  softirqPercent = 30,
}: {
  readonly columns?: number;
  readonly dropsEachSecond?: number;
  readonly softirqPercent?: number;
}): string {
  const snapshots = [0, 1, 2, 3].map((second): Snapshot => {
    const files: Record<string, string> = {
      ...(second === 0 ? { "/proc/sys/net/core/netdev_max_backlog": "1000\n" } : {}),
      "/proc/net/softnet_stat": [
        row(columns, 0, second * 1000, 0),
        row(columns, 1, second * 1500, second * dropsEachSecond),
        "",
      ].join("\n"),
      "/proc/stat": [
        `cpu0 0 0 0 ${second * 100} 0 0 0 0`,
        `cpu1 0 0 0 ${second * (100 - softirqPercent)} 0 0 ${second * softirqPercent} 0`,
        "",
      ].join("\n"),
    };
    return {
      takenAtMs: 1_700_000_000_000 + second * 1000,
      monotonicMs: 5000 + second * 1000,
      files: new Map(Object.entries(files).map(([path, text]) => [path, new TextEncoder().encode(text)])),
    };
  });
  return renderCapture(snapshots);
}

function fileOf(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

describe("softnet diagnose --from", () => {
  test("ends with 1 and the findings", async () => {
    const path = fileOf("drops", captureOf({}));
    const { code, stdout, stderr } = await runSoftnet(["diagnose", "--from", path, "--json"]);
    assert.deepEqual([code, stderr], [1, ""]);
    const document = JSON.parse(stdout);
    assert.deepEqual(Object.keys(document), [
      "schemaVersion",
      "healthy",
      "sampledSeconds",
      "findings",
      "elsewhere",
      "host",
      "cpus",
    ]);
    assert.equal(document.healthy, false);
    assert.equal(document.sampledSeconds, 3);
    assert.deepEqual(Object.keys(document.findings[0]), [
      "code",
      "severity",
      "confidence",
      "summary",
      "evidence",
      "remedy",
    ]);
    assert.equal(document.findings[0].code, "backlog-too-small");
    assert.deepEqual(document.cpus[1], {
      cpu: 1,
      processedPerSecond: 1500,
      droppedPerSecond: 100,
      squeezedPerSecond: 0,
      receivedRpsPerSecond: 0,
      flowLimitPerSecond: 0,
      backlog: 3,
      softirqPercent: 30,
    });
  });

  test("ends with 0 when nothing is lost", async () => {
    const path = fileOf("healthy", captureOf({ dropsEachSecond: 0 }));
    const { code, stdout } = await runSoftnet(["diagnose", "--from", path, "--json"]);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout).findings, []);
    assert.equal(JSON.parse(stdout).healthy, true);
  });

  const columnsLeftOut: readonly (readonly [number, readonly string[]])[] = [
    [9, ["receivedRpsPerSecond", "flowLimitPerSecond", "backlog"]],
    [10, ["flowLimitPerSecond", "backlog"]],
    [11, ["backlog"]],
    [13, []],
    [15, []],
  ];
  for (const [columns, absent] of columnsLeftOut) {
    test(`leaves out of the rates what a kernel of ${columns} columns does not print`, async () => {
      const path = fileOf(`columns-${columns}`, captureOf({ columns }));
      const { stdout } = await runSoftnet(["diagnose", "--from", path, "--json"]);
      const { cpus } = JSON.parse(stdout);
      const all = ["receivedRpsPerSecond", "flowLimitPerSecond", "backlog"];
      assert.deepEqual(
        all.filter((key) => !(key in cpus[0])),
        absent,
      );
    });
  }

  test("finds the same in both languages", async () => {
    const path = fileOf("overload", captureOf({ softirqPercent: 97 }));
    const [en, zh] = await Promise.all(
      ["en", "zh"].map(async (lang) => {
        const { stdout } = await runSoftnet(["diagnose", "--from", path, "--json", "--lang", lang]);
        return JSON.parse(stdout).findings as { code: string; summary: string }[];
      }),
    );
    assert.deepEqual(
      en!.map(({ code }) => code),
      zh!.map(({ code }) => code),
    );
    assert.match(en![0]!.summary, /^CPU 1 cannot keep up and drops 100 packets\/s/);
    assert.match(zh![0]!.summary, /^CPU 1 处理不过来，每秒丢弃 100 个数据包/);
  });

  test("says the verdict first, and aloud what cannot help", async () => {
    const path = fileOf("text", captureOf({ softirqPercent: 97 }));
    const { code, stdout } = await runSoftnet(["diagnose", "--from", path]);
    assert.equal(code, 1);
    assert.match(stdout, /^CRITICAL {2}CPU 1 cannot keep up/);
    assert.match(stdout, /^No use {4}Raising net\.core\.netdev_max_backlog cannot help here/m);
    assert.ok(!stdout.includes("\u001b"));
  });

  test("says that a container can see the losses and not mend them", async () => {
    const inside = captureOf({}).replace(
      "@file /proc/sys/net/core/netdev_max_backlog\n 1000\n",
      "@file /proc/sys/net/core/rps_default_mask\n 0\n",
    );
    const { code, stdout } = await runSoftnet(["diagnose", "--from", fileOf("container", inside)]);
    assert.equal(code, 1);
    assert.match(stdout, /This is a container in its own network namespace/);
    assert.match(stdout, /sudo softnet remedy apply {5}\(on the host itself\)/);
  });

  const refused: readonly { name: string; text: string; complaint: RegExp }[] = [
    { name: "empty", text: "", complaint: /expected "softnet-capture 1", got an empty file/ },
    { name: "torn", text: captureOf({}).slice(0, -20), complaint: /line \d+: expected/ },
    {
      name: "without-end",
      text: captureOf({}).replace("@end\n", ""),
      complaint: /expected @end as the last line, got the file's end/,
    },
    {
      name: "without-counters",
      text: captureOf({}).replaceAll("/proc/net/softnet_stat", "/proc/net/softnet"),
      complaint: /softnet_stat: expected the kernel's softnet counters/,
    },
  ];
  for (const { name, text, complaint } of refused) {
    test(`cannot tell from a capture that is ${name}`, async () => {
      const path = fileOf(name, text);
      const human = await runSoftnet(["diagnose", "--from", path]);
      assert.deepEqual([human.code, human.stdout], [2, ""]);
      assert.match(human.stderr, complaint);
      assert.equal(human.stderr.split("\n").length, 2);
      const machine = await runSoftnet(["diagnose", "--from", path, "--json"]);
      assert.equal(machine.code, 2);
      assert.deepEqual(Object.keys(JSON.parse(machine.stdout).error), ["code", "expected", "got", "where"]);
    });
  }

  test("cannot tell from a capture of one kernel and the next", async () => {
    const [before, later] = [captureOf({ columns: 11 }), captureOf({ columns: 13 })];
    const first = before.slice(0, before.indexOf("@snapshot 1700000001000"));
    const text = first + later.slice(later.indexOf("@snapshot 1700000003000"));
    const { code, stderr } = await runSoftnet(["diagnose", "--from", fileOf("two-kernels", text)]);
    assert.equal(code, 2);
    assert.match(stderr, /expected two readings of the same counters, got another kernel's columns/);
  });

  for (const [flags, got] of [
    [["--for", "5"], "--for"],
    [["--root", "/proc"], "--root"],
  ] as const) {
    test(`is refused beside ${got}`, async () => {
      const { code, stderr } = await runSoftnet(["diagnose", "--from", "x", ...flags]);
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`got both --from and ${got}`));
    });
  }
});

describe("softnet diagnose", () => {
  const machine = join(dir, "machine");
  mkdirSync(join(machine, "proc/net"), { recursive: true });
  writeFileSync(join(machine, "proc/net/softnet_stat"), `${row(13, 0, 1, 0)}\n`);

  test("cannot tell below a root without counters", async () => {
    const { code, stderr } = await runSoftnet(["diagnose", "--root", dir, "--for", "1"]);
    assert.equal(code, 2);
    assert.match(stderr, /softnet_stat: expected the kernel's softnet counters, got no readable file/);
  });

  for (const value of ["0", "3601", "1.5", "x"]) {
    test(`refuses to sample for ${value} seconds`, async () => {
      const { code, stderr } = await runSoftnet(["diagnose", "--for", value]);
      assert.equal(code, 2);
      assert.match(stderr, /--for: expected a whole number from 1 to 3600/);
    });
  }

  test("ends with the signal's code, and without a verdict", async () => {
    for (const [signal, exitCode] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      const { code, stdout } = await runSoftnet(["diagnose", "--root", machine], {
        signal: AbortSignal.abort(signal),
      });
      assert.deepEqual([code, stdout], [exitCode, ""]);
    }
  });

  test("shows progress on a terminal, and clears it", async () => {
    const { stderr } = await runSoftnet(["diagnose", "--root", machine], {
      signal: AbortSignal.abort("SIGINT"),
      isTerminal: true,
    });
    assert.equal(stderr, "\rmeasuring 0/10 s\r\u001b[K");
  });
});
