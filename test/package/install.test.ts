import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { ASSETS } from "../../src/console/assets.ts";
import { examine, HOST_METRICS, pushOneMinute } from "./agent.ts";
import { BARE_ENV, npm, outputOf, pack } from "./tarball.ts";

const folder = mkdtempSync(join(tmpdir(), "softnet-package-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const { tarball, files } = pack(folder);
const VERSION_LINE = /^softnet \d+\.\d+\.\d+ \([0-9a-f]{8}, node 24\.\d+\.\d+\)\n$/;
const here = join(folder, "here");
mkdirSync(here);
npm(["install", tarball], here);
const installed = join(here, "node_modules/softnet-agent");

test("the tarball holds what was built and what explains it, and nothing else", () => {
  const built = /^dist\/([\w-]+\.cjs|page\/[\w-]+\.(html|css|js|svg))$/;
  assert.deepEqual(files.filter((path) => !built.test(path)).toSorted(), [
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "README.zh-CN.md",
    "bin/softnet.js",
    "dist/THIRD-PARTY-NOTICES.txt",
    "package.json",
  ]);
});

test("the tarball holds every file of the console's page", () => {
  for (const { file } of Object.values(ASSETS)) assert.ok(files.includes(`dist/page/${file}`), file);
});

test("all that is installed beside it is its Node", () => {
  const lock = JSON.parse(readFileSync(join(here, "package-lock.json"), "utf8")) as { packages: object };
  assert.deepEqual(
    Object.keys(lock.packages).filter((path) => !path.startsWith("node_modules/node-linux-")),
    ["", "node_modules/softnet-agent"],
  );
});

test("npx softnet runs under the Node that came along", () => {
  const { status, stdout } = outputOf("npx", ["softnet", "--version"], here);
  assert.match(stdout, VERSION_LINE);
  assert.equal(status, 0);
});

test("so does a global installation, whatever Node the PATH has", () => {
  npm(["install", "--global", "--prefix", join(folder, "global"), tarball], folder);
  const { status, stdout } = outputOf(join(folder, "global/bin/softnet"), ["--version"], folder);
  assert.match(stdout, VERSION_LINE);
  assert.equal(status, 0);
});

test("the installed agent delivers its first minute", async () => {
  const env = { ...BARE_ENV, SOFTNET_STATE_DIR: join(folder, "installed-state") };
  const { status, stdout, stderr, names } = await pushOneMinute(["npx", "softnet"], here, env);
  assert.equal(status, 0, stdout + stderr);
  for (const name of HOST_METRICS) assert.ok(names.includes(name), name);
});

for (const name of ["agent", "setup", "remediation"]) {
  test(`the installed doctor prints the policy ${name} that is checked in`, () => {
    const { status, stdout } = outputOf("npx", ["softnet", "doctor", "--policy", name], here);
    assert.equal(status, 0);
    assert.equal(stdout, readFileSync(`policies/${name}.json`, "utf8"));
  });
}

test("the installed doctor signs what it asks", async () => {
  const { checks } = await examine(["npx", "softnet"], here, BARE_ENV);
  const statuses = Object.fromEntries(checks.map(({ code, status }) => [code, status]));
  assert.partialDeepStrictEqual(statuses, {
    credentials: "ok",
    endpoint: "ok",
    "series-quota": "ok",
    "last-point": "failed",
  });
});

test("the installed watch shows a row for each CPU", () => {
  const { status, stdout } = outputOf("npx", ["softnet", "watch", "--count", "1", "--every", "0.2"], here);
  assert.equal(status, 0);
  assert.match(stdout, /^\S+ +all +\d/m);
  assert.match(stdout, /^\S+ +0 +\d/m);
});

test("each package in the bundle is among the notices, with the text of its licence", () => {
  const notices = readFileSync(join(installed, "dist/THIRD-PARTY-NOTICES.txt"), "utf8");
  assert.match(notices, /^valibot \d/m);
  assert.match(notices, /^uplot \d/m, "what only the page has counts too");
  assert.match(notices, /Permission is hereby granted/);
});
