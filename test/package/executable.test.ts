import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";

import { buildDist } from "../../scripts/bundle.ts";
import { contentsOf, settingsFile, UNIT_FILE } from "../../scripts/package/contents.ts";
import { DEBIAN_SETTINGS, makeDeb } from "../../scripts/package/debian.ts";
import { makeExecutable } from "../../scripts/package/executable.ts";
import { ASSETS, sourceOf } from "../../src/console/assets.ts";
import { AGENT_OPTIONS } from "../../src/config.ts";
import { readOptions } from "../../src/options.ts";
import { skipWithout } from "../support/needs.ts";
import { HOST_METRICS, pushOneMinute } from "./agent.ts";

/** Alibaba Cloud Linux 3 is the oldest that we name with RHEL 8's libraries: glibc 2.28 and the libstdc++ of gcc 8. */
const OLDEST = { GLIBC: "2.28", GLIBCXX: "3.4.25", CXXABI: "1.3.11" };

const folder = mkdtempSync(join(tmpdir(), "softnet-executable-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const executable = join(folder, "softnet");
/** A user's shell, with nothing of npm's and with what would change any other Node. */
const ENV = { PATH: "/usr/bin:/bin", HOME: folder };

describe("the single executable", { skip: skipWithout("strip", "objdump", "dpkg-deb") }, () => {
  let deb: string;

  before(async () => {
    const dist = join(folder, "dist");
    await buildDist(dist);
    makeExecutable("x64", dist, executable);
    const files = contentsOf("x64", executable, dist, DEBIAN_SETTINGS);
    deb = makeDeb({ arch: "x64", version: "0.1.0", files, compression: "none", builtAtSeconds: 1 }, folder);
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

  test("pushes its first minute", async () => {
    const env = { ...ENV, SOFTNET_STATE_DIR: join(folder, "state") };
    const { status, stdout, stderr, names } = await pushOneMinute([executable], folder, env);
    assert.equal(status, 0, stdout + stderr);
    for (const name of HOST_METRICS) assert.ok(names.includes(name), name);
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
    const root = join(folder, "root");
    mkdirSync(root);
    execFileSync("dpkg-deb", ["--extract", deb, root]);
    assert.equal(statSync(join(root, "usr/bin/softnet")).mode & 0o7777, 0o755);
    const read = (path: string) => readFileSync(join(root, path), "utf8");
    assert.equal(read("usr/lib/systemd/system/softnet-agent.service"), readFileSync(UNIT_FILE, "utf8"));
    assert.equal(read("usr/share/softnet-agent/agent.env"), settingsFile());
    assert.match(read("usr/share/doc/softnet-agent/THIRD-PARTY-NOTICES.txt"), /^valibot \d/m);
    assert.match(read("usr/share/doc/softnet-agent/NODE-LICENSE.txt"), /OpenSSL/);
  });
});

async function consoleUrlOf(stdout: Readable): Promise<string> {
  for await (const line of createInterface({ input: stdout })) {
    const [, url] = /^console +(http:\S+)$/.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error("expected a line of where the console is, got none");
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

test("shellcheck finds nothing in the maintainer's scripts", { skip: skipWithout("shellcheck") }, () => {
  const { stdout } = spawnSync(
    "shellcheck",
    ["postinst", "prerm", "postrm"].map((name) => `packaging/debian/${name}`),
    { encoding: "utf8" },
  );
  assert.equal(stdout, "");
});
