import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { startCloudDouble } from "../double/cloud.ts";
import { customEvents } from "../double/custom-events.ts";
import { customMetrics } from "../double/custom-metrics.ts";
import { startImdsDouble } from "../double/imds.ts";
import { USER } from "./setup.ts";

const BIN = new URL("../../bin/softnet.js", import.meta.url).pathname;

/** A machine of two CPUs, as files: the test moves its counters. */
function machineOfFiles() {
  const dir = mkdtempSync(join(tmpdir(), "softnet-agent-"));
  const write = (path: string, text: string) => {
    mkdirSync(join(dir, "root", path, ".."), { recursive: true });
    writeFileSync(join(dir, "root", path), text);
  };
  const setDropped = (dropped: number) =>
    write(
      "proc/net/softnet_stat",
      [dropped, 0]
        .map((drops, cpu) => {
          const words = [123_456, drops, ...Array.from({ length: 10 }, () => 0), cpu, 0, 0];
          return `${words.map((word) => word.toString(16).padStart(8, "0")).join(" ")}\n`;
        })
        .join(""),
    );
  write("proc/sys/kernel/random/boot_id", "7d1f0c52-0000-4000-8000-000000000001\n");
  write("sys/devices/system/cpu/possible", "0-1\n");
  setDropped(0);
  return {
    root: join(dir, "root"),
    stateDir: join(dir, "state"),
    setDropped,
    write,
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

async function cloudAndMetadata() {
  const metrics = customMetrics({ edition: "free", seriesQuota: 100 });
  const events = customEvents();
  const cloud = await startCloudDouble({ users: [USER], families: [metrics, events] });
  const imds = await startImdsDouble({
    role: {
      name: "softnet",
      credentials: {
        AccessKeyId: USER.accessKeyId,
        AccessKeySecret: USER.accessKeySecret,
        SecurityToken: "ignored-by-a-user-without-one",
        Expiration: new Date(Date.now() + 6 * 3_600_000).toISOString().replace(/\.\d+/, ""),
      },
    },
  });
  return {
    metrics,
    events,
    cloud,
    imds,
    [Symbol.asyncDispose]: async () => {
      await cloud[Symbol.asyncDispose]();
      await imds[Symbol.asyncDispose]();
    },
  };
}

type Machine = ReturnType<typeof machineOfFiles>;

interface Agent {
  readonly process: ChildProcess;
  /** Resolves when standard output has come to match. */
  readonly said: (pattern: RegExp) => Promise<void>;
  /** The same of the log on standard error. */
  readonly logged: (pattern: RegExp) => Promise<void>;
  /** With a slash at its end. */
  readonly consoleUrl: () => Promise<string>;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

const CONSOLE_URL = /http:\/\/127\.0\.0\.1:\d+\//;

function startAgent(machine: Machine, args: readonly string[], env: Record<string, string>): Agent {
  const child = spawn(process.execPath, [BIN, "run", "--root", machine.root, "--lang", "en", ...args], {
    env: {
      PATH: process.env["PATH"],
      SOFTNET_STATE_DIR: machine.stateDir,
      SOFTNET_CONSOLE: "off",
      SOFTNET_IMDS: "http://127.0.0.1:9",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => (texts[stream] += text));
  }
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, ...texts }));
  const comesTo = async (stream: "stdout" | "stderr", pattern: RegExp): Promise<void> => {
    while (!pattern.test(texts[stream])) {
      const more = await Promise.race([once(child[stream], "data"), ended.then(() => undefined)]);
      if (!more) throw new Error(`It ended and never said ${pattern}: ${texts.stdout}${texts.stderr}`);
    }
  };
  return {
    process: child,
    said: (pattern) => comesTo("stdout", pattern),
    logged: (pattern) => comesTo("stderr", pattern),
    consoleUrl: async () => {
      await comesTo("stdout", CONSOLE_URL);
      return CONSOLE_URL.exec(texts.stdout)![0];
    },
    ended,
  };
}

async function stop(agent: Agent): Promise<void> {
  agent.process.kill("SIGTERM");
  await agent.ended;
}

/** Two runs must see the same minute: begin where it has room for them. */
async function roomInThisMinute(): Promise<void> {
  const leftMs = 60_000 - (Date.now() % 60_000);
  if (leftMs < 20_000) await new Promise((resolve) => setTimeout(resolve, leftMs));
}

describe("softnet run", { concurrency: true }, () => {
  test("--once pushes a window over the wire by what the metadata service says of the instance", async () => {
    using machine = machineOfFiles();
    await using world = await cloudAndMetadata();
    const agent = startAgent(machine, ["--once", "--sample-seconds", "0.5"], {
      SOFTNET_IMDS: world.imds.url,
      SOFTNET_ENDPOINT: world.cloud.url,
      ALIBABA_CLOUD_ACCESS_KEY_ID: USER.accessKeyId,
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: USER.accessKeySecret,
    });
    await agent.logged(/First sample/);
    machine.setDropped(4711);
    const { code, stdout, stderr } = await agent.ended;

    assert.equal(code, 0, stderr);
    assert.match(stdout, /sink {5}CloudMonitor in cn-hangzhou as i-bp1double, at most 7 series/);
    assert.match(stdout, /\d dropped, 0 squeezed: delivered to CloudMonitor\n$/);
    const points = [...world.metrics.points.values()].filter(
      ({ metricName, dimensions, period }) =>
        metricName === "softnet_dropped_per_second" && dimensions.includes('"all"') && period === "60",
    );
    const sums = points.map(({ writes }) => JSON.parse(writes[0]!).Sum as number);
    assert.equal(
      sums.reduce((a, b) => a + b, 0),
      4711,
    );
    assert.equal(world.metrics.repeatedWrites(), 0);
    assert.doesNotMatch(
      stderr + stdout,
      new RegExp(`${USER.accessKeySecret}|${USER.accessKeyId}|MetricList`),
    );
  });

  test("--once with a cloud that takes nothing exits with 1 and keeps the window in the queue", async () => {
    using machine = machineOfFiles();
    await using world = await cloudAndMetadata();
    const agent = startAgent(machine, ["--once", "--sample-seconds", "0.5"], {
      SOFTNET_IMDS: world.imds.url,
      SOFTNET_ENDPOINT: world.cloud.url,
      ALIBABA_CLOUD_ACCESS_KEY_ID: USER.accessKeyId,
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: "another-secret",
    });
    const { code, stdout, stderr } = await agent.ended;

    assert.equal(code, 1, stderr);
    assert.match(stdout, /wait in the queue\n$/);
    assert.equal(world.metrics.points.size, 0);
  });

  const IDENTITY = { SOFTNET_REGION: "cn-hangzhou", SOFTNET_INSTANCE_ID: "i-bp1double" };
  const cannotPush = [
    { args: ["--once"], env: IDENTITY, got: "no credentials: " },
    { args: [], env: IDENTITY, got: "no credentials: " },
    { args: ["--once"], env: {}, got: "no metadata service: " },
  ];
  for (const { args, env, got } of cannotPush) {
    test(`${["run", ...args].join(" ")} --sink cloudmonitor ends with 2 and one line where there is ${got.slice(0, -2)}`, async () => {
      using machine = machineOfFiles();
      const { code, stdout, stderr } = await startAgent(machine, [...args, "--sink", "cloudmonitor"], env)
        .ended;

      assert.equal(code, 2);
      assert.equal(stdout, "");
      const expected = "credentials, region and instance id (--sink auto does without)";
      const begins = `softnet: --sink cloudmonitor (SOFTNET_SINK): expected ${expected}, got ${got}`;
      assert.equal(stderr.slice(0, begins.length), begins);
      assert.equal(stderr.indexOf("\n"), stderr.length - 1);
    });
  }

  test("an agent that cannot push at boot is started again by systemd, however late the metadata service is", () => {
    const unit = readFileSync(new URL("../../packaging/softnet-agent.service", import.meta.url), "utf8");
    assert.match(unit, /^Restart=always$/m);
    assert.match(unit, /^StartLimitIntervalSec=0$/m);
    assert.doesNotMatch(unit, /^RestartPreventExitStatus=/m);
  });

  test("stops within 5 s of SIGTERM with 0, and a restart goes on with the same window", async () => {
    using machine = machineOfFiles();
    const options = { SOFTNET_SINK: "local", SOFTNET_SAMPLE_SECONDS: "0.2" };
    await roomInThisMinute();
    const first = startAgent(machine, [], options);
    await first.logged(/First sample/);
    machine.setDropped(300);
    const askedAt = Date.now();
    first.process.kill("SIGTERM");
    assert.equal((await first.ended).code, 0);
    assert.ok(Date.now() - askedAt < 5000);

    machine.setDropped(700);
    const { code, stdout } = await startAgent(machine, ["--once", "--json"], options).ended;
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout.split("\n")[0]!).dropped.sum, 700);
  });

  test("refuses to be a second agent on the same state, naming the first one's pid", async () => {
    using machine = machineOfFiles();
    const first = startAgent(machine, [], { SOFTNET_SINK: "local" });
    await first.said(/sink/);
    const { code, stdout, stderr } = await startAgent(machine, [], { SOFTNET_SINK: "local" }).ended;
    await stop(first);

    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, new RegExp(`^softnet: .*\\b${first.process.pid}\\b.*\\n$`));
  });

  test("goes on sampling when the counters were unreadable for a while", async () => {
    using machine = machineOfFiles();
    await roomInThisMinute();
    const agent = startAgent(machine, [], { SOFTNET_SINK: "local", SOFTNET_SAMPLE_SECONDS: "0.2" });
    await agent.logged(/First sample/);
    machine.write("proc/net/softnet_stat", "0001e240 00000000");
    await agent.logged(/No sample: \/.*\/root\/proc\/net\/softnet_stat line 1: expected /);
    machine.setDropped(5);
    await stop(agent);

    const { code, stdout } = await startAgent(machine, ["--once", "--json"], { SOFTNET_SINK: "local" }).ended;
    assert.equal(code, 0);
    const sums = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).dropped.sum as number);
    assert.equal(
      sums.reduce((a, b) => a + b, 0),
      5,
    );
  });

  test("tells systemd that it is ready by its first sample, that it lives by those after, and that it stops", async () => {
    using machine = machineOfFiles();
    const told = join(machine.root, "told");
    machine.write("bin/systemd-notify", `#!/bin/sh\necho "$*" >> ${told}\n`);
    chmodSync(join(machine.root, "bin/systemd-notify"), 0o755);
    const unreadable = async (byte: string) => {
      machine.write("proc/net/softnet_stat", byte);
      await agent.logged(new RegExp(`No sample: .*got the byte \\\\?"${byte}`));
    };
    machine.write("proc/net/softnet_stat", "?");
    const agent = startAgent(machine, [], {
      SOFTNET_SINK: "local",
      SOFTNET_SAMPLE_SECONDS: "0.1",
      NOTIFY_SOCKET: "/run/systemd/notify",
      WATCHDOG_USEC: "300000",
      PATH: join(machine.root, "bin"),
    });
    await unreadable("u");
    assert.equal(existsSync(told), false);
    machine.setDropped(0);
    await agent.logged(/First sample/);
    // What was sent with the last good sample has arrived by the second of these.
    for (const byte of ["v", "w"]) await unreadable(byte);
    const before = readFileSync(told, "utf8");
    for (const byte of ["x", "y", "z"]) await unreadable(byte);
    assert.equal(readFileSync(told, "utf8"), before);
    assert.match(before, /^(READY=1 WATCHDOG=1\n)+$/);
    await stop(agent);
    assert.match(readFileSync(told, "utf8"), /^STOPPING=1$/m);
  });

  test("tells CloudMonitor of a change of the verdict, with the finding, the evidence and the fix", async () => {
    using machine = machineOfFiles();
    await using world = await cloudAndMetadata();
    const agent = startAgent(machine, ["--sample-seconds", "0.5"], {
      SOFTNET_IMDS: world.imds.url,
      SOFTNET_ENDPOINT: world.cloud.url,
      ALIBABA_CLOUD_ACCESS_KEY_ID: USER.accessKeyId,
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: USER.accessKeySecret,
    });
    await agent.logged(/First sample/);
    let dropped = 0;
    const dropping = setInterval(() => machine.setDropped((dropped += 500)), 250);
    const deadline = Date.now() + 60_000;
    while (world.events.events.length === 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    clearInterval(dropping);
    await stop(agent);

    const [event] = world.events.events;
    assert.match(event?.name ?? "none came", /^softnet_(warning|critical)$/);
    assert.match(event!.content, /^i-bp1double: .*CPU 0 drops .* evidence: .*droppedPerSecond=\d/);
    assert.match(event!.content, / fix: sudo softnet remedy apply; evidence: /);
  });

  test("tells that a setting is no longer what the remedy set", async () => {
    using machine = machineOfFiles();
    machine.write("proc/sys/net/core/netdev_max_backlog", "1000\n");
    machine.write(
      "var/lib/softnet-remedy/journal",
      "softnet-remedy 1\nrun 2026-11-22T20:15:27Z\nsysctl /proc/sys/net/core/netdev_max_backlog 5000 1000 -\n",
    );
    const agent = startAgent(machine, [], { SOFTNET_SINK: "local", SOFTNET_CONSOLE: "127.0.0.1:0" });
    await agent.logged(/netdev_max_backlog: expected 5000, got 1000 \(sudo sysctl -w /);
    const metrics = await (await fetch(`${await agent.consoleUrl()}metrics`)).text();
    await stop(agent);
    assert.match(metrics, /^softnet_remedy_drift 1$/m);
  });

  test("--once tells the webhook of a critical minute, and nobody its address", async () => {
    using machine = machineOfFiles();
    const bodies: string[] = [];
    const hook = createServer((request, response) => {
      request.setEncoding("utf8").on("data", (text: string) => bodies.push(text));
      request.on("end", () => response.end());
    }).listen(0, "127.0.0.1");
    await once(hook, "listening");
    await roomInThisMinute();
    const { port } = hook.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/robot?token=s3cr3t`;
    const setBusy = (ticks: number) =>
      machine.write("proc/stat", [0, 1].map((cpu) => `cpu${cpu} 0 0 0 0 0 0 ${ticks} 0 0 0\n`).join(""));
    setBusy(0);
    const agent = startAgent(machine, ["--once", "--sample-seconds", "0.5"], {
      SOFTNET_SINK: "local",
      SOFTNET_INSTANCE_ID: "i-bp1",
      SOFTNET_WEBHOOK: url,
    });
    await agent.logged(/First sample/);
    const began = performance.now();
    const dropping = setInterval(() => {
      machine.setDropped(Math.round(performance.now() - began));
      setBusy(Math.round((performance.now() - began) / 10));
    }, 100);
    const { code, stdout, stderr } = await agent.ended;
    clearInterval(dropping);
    hook.close();

    assert.equal(code, 0, stderr);
    assert.deepEqual(
      bodies
        .map((body) => JSON.parse(body))
        .map(({ level, state, instanceId, finding }) => [level, state, instanceId, finding]),
      [["CRITICAL", "alarm", "i-bp1", "cpu-bottleneck"]],
    );
    assert.match(stderr, /Alarm CRITICAL critical: i-bp1: /);
    assert.doesNotMatch(stdout + stderr, /s3cr3t|robot/);
  });

  for (const [what, args, write] of [
    ["where the counters are not there", [], undefined],
    ["for one window of counters that cannot be read", ["--once"], "?\n"],
  ] as const) {
    test(`cannot start ${what}`, async () => {
      using machine = machineOfFiles();
      rmSync(join(machine.root, "proc/net/softnet_stat"));
      if (write) machine.write("proc/net/softnet_stat", write);
      const { code, stdout, stderr } = await startAgent(machine, [...args], {}).ended;
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, /^softnet: \/.*\/root\/proc\/net\/softnet_stat.*: expected .*\n$/);
    });
  }

  test("cannot start on a cron that rests", async () => {
    using machine = machineOfFiles();
    const { code, stderr } = await startAgent(machine, ["--push-cron", "0 3 * * *"], {}).ended;
    assert.equal(code, 2);
    assert.match(stderr, /^softnet: --push-cron .*expected a cron expression .*got "0 3 \* \* \*"\n$/);
  });
});
