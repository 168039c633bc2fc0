import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { buildDist } from "../../scripts/bundle.ts";
import { contentsOf, settingsFile, UNIT_FILE } from "../../scripts/package/contents.ts";
import { DEBIAN_SETTINGS, makeDeb } from "../../scripts/package/debian.ts";
import { makeExecutable } from "../../scripts/package/executable.ts";
import { makeRpm, RPM_SETTINGS } from "../../scripts/package/rpm.ts";
import { sbomOf } from "../../scripts/package/sbom.ts";
import { makeTarball } from "../../scripts/package/tarball.ts";
import { thirdPartiesOf } from "../../scripts/third-party.ts";
import { ASSETS, sourceOf } from "../../src/console/assets.ts";
import { AGENT_OPTIONS } from "../../src/config.ts";
import { readOptions } from "../../src/options.ts";
import { consoleUrlOf } from "../support/console-url.ts";
import { skipWithout, skipWithoutRoot } from "../support/needs.ts";
import { HOST_METRICS, pushOneMinute } from "./agent.ts";

/** Alibaba Cloud Linux 3 is the oldest that we name with RHEL 8's libraries: glibc 2.28 and the libstdc++ of gcc 8. */
const OLDEST = { GLIBC: "2.28", GLIBCXX: "3.4.25", CXXABI: "1.3.11" };

const PACKED = { arch: "x64", version: "0.1.0", compression: "none", builtAtSeconds: 1 } as const;

const SKIP_RPM = { skip: skipWithoutRoot() || skipWithout("rpm", "rpmbuild") };

const folder = mkdtempSync(join(tmpdir(), "softnet-executable-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const executable = join(folder, "softnet");
/** A user's shell, with nothing of npm's and with what would change any other Node. */
const ENV = { PATH: "/usr/bin:/bin", HOME: folder };

describe("the single executable", { skip: skipWithout("strip", "objdump", "dpkg-deb") }, () => {
  const dist = join(folder, "dist");
  let inputs: readonly string[];

  before(async () => {
    inputs = await buildDist(dist);
    makeExecutable("x64", dist, executable);
  });

  test("says which version it is, and of which commit", () => {
    const { status, stdout } = spawnSync(executable, ["--version"], { env: ENV, encoding: "utf8" });
    assert.match(stdout, /^softnet \d+\.\d+\.\d+ \([0-9a-f]{8}, node 24\.\d+\.\d+\)\n$/);
    assert.equal(status, 0);
  });

  test("takes Node's own flags for unknown ones of ours", () => {
    const { status, stderr } = spawnSync(executable, ["--eval", "1"], { env: ENV, encoding: "utf8" });
    assert.match(stderr, /^softnet: command line: expected one of: run, .*, got --eval\n$/);
    assert.equal(status, 2);
  });

  test("pushes its first minute, and does so where it may only interpret", async () => {
    const push = async (name: string, more: Readonly<Record<string, string>>) => {
      const env = { ...ENV, SOFTNET_STATE_DIR: join(folder, name), ...more };
      const { status, stdout, stderr, names } = await pushOneMinute([executable], folder, env);
      assert.equal(status, 0, stdout + stderr);
      for (const metric of HOST_METRICS) assert.ok(names.includes(metric), `${name}: ${metric}`);
    };
    // The drop-in of docs/install.md: no WebAssembly either, so nothing may use fetch().
    await Promise.all([push("state", {}), push("jitless", { NODE_OPTIONS: "--jitless" })]);
  });

  test("serves every file of the console's page, and ends with 0", async () => {
    const child = spawn(executable, ["run", "--sink", "local", "--console", "127.0.0.1:0"], {
      env: { ...ENV, SOFTNET_STATE_DIR: join(folder, "served") },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const ended = once(child, "exit");
    try {
      const url = await consoleUrlOf(child.stdout);
      for (const [path, asset] of Object.entries(ASSETS)) {
        const response = await fetch(new URL(path, url));
        assert.deepEqual(Buffer.from(await response.arrayBuffer()), readFileSync(sourceOf(asset)), path);
      }
    } finally {
      child.kill();
    }
    assert.deepEqual(await ended, [0, null]);
  });

  test("asks for no newer library than the oldest distribution has", () => {
    const symbols = execFileSync("objdump", ["-T", executable], { encoding: "utf8", maxBuffer: 2 ** 30 });
    for (const [library, oldest] of Object.entries(OLDEST)) {
      const needed = [...symbols.matchAll(new RegExp(`\\(${library}_([\\d.]+)\\)`, "g"))].map(([, v]) => v!);
      assert.notEqual(needed.length, 0, library);
      assert.deepEqual(
        [...new Set(needed)].filter((version) => isNewer(version, oldest)),
        [],
        library,
      );
    }
  });

  test("is in a .deb with its unit, its settings and the licences of all that is in it", () => {
    const root = join(folder, "deb");
    const deb = makeDeb({ ...PACKED, files: contentsOf("x64", executable, dist, DEBIAN_SETTINGS) }, folder);
    execFileSync("dpkg-deb", ["--extract", deb, root]);
    assertInstalled(root);
    assert.equal(readFileSync(join(root, DEBIAN_SETTINGS), "utf8"), settingsFile());
  });

  test("is the same to the byte when it is made again", () => {
    const again = join(folder, "again");
    makeExecutable("x64", dist, again);
    assert.ok(readFileSync(again).equals(readFileSync(executable)));
    const debOf = (from: string) => {
      const files = contentsOf("x64", from, dist, DEBIAN_SETTINGS);
      return readFileSync(makeDeb({ ...PACKED, files }, join(folder, "debs")));
    };
    assert.ok(debOf(again).equals(debOf(executable)));
  });

  test("is in an .rpm that asks for nothing else and can be installed below a folder", SKIP_RPM, () => {
    const root = join(folder, "rpm");
    const rpm = makeRpm({ ...PACKED, files: contentsOf("x64", executable, dist, RPM_SETTINGS) }, folder);
    // Nobody who is not root may change roots, and no scriptlet runs without a shell below it.
    execFileSync("rpm", ["--root", root, "--initdb"]);
    execFileSync("rpm", ["--root", root, "--install", "--nodeps", "--noscripts", "--force-debian", rpm]);
    assertInstalled(root);
    assert.equal(readFileSync(join(root, RPM_SETTINGS), "utf8"), settingsFile());
    const query = (...args: readonly string[]) =>
      execFileSync("rpm", ["--query", "--package", ...args, rpm], { encoding: "utf8" });
    assert.deepEqual(
      query("--requires")
        .split("\n")
        .filter((line) => !/^(rpmlib\(|config\(|\/bin\/sh|$)/.test(line))
        .toSorted(),
      ["glibc >= 2.28", "libgcc", "libstdc++", "shadow-utils", "systemd"],
    );
    assert.equal(query("--configfiles"), "/etc/softnet/agent.env\n");
  });

  test("is in a .tar.gz with what puts it into place", () => {
    const tarball = makeTarball(
      { ...PACKED, files: contentsOf("x64", executable, dist, RPM_SETTINGS) },
      folder,
    );
    const names = execFileSync("tar", ["--list", "--file", tarball], { encoding: "utf8" });
    for (const name of ["softnet", "softnet-agent.service", "agent.env", "install.sh", "LICENSE"]) {
      assert.match(names, new RegExp(`^softnet-agent-0\\.1\\.0-linux-x64/${name}$`, "m"));
    }
  });

  test("is described by an SBOM that names each package in it, and what Node is made of", () => {
    const packages = thirdPartiesOf(inputs);
    const sbom = sbomOf({ version: "0.1.0", packages, nodeVersions: process.versions, builtAtSeconds: 1 });
    const text = JSON.stringify(sbom);
    const notices = readFileSync(join(dist, "THIRD-PARTY-NOTICES.txt"), "utf8");
    for (const { name, version } of packages) {
      assert.ok(notices.includes(`\n${name} ${version} (`), name);
      assert.ok(text.includes(`"${name}@${version}"`), name);
    }
    for (const name of ["node", "node/openssl", "node/v8", "uplot", "@alicloud/cms20190101"]) {
      assert.ok(text.includes(`"bom-ref":"${name}@`), name);
    }
  });
});

function assertInstalled(root: string): void {
  assert.equal(statSync(join(root, "usr/bin/softnet")).mode & 0o7777, 0o755);
  const read = (path: string) => readFileSync(join(root, path), "utf8");
  assert.equal(read("usr/lib/systemd/system/softnet-agent.service"), readFileSync(UNIT_FILE, "utf8"));
  assert.match(read("usr/share/doc/softnet-agent/THIRD-PARTY-NOTICES.txt"), /^valibot \d/m);
  assert.match(read("usr/share/doc/softnet-agent/NODE-LICENSE.txt"), /OpenSSL/);
}

function isNewer(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split(".").map(Number));
  const at = a!.findIndex((part, index) => part !== (b![index] ?? 0));
  return at >= 0 && a![at]! > (b![at] ?? 0);
}

test("each setting that the file comments out is what the agent takes without it", () => {
  const lines = [...settingsFile().matchAll(/^#(SOFTNET_\w+)=(.+)$/gm)];
  const env = Object.fromEntries(lines.map(([, name, value]) => [name!, value!]));
  assert.deepEqual(readOptions(AGENT_OPTIONS, [], env), readOptions(AGENT_OPTIONS, [], {}));
  assert.ok(lines.length > 5);
});

test("the unit is exposed to little", { skip: skipWithout("systemd-analyze") }, () => {
  const { stdout } = spawnSync("systemd-analyze", ["security", "--offline=true", "--no-pager", UNIT_FILE], {
    encoding: "utf8",
  });
  const [, level] = /Overall exposure level for softnet-agent\.service: ([\d.]+)/.exec(stdout) ?? [];
  assert.ok(Number(level) <= 1.5, stdout);
});

test("the unit asks for nothing that a hardened machine has switched off", () => {
  // systemd issue 34983: without user namespaces it would not start.
  assert.doesNotMatch(readFileSync(UNIT_FILE, "utf8"), /^PrivateUsers=/m);
});

test("shellcheck finds nothing in what installs it", { skip: skipWithout("shellcheck") }, () => {
  const { stdout } = spawnSync(
    "shellcheck",
    [
      ...["postinst", "prerm", "postrm"].map((name) => `packaging/debian/${name}`),
      ...["install.sh", "fit-systemd"].map((name) => `packaging/${name}`),
    ],
    { encoding: "utf8" },
  );
  assert.equal(stdout, "");
});
