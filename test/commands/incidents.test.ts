import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { main } from "../../src/cli.ts";
import { nicBypassesBacklog } from "../../src/core/cannot-help.ts";
import type { FindingCode } from "../../src/core/finding.ts";
import { observe } from "../../src/core/observation.ts";
import { verdictOf } from "../../src/core/verdict.ts";
import { readCapture } from "../../src/host/capture.ts";
import { readHostSettings } from "../../src/host/settings.ts";
import { readingsOfCapture } from "../../src/sampling.ts";
import { widthOf } from "../../src/terminal/layout.ts";

/** Captures of a real kernel under faults that were made on purpose. */
const incidents = join(import.meta.dirname, "../fixtures/incidents");
/** What `diagnose` says of them, to be read by people when it changes. */
const texts = join(import.meta.dirname, "../fixtures/diagnosis");

const found: Readonly<Record<string, readonly FindingCode[]>> = {
  budget: ["budget-too-small"],
  burst: ["backlog-too-small", "virtual-path"],
  "flow-limit": ["flow-limit-drops", "virtual-path"],
  healthy: [],
  "napi-veth-rps-off": [],
  overload: ["cpu-bottleneck", "steering-narrow", "virtual-path"],
  "overload-narrow": ["cpu-bottleneck", "steering-narrow", "virtual-path"],
  "single-flow": ["cpu-bottleneck", "single-flow", "virtual-path"],
  story: ["cpu-bottleneck", "steering-narrow", "virtual-path"],
  "triple-overload": ["cpu-bottleneck", "steering-narrow", "virtual-path"],
};

async function diagnose(args: readonly string[]): Promise<{ code: number; stdout: string }> {
  let stdout = "";
  const code = await main(["diagnose", ...args], {
    stdout: (text) => (stdout += text),
    stderr: (text) => assert.fail(text),
    env: { NO_COLOR: "1" },
    isTerminal: true,
    canAsk: false,
    ask: () => assert.fail("asked"),
    isRoot: false,
    commandLine: ["softnet", ...args],
    columns: 80,
    signal: new AbortController().signal,
  });
  return { code, stdout };
}

const pathOf = (incident: string): string => join(incidents, `${incident}.capture`);

describe("a recorded incident", () => {
  test("of each kind is judged here", () => {
    assert.deepEqual(
      readdirSync(incidents).sort(),
      Object.keys(found)
        .map((name) => `${name}.capture`)
        .sort(),
    );
  });

  for (const [incident, codes] of Object.entries(found)) {
    for (const lang of ["en", "zh"]) {
      test(`${incident} shows ${codes.join(", ") || "nothing"} (${lang})`, async () => {
        const { code, stdout } = await diagnose(["--from", pathOf(incident), "--json", "--lang", lang]);
        const { findings, healthy } = JSON.parse(stdout) as {
          findings: { code: string; summary: string }[];
          healthy: boolean;
        };
        assert.deepEqual(
          findings.map((finding) => finding.code),
          codes,
        );
        assert.deepEqual([code, healthy], codes.length === 0 ? [0, true] : [1, false]);
        for (const { summary } of findings) assert.equal(/[\u4e00-\u9fff]/.test(summary), lang === "zh");
      });
    }
  }

  // The story is calm at both ends, so its middle is needed.
  for (const incident of Object.keys(found).filter((name) => name !== "story")) {
    test(`${incident} shows the same by its two ends alone`, () => {
      const { snapshots } = readCapture(pathOf(incident));
      const ends = [snapshots[0], snapshots.at(-1)!];
      const observation = observe(readingsOfCapture(ends), readHostSettings(snapshots[0]));
      assert.ok(observation.kind === "observation");
      assert.deepEqual(
        verdictOf(observation).findings.map(({ code }) => code),
        found[incident],
      );
    });
  }

  for (const incident of ["overload-narrow", "budget"]) {
    for (const lang of ["en", "zh"]) {
      test(`${incident} is told to people as before (${lang})`, async () => {
        const { stdout } = await diagnose(["--from", pathOf(incident), "--lang", lang]);
        const told = stdout.replaceAll(`${incidents}/`, "");
        assert.equal(told, readFileSync(join(texts, `${incident}.${lang}.txt`), "utf8"));
      });
    }
  }

  for (const incident of Object.keys(found)) {
    for (const lang of ["en", "zh"]) {
      test(`${incident} is told in 80 columns (${lang})`, async () => {
        const { stdout } = await diagnose(["--from", pathOf(incident), "--lang", lang]);
        const wide = stdout.split("\n").filter((line) => widthOf(line) > 80 && !line.includes("--from"));
        assert.deepEqual(wide, []);
      });
    }
  }

  test("whose CPU was busy only while it dropped says so beside the mean", async () => {
    const { stdout } = await diagnose(["--from", pathOf("story")]);
    assert.match(stdout, /packets take 99 % of its time\s+while it drops\./);
    assert.match(stdout, /^ +1 .* 62 % .* 34 %$/m);
    const steady = await diagnose(["--from", pathOf("overload-narrow")]);
    assert.match(steady.stdout, /packets\s+take 100 % of its\s+time\./);
  });

  test("shows the flow limit of each CPU where there is one, and no column of zeros elsewhere", async () => {
    const { stdout } = await diagnose(["--from", pathOf("flow-limit")]);
    assert.match(stdout, /^ +CPU .*flow limit\/s/m);
    assert.match(stdout, /^ +1 +23,466 +25,805 +0 +0 /m);
    assert.doesNotMatch((await diagnose(["--from", pathOf("story")])).stdout, /flow limit\/s/);
  });

  test("whose file has a name that a shell would take apart is previewed with it in quotes", async () => {
    const dir = mkdtempSync(join(tmpdir(), "softnet-incidents-"));
    const path = join(dir, "Bob's host.capture");
    try {
      copyFileSync(pathOf("burst"), path);
      const { stdout } = await diagnose(["--from", path]);
      const word = `'${dir}/Bob'\\''s host.capture'`;
      assert.ok(stdout.includes(`Preview   softnet remedy plan --from ${word}\n`), stdout);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  test("with a veth that polls for itself gives the evidence that no backlog can help", () => {
    const evidence = Object.keys(found).filter((incident) => {
      const { snapshots } = readCapture(pathOf(incident));
      const observation = observe(readingsOfCapture(snapshots), readHostSettings(snapshots[0]));
      assert.ok(observation.kind === "observation");
      return nicBypassesBacklog(observation) !== undefined;
    });
    // The eight NAPIs of the budget incident bypass it as well; no other does.
    assert.deepEqual(evidence, ["budget", "napi-veth-rps-off"]);
  });
});
