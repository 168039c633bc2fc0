import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { buildDist } from "../../scripts/bundle.ts";
import { contentsOf } from "../../scripts/package/contents.ts";
import { DEBIAN_SETTINGS, makeDeb } from "../../scripts/package/debian.ts";
import { makeExecutable } from "../../scripts/package/executable.ts";
import { parseFirstBootReport } from "../../src/core/first-boot.ts";
import { pushDelaySeconds } from "../../src/core/push-delay.ts";
import { startCloudDouble } from "../double/cloud.ts";
import { customEvents } from "../double/custom-events.ts";
import { customMetrics } from "../double/custom-metrics.ts";
import { startImdsDouble } from "../double/imds.ts";
import { skipWithoutDebianGuests } from "../support/boot-tests.ts";
import { runSoftnet } from "../support/run-softnet.ts";
import { DebianMachine, METADATA_SERVICE, type Nic, type Plug } from "./guest/debian-guest.ts";
import type { Guest } from "./guest/guest.ts";

const CPUS = 2;
const ALL_CPUS = "3";
const NEW: Nic = { id: "new", mac: "52:54:00:00:00:03", queues: 1 };

const CREDENTIALS = {
  AccessKeyId: "STS.first-boot",
  AccessKeySecret: "first-boot",
  SecurityToken: "token",
  Expiration: "2099-01-01T00:00:00Z",
};
/** A port of the metadata service's address, and by softnet-test-cloud.socket one of the guest itself. */
const CLOUD_PORT = 9180;
const PACKAGE_PORT = 8080;

/** It pushes when a minute is over, and looks for the metadata service again after a minute where that was slow to answer. */
const PUSHES_WITHIN_MS = 240_000;

const folder = mkdtempSync(join(tmpdir(), "softnet-aliyun-"));
after(() => rmSync(folder, { recursive: true }));

describe("an instance with the metadata service", { skip: skipWithoutDebianGuests() }, () => {
  test("comes up from user-data alone, tuned, with an agent that pushes; the second boot too", async (t) => {
    const deb = await buildDeb();
    const sha256 = createHash("sha256").update(deb).digest("hex");
    const packages = createServer((_, response) => response.end(deb)).listen(0, "127.0.0.1");
    t.after(() => packages.close());
    await once(packages, "listening");

    const instanceId = promptInstance();
    await using imds = await startImdsDouble({
      keys: { "instance-id": instanceId, "region-id": "cn-hangzhou", "owner-account-id": "1234567890123456" },
      role: { name: "softnet", credentials: CREDENTIALS },
      generation: "both",
    });
    const metrics = customMetrics({ edition: "pro", seriesQuota: 100 });
    await using cloud = await startCloudDouble({ users: [USER], families: [metrics, customEvents()] });

    const packageUrl = `http://${METADATA_SERVICE}:${PACKAGE_PORT}/softnet-agent.deb`;
    const endpoint = `SOFTNET_ENDPOINT=http://127.0.0.1:${CLOUD_PORT}`;
    const flags = [
      "--package-url",
      packageUrl,
      "--sha256",
      sha256,
      "--tune",
      "backlog+rps",
      "--set",
      endpoint,
    ];
    const { stdout: userData } = await runSoftnet(["cloud-init", ...flags]);
    imds.state.userData = userData;

    const pushes = async (guest: Guest): Promise<void> => {
      const before = metrics.points.size;
      const untilMs = performance.now() + PUSHES_WITHIN_MS;
      while (metrics.points.size === before && performance.now() < untilMs) await sleep(1000);
      const log = async (): Promise<string> => guest.run("journalctl --unit softnet-agent --output cat");
      assert.ok(metrics.points.size > before, await log());
      for (const { dimensions } of metrics.points.values()) assert.match(dimensions, new RegExp(instanceId));
    };

    const ports = new Map([
      [80, portOf(imds.url)],
      [CLOUD_PORT, portOf(cloud.url)],
      [PACKAGE_PORT, (packages.address() as AddressInfo).port],
    ]);
    const settings = { cpus: CPUS, nics: [], spareNics: [NEW], cloud: ports };
    await DebianMachine.during(t, settings, async (machine) => {
      for (const boot of ["first", "second"]) {
        await machine.boot(["net.ifnames=0"], async (guest, plug) => {
          assert.equal((await guest.run("cat /run/cloud-init/cloud-id")).trim(), "aliyun");
          const { code, stdout } = await guest.finish("cloud-init status --wait --long");
          assert.equal(code, 0, stdout);
          const report = parseFirstBootReport(await guest.run("cat /etc/softnet/first-boot.json"));
          assert.deepEqual(report?.failures, []);
          assert.equal((await guest.run("systemctl is-active softnet-agent")).trim(), "active");
          assert.deepEqual(await tuningOf(guest, ["eth0"]), { backlog: "5000", masks: [ALL_CPUS] }, boot);
          await hotPlugged(guest, plug);
          await pushes(guest);
        });
      }
    });
  });
});

const USER = {
  accessKeyId: CREDENTIALS.AccessKeyId,
  accessKeySecret: CREDENTIALS.AccessKeySecret,
  securityToken: CREDENTIALS.SecurityToken,
};

async function hotPlugged(guest: Guest, plug: Plug): Promise<void> {
  await plug.in(NEW);
  await guest.run("until [ -e /sys/class/net/eth1 ]; do sleep 0.2; done; udevadm settle");
  const both = { backlog: "5000", masks: [ALL_CPUS, ALL_CPUS] };
  assert.deepEqual(await tuningOf(guest, ["eth0", "eth1"]), both, "a NIC that was plugged in");
}

async function tuningOf(
  guest: Guest,
  devices: readonly string[],
): Promise<{ readonly backlog: string; readonly masks: readonly string[] }> {
  const queues = devices.map((device) => `/sys/class/net/${device}/queues/rx-*/rps_cpus`).join(" ");
  const lines = await guest.run(`cat /proc/sys/net/core/netdev_max_backlog ${queues}`);
  const [backlog, ...masks] = lines.trim().split("\n");
  return { backlog: backlog!, masks };
}

async function buildDeb(): Promise<Buffer> {
  const [dist, executable] = [join(folder, "dist"), join(folder, "softnet")];
  await buildDist(dist);
  makeExecutable("x64", dist, executable);
  const files = contentsOf("x64", executable, dist, DEBIAN_SETTINGS);
  const settings = { arch: "x64", version: "0.1.0", files, compression: "none", builtAtSeconds: 1 } as const;
  return readFileSync(makeDeb(settings, folder));
}

/** An instance whose turn to push comes at once. */
function promptInstance(): string {
  for (let i = 0; ; i++) if (pushDelaySeconds(`i-aliyun${i}`) === 0) return `i-aliyun${i}`;
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
