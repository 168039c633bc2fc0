import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import { MOST_GZIP_BYTES, renderCaptureScript, snapshotTimes } from "../../src/core/capture-script.ts";
import { type HostRates, ratesBetween } from "../../src/core/rates.ts";
import { parseCapture, renderCapture, type Snapshot } from "../../src/host/capture.ts";
import { Machine } from "../../src/host/machine.ts";
import { takeFiles } from "../../src/host/snapshot.ts";
import { readSoftnetStat } from "../../src/host/softnet-stat.ts";
import { skipWithout, skipWithoutRoot } from "../support/needs.ts";

const SHELLS = [
  { name: "dash", command: ["dash"] },
  { name: "busybox", command: ["busybox", "ash"] },
  { name: "bash", command: ["bash", "--posix"] },
] as const;

/** Waits long enough for /proc/uptime to move and no longer. */
const BRIEF_SLEEP = "sleep() { command sleep 0.05; }\n";

const dir = mkdtempSync(join(tmpdir(), "softnet-script-"));
after(() => rmSync(dir, { recursive: true }));

function runScript(command: readonly string[], script: string): Buffer {
  const [program, ...args] = command;
  return execFileSync(program!, [...args, "-c", script], { maxBuffer: 1 << 28, stdio: "pipe" });
}

describe("the capture script", () => {
  const widest = renderCaptureScript({ forSeconds: 86_399, everySeconds: 144, gzip: true });

  test("stays below 8 KB whatever it is asked for", () =>
    assert.ok(widest.length <= 8192, `${widest.length}`));

  // Cloud Assistant would take these for a parameter of its own.
  test("holds no double braces", () => assert.ok(!widest.includes("{{")));

  for (const gzip of [false, true]) {
    test(`pleases ShellCheck ${gzip ? "with" : "without"} gzip`, { skip: skipWithout("shellcheck") }, () => {
      const input = renderCaptureScript({ forSeconds: 10, everySeconds: 1, gzip });
      const { stdout, status } = spawnSync("shellcheck", ["-s", "sh", "-"], { input, encoding: "utf8" });
      assert.equal(stdout, "");
      assert.equal(status, 0);
    });
  }

  for (const { name, command } of SHELLS) {
    for (const gzip of [false, true]) {
      const title = `takes the files that softnet takes, by ${name}${gzip ? " with gzip" : ""}`;
      test(title, { skip: skipWithout(command[0]) }, () => {
        const script = renderCaptureScript({ forSeconds: 3, everySeconds: 1, gzip });
        const output = runScript(command, BRIEF_SLEEP + script);
        if (gzip) assert.match(output.toString(), /^H4sI[A-Za-z0-9+/=]+\n$/);
        const { snapshots, omitted } = parseCapture(output, "script");
        assert.equal(snapshots.length, 4);
        assert.deepEqual(omitted, { cpus: [], cpuTimes: 0, snapshots: 0, interfaces: 0, files: 0 });

        using machine = new Machine();
        for (const [path, bytes] of takeFiles(machine, ["static"])) {
          if (path === "/proc/meminfo") continue; // It changes all the time.
          assert.equal(text(snapshots[0].read(path)), text(bytes), path);
        }
        for (const snapshot of [snapshots[0], snapshots.at(-1)!]) {
          for (const path of takeFiles(machine, ["hot", "ends"]).keys()) assert.ok(snapshot.read(path), path);
        }
        const samples = snapshots.map((snapshot) => readSoftnetStat(snapshot, snapshot));
        for (const [i, after_] of samples.slice(1).entries()) {
          assert.ok("cpus" in ratesBetween(samples[i]!, after_));
        }
      });
    }
  }

  const unprivileged = { skip: skipWithoutRoot() || skipWithout("setpriv") };
  test("needs no root to see the counters and the settings", unprivileged, () => {
    const script = BRIEF_SLEEP + renderCaptureScript({ forSeconds: 1, everySeconds: 1, gzip: false });
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh"];
    const { snapshots } = parseCapture(runScript(nobody, script), "script");
    using machine = new Machine();
    const paths = takeFiles(machine, ["static", "hot", "ends"]).keys();
    assert.deepEqual(
      [...paths].filter((path) => !snapshots[0].read(path)),
      [],
    );
  });

  test("is due at the beginning, each interval, and the end", () => {
    assert.deepEqual(snapshotTimes(10, 5), [0, 5, 10]);
    assert.deepEqual(snapshotTimes(10, 4), [0, 4, 8, 10]);
    assert.deepEqual(snapshotTimes(3, 10), [0, 3]);
  });
});

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes);
}

/** The same digits each time, and as hard to compress as counters are. */
function digits(seed: number): number {
  return Math.imul(seed + 1, 2_654_435_761) >>> 8;
}

/** A host of 256 CPUs in a full rack: `busy` CPUs receive, the first two of them drop and the third squeezes; CPU 5 is offline. */
function largeCapture({
  busy,
  columns = 15,
  seconds = 4,
}: {
  busy: number;
  columns?: number;
  seconds?: number;
}): string {
  const cpus = Array.from({ length: 256 }, (_, cpu) => cpu).filter((cpu) => cpu !== 5);
  const rows = (second: number): string =>
    cpus
      .map((cpu, row) => {
        const moves = row < busy ? second : 0;
        const processed = digits(cpu) + moves * (100 + (digits(cpu) % 97));
        const words = [processed, digits(cpu) % 50, 0, 0, 0, 0, 0, 0, 0, digits(cpu), 0, 0, cpu, 0, 0];
        if (row < 2) words[1]! += moves * 10;
        if (row === 2) words[2]! += moves;
        return words
          .slice(0, columns)
          .map((word) => (word >>> 0).toString(16).padStart(8, "0"))
          .join(" ");
      })
      .join("\n");
  const times = (second: number): string =>
    cpus
      .map(
        (cpu) => `cpu${cpu} ${digits(cpu)} 0 ${digits(cpu + second)} ${second} 0 0 ${digits(cpu * second)} 0`,
      )
      .join("\n");
  const interrupts = (second: number): string =>
    Array.from(
      { length: 2 },
      (_, irq) => `${irq + 30}: ${cpus.map((cpu) => digits(cpu * irq + second)).join(" ")} MSI`,
    ).join("\n");
  const snapshots = Array.from({ length: seconds + 1 }, (_, second): Snapshot => {
    const files: Record<string, string> = {
      "/proc/net/softnet_stat": `${rows(second)}\n`,
      "/proc/stat": `cpu  1 1 1 1\n${times(second)}\nbtime 1\n`,
    };
    if (second === 0 || second === seconds) {
      files["/proc/interrupts"] = `CPU0\n${interrupts(second)}\n`;
      files["/sys/class/net/eth0/statistics/rx_dropped"] = "0\n";
      files["/sys/class/net/veth1/statistics/rx_dropped"] = "7\n";
      files["/sys/class/net/veth2/statistics/rx_dropped"] = `${second * 10}\n`;
    }
    if (second === 0) {
      files["/sys/devices/system/cpu/online"] = "0-4,6-255\n";
      files["/sys/class/net/eth0/device/uevent"] = "DRIVER=virtio_net\n";
      files["/sys/class/net/veth1/ifindex"] = "8\n";
    }
    const entries = Object.entries(files).map(
      ([path, lines]) => [path, new TextEncoder().encode(lines)] as const,
    );
    return { takenAtMs: second * 1000, monotonicMs: 1000 + second * 1000, files: new Map(entries) };
  });
  return renderCapture(snapshots);
}

function ratesOf(capture: Uint8Array | string): HostRates {
  const { snapshots } = parseCapture(Buffer.from(capture), "x");
  const last = snapshots.at(-1)!;
  const rates = ratesBetween(readSoftnetStat(snapshots[0], snapshots[0]), readSoftnetStat(last, last));
  assert.ok("cpus" in rates);
  return rates;
}

/** Runs the packing half of the script on a capture of a machine that we do not have. */
function packed(command: readonly string[], capture: string, mostBytes: number): Buffer {
  const path = join(dir, "large.capture");
  writeFileSync(path, capture);
  const script = renderCaptureScript({ forSeconds: 4, everySeconds: 1, gzip: true })
    .replace("whole=$(capture)", `whole=$(cat '${path}')`)
    .replace(`-gt ${MOST_GZIP_BYTES}`, `-gt ${mostBytes}`);
  return runScript(command, script);
}

describe("a capture that would be too long for Cloud Assistant", () => {
  const stages = [
    { name: "keeps everything that fits", busy: 16, mostBytes: 1_000_000, omitted: {} },
    { name: "leaves out CPUs that stood still", busy: 16, mostBytes: 20_000, omitted: { cpus: 239 } },
    { name: "then the snapshots between", busy: 16, mostBytes: 3700, omitted: { cpus: 239, snapshots: 3 } },
    {
      name: "then what explains but does not decide",
      busy: 16,
      mostBytes: 2000,
      omitted: { cpus: 239, snapshots: 3, interfaces: 1, files: 1 },
    },
    {
      name: "then the times of CPUs that lost nothing",
      busy: 200,
      mostBytes: MOST_GZIP_BYTES,
      omitted: { cpus: 55, snapshots: 3, interfaces: 1, files: 1, cpuTimes: 197 },
    },
    {
      name: "maps rows to CPUs by the online map where the kernel does not print them",
      busy: 16,
      columns: 11,
      mostBytes: 2000,
      omitted: { cpus: 239, snapshots: 3, interfaces: 1, files: 1 },
    },
  ];
  for (const { name: shell, command } of SHELLS) {
    for (const { name, mostBytes, omitted, ...host } of stages) {
      test(`${name}, by ${shell}`, { skip: skipWithout(command[0], "awk", "gzip") }, () => {
        const capture = largeCapture(host);
        const output = packed(command, capture, mostBytes);
        assert.ok(output.length <= mostBytes, `${output.length} bytes`);
        const read = parseCapture(output, "x");
        assert.deepEqual(
          { ...read.omitted, cpus: read.omitted.cpus.length },
          { cpus: 0, cpuTimes: 0, snapshots: 0, interfaces: 0, files: 0, ...omitted },
        );
        assert.deepEqual(ratesOf(output), ratesOf(capture));
        const net = read.snapshots.at(-1)!.list("/sys/class/net");
        assert.ok(net.includes("eth0") && net.includes("veth2"), net.join());
      });
    }
  }

  test(
    "counts no CPU as still that has packets waiting",
    { skip: skipWithout("dash", "awk", "gzip") },
    () => {
      const waiting = largeCapture({ busy: 0 }).replaceAll(
        /^( (?:[0-9a-f]{8} ){11})00000000 000000ff/gm,
        "$10000000a 000000ff",
      );
      const { omitted } = parseCapture(packed(["dash"], waiting, 1000), "x");
      assert.ok(!omitted.cpus.includes(255) && omitted.cpus.includes(254));
    },
  );
});
