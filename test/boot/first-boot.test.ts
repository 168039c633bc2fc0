import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { buildDist } from "../../scripts/bundle.ts";
import { contentsOf } from "../../scripts/package/contents.ts";
import { DEBIAN_SETTINGS, makeDeb } from "../../scripts/package/debian.ts";
import { makeExecutable } from "../../scripts/package/executable.ts";
import { parseFirstBootReport } from "../../src/core/first-boot.ts";
import { pushDelaySeconds } from "../../src/core/push-delay.ts";
import { skipWithoutContainers } from "../support/boot-tests.ts";
import { runSoftnet } from "../support/run-softnet.ts";
import { Container } from "./container/container.ts";
import { Neighbourhood, type Told } from "./container/neighbourhood.ts";
import { type Release, RELEASES } from "./container/releases.ts";

const EXAMPLE = "cloud-init/user-data.yaml";
const META_DATA = "instance-id: i-container\nlocal-hostname: container\n";
/** What a container has no use for: a network that is there already, a disk to grow, keys for logins. */
const CLOUD_CFG = `datasource_list: [NoCloud, None]
network: { config: disabled }
preserve_hostname: true
apt: { preserve_sources_list: true }
resize_rootfs: false
ssh_deletekeys: false
ssh_genkeytypes: []
locale: false
`;

describe("the first boot", { skip: skipWithoutContainers(), concurrency: 3 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "softnet-first-boot-"));
  const roots = new Map<Release, string | Unreachable>();
  let deb: string;

  before(async () => {
    for (const release of RELEASES) roots.set(release, await rootOf(release));
    const [dist, executable] = [join(folder, "dist"), join(folder, "softnet")];
    await buildDist(dist);
    makeExecutable("x64", dist, executable);
    const files = contentsOf("x64", executable, dist, DEBIAN_SETTINGS);
    deb = makeDeb({ arch: "x64", version: "0.1.0", files, compression: "none", builtAtSeconds: 1 }, folder);
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const release of RELEASES) {
    test(`of ${release.title} brings up an agent that pushes, from user-data alone; the second boot too`, async (t) => {
      const root = roots.get(release)!;
      if (root instanceof Unreachable) return t.skip(root.message);
      const instanceId = promptInstance(release);
      await using around = await Neighbourhood.around(instanceId, deb);
      await using container = await boot(root, around, { sha256: sha256Of(deb) });

      await isDone(container);
      assert.equal(await container.sh("cat /run/cloud-init/cloud-id"), "nocloud");
      for (const file of ["/var/lib/cloud/instance/user-data.txt", "/root/user-data.yaml"]) {
        assert.match(await container.sh(`cloud-init schema --config-file ${file}`), /^Valid/);
      }
      assert.deepEqual(await reportIn(container), { failures: [] });
      await pushes(container, around, instanceId);

      const arrived = (await around.ask()).points.length;
      await container.stop();
      await container.start();
      await isDone(container);
      await pushes(container, around, instanceId, arrived);
    });
  }

  test("installs nothing whose checksum is another one, and says so", async (t) => {
    const root = roots.get(RELEASES[0]!)!;
    if (root instanceof Unreachable) return t.skip(root.message);
    await using around = await Neighbourhood.around("i-checksum", deb);
    await using container = await boot(root, around, { sha256: "0".repeat(64) });

    const { stdout, code } = await container.run("cloud-init", "status", "--long");
    assert.match(stdout, /^status: error$/m);
    assert.notEqual(code, 0);
    assert.equal(
      await container.sh("dpkg -s softnet-agent > /dev/null 2>&1 || echo not installed"),
      "not installed",
    );
    const { failures } = await reportIn(container);
    assert.deepEqual(
      failures.map(({ step, exitCode }) => ({ step, exitCode })),
      [{ step: "check", exitCode: 1 }],
    );
    assert.match(
      failures[0]!.message,
      new RegExp(`^expected a package of sha256 0{64}, got ${sha256Of(deb)}`),
    );
    assert.match(
      await container.sh("cat /var/log/cloud-init-output.log"),
      /expected a package of sha256 0{64}/,
    );
  });

  test("that cannot tune starts the agent, which names it", async (t) => {
    const root = roots.get(RELEASES[1]!)!;
    if (root instanceof Unreachable) return t.skip(root.message);
    await using around = await Neighbourhood.around("i-tune", deb);
    // The backlog's setting is not in a container's network.
    await using container = await boot(root, around, { sha256: sha256Of(deb) }, ["--tune", "backlog"]);

    assert.match((await container.run("cloud-init", "status", "--long")).stdout, /^status: error$/m);
    assert.equal(await container.sh("systemctl is-active softnet-agent"), "active");
    assert.deepEqual(
      (await reportIn(container)).failures.map(({ step, exitCode }) => ({ step, exitCode })),
      [{ step: "tune", exitCode: 5 }],
    );
    const log = await container.sh("journalctl --unit softnet-agent --output cat");
    assert.match(
      log,
      /The setup is not complete: .* first boot failed in tune \(5\): .*netdev_max_backlog is not there/,
    );
  });
});

/** The archive that a release comes from. */
class Unreachable extends Error {}

async function rootOf({ title, root }: Release): Promise<string | Unreachable> {
  try {
    return await root();
  } catch (error) {
    if (!(error instanceof Error) || !/Failed to fetch|Could not (resolve|connect)/.test(error.message))
      throw error;
    return new Unreachable(`the archive of ${title} cannot be reached`);
  }
}

async function boot(
  root: string,
  around: Neighbourhood,
  { sha256 }: { readonly sha256: string },
  more: readonly string[] = [],
): Promise<Container> {
  const { packageUrl, cloudUrl } = around.told;
  const what = ["--package-url", packageUrl, "--sha256", sha256, "--set", `SOFTNET_ENDPOINT=${cloudUrl}`];
  const { stdout: userData } = await runSoftnet(["cloud-init", ...what, ...more]);
  return Container.boot({
    root,
    networkOf: around.pid,
    furnish: (upper) => {
      const seed = join(upper, "var/lib/cloud/seed/nocloud");
      mkdirSync(seed, { recursive: true });
      writeFileSync(join(seed, "meta-data"), META_DATA);
      writeFileSync(join(seed, "user-data"), userData);
      mkdirSync(join(upper, "etc/cloud/cloud.cfg.d"), { recursive: true });
      writeFileSync(join(upper, "etc/cloud/cloud.cfg.d/99-container.cfg"), CLOUD_CFG);
      mkdirSync(join(upper, "root"), { mode: 0o700 });
      cpSync(EXAMPLE, join(upper, "root/user-data.yaml"));
    },
  });
}

/** Without even a warning. */
async function isDone(container: Container): Promise<void> {
  const { code, stdout } = await container.run("cloud-init", "status", "--long");
  assert.equal(code, 0, `${stdout}${(await container.run("cat", "/var/log/cloud-init-output.log")).stdout}`);
  assert.match(stdout, /^status: done$/m);
}

async function reportIn(container: Container) {
  const report = parseFirstBootReport(await container.sh("cat /etc/softnet/first-boot.json"));
  assert.ok(report);
  return { failures: report.failures };
}

/** The agent is up, knows who it is by the metadata service, and its next minute arrives. */
async function pushes(
  container: Container,
  around: Neighbourhood,
  instanceId: string,
  arrived = 0,
): Promise<void> {
  assert.equal(await container.sh("systemctl is-active softnet-agent"), "active");
  assert.equal(await container.sh("systemctl is-enabled softnet-agent"), "enabled");
  const deadlineMs = performance.now() + 90_000;
  let points: Told["points"] = [];
  while (points.length <= arrived && performance.now() < deadlineMs) {
    await sleep(1000);
    ({ points } = await around.ask());
  }
  assert.ok(points.length > arrived, await container.sh("journalctl --unit softnet-agent --output cat"));
  for (const { dimensions } of points) assert.match(dimensions, new RegExp(`"instanceId":"${instanceId}"`));
}

/** An instance whose turn to push comes at once. */
function promptInstance({ title }: Release): string {
  const name = title.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  for (let i = 0; ; i++) if (pushDelaySeconds(`i-${name}-${i}`) === 0) return `i-${name}-${i}`;
}

function sha256Of(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
