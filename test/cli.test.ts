import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { describe, test } from "node:test";

import { VERBS } from "../src/cli.ts";
import { widthOf } from "../src/terminal/layout.ts";
import { runSoftnet } from "./support/run-softnet.ts";

const BIN = new URL("../bin/softnet.js", import.meta.url).pathname;

function softnet(args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], {
    env: { PATH: process.env["PATH"], ...env },
    encoding: "utf8",
    timeout: 30_000,
  });
  return { status, stdout, stderr };
}

function openDisposable(path: string) {
  const fd = openSync(path, "w");
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}

describe("the command line", () => {
  test("states its version", () => {
    const { status, stdout } = softnet(["--version"]);
    assert.match(stdout, /^softnet \d+\.\d+\.\d+ \(node 24\./);
    assert.equal(status, 0);
  });

  test("lists its verbs, in Chinese where the locale is Chinese", () => {
    assert.match(softnet(["--help"]).stdout, /Verbs:[\s\S]*\brun\b/);
    assert.match(softnet(["--help"], { LANG: "zh_CN.UTF-8" }).stdout, /命令：[\s\S]*\brun\b/);
  });

  test("lists the verbs of one topic", () => {
    const { stdout, status } = softnet(["remedy", "--help"]);
    assert.match(stdout, /remedy plan[\s\S]*remedy undo/);
    assert.doesNotMatch(stdout, /diagnose {2}/);
    assert.equal(status, 0);
  });

  const asked = [
    { args: ["help", "remedy", "plan"], says: /^softnet remedy plan: / },
    { args: ["help", "remedy"], says: /^softnet: [\s\S]*remedy undo/ },
    { args: ["--lang", "zh", "--help"], says: /^softnet：[\s\S]*用法：softnet 命令 \[参数\]/ },
    { args: ["--lang=zh", "help", "watch"], says: /^softnet watch：[\s\S]*用法：softnet watch \[参数\]/ },
  ];
  for (const { args, says } of asked) {
    test(`helps with "${args.join(" ")}"`, () => {
      const { status, stdout, stderr } = softnet(args);
      assert.match(stdout, says);
      assert.deepEqual([status, stderr], [0, ""]);
    });
  }

  for (const { name } of VERBS) {
    for (const lang of ["en", "zh"]) {
      test(`${name} has a help of 80 columns that says its exit codes (${lang})`, async () => {
        const { stdout } = await runSoftnet([...name.split(" "), "--help", "--lang", lang], { columns: 80 });
        const wide = stdout.split("\n").filter((line) => widthOf(line) > 80);
        assert.deepEqual(wide, []);
        assert.match(stdout, lang === "en" ? /Exits\s+with\s+0/ : /退出码：0/);
      });
    }
  }

  const refused = [
    { args: ["rnu"], line: /^softnet: command line: expected one of: .*run.*, got rnu\n$/ },
    { args: ["run", "--fast"], line: /^softnet: command line: expected one of .*--once.*, got --fast\n$/ },
    {
      args: ["run", "--sink", "s3"],
      line: /^softnet: --sink: expected auto or cloudmonitor or local, got "s3"\n$/,
    },
    {
      args: ["diagnose", "--root", "/nowhere"],
      line: /^softnet: --root: expected a directory that holds proc, sys and etc, got "\/nowhere"\n$/,
    },
  ];
  for (const { args, line } of refused) {
    test(`refuses "${args.join(" ")}" with one line and exit code 2`, () => {
      const { status, stdout, stderr } = softnet(args);
      assert.match(stderr, line);
      assert.equal(stdout, "");
      assert.equal(status, 2);
    });
  }

  test("says in one line that what it prints finds no room", () => {
    using full = openDisposable("/dev/full");
    const { status, stderr } = spawnSync(process.execPath, [BIN, "--help"], {
      stdio: ["ignore", full.fd, "pipe"],
      encoding: "utf8",
    });
    assert.equal(stderr, "softnet: standard output: expected room for what is printed, got ENOSPC\n");
    assert.equal(status, 2);
  });

  test("with --json, says the same as a document", () => {
    const { status, stdout } = softnet(["run", "--json", "--sink", "s3"]);
    assert.deepEqual(JSON.parse(stdout), {
      schemaVersion: 1,
      error: {
        code: "bad-value",
        expected: "auto or cloudmonitor or local",
        got: '"s3"',
        where: "--sink",
      },
    });
    assert.equal(status, 2);
  });

  test("says every flag's environment variable and default in a verb's help", () => {
    const { stdout, status } = softnet(["run", "--help"]);
    assert.match(stdout, /--sample-seconds SECONDS .*\(environment\s+SOFTNET_SAMPLE_SECONDS; default 1\)/);
    assert.equal(status, 0);
  });

  test("says them in the bracket that the text ends with, in both languages", () => {
    for (const [lang, region, console] of [
      ["en", "(default: from the metadata service; environment SOFTNET_REGION)", "(default 127.0.0.1:9417; "],
      ["zh", "（默认取自元数据服务；环境变量SOFTNET_REGION）", "（默认 127.0.0.1:9417；"],
    ] as const) {
      const { stdout } = softnet(["run", "--help", "--lang", lang]);
      // As it was before it was broken into lines, which in Chinese takes no space.
      const text = stdout.replaceAll(/\n +/g, lang === "en" ? " " : "");
      assert.ok(text.includes(region) && text.includes(console), text);
    }
  });
});
