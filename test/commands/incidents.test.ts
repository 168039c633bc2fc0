import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
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
    env: {},
    isTerminal: false,
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
