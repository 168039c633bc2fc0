import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { skipWithoutKernel } from "../support/kernel-tests.ts";
import { judged } from "./lab/judged.ts";
import type { Lab } from "./lab/lab.ts";
import * as scenarios from "./lab/scenarios.ts";

const SOFTNET = fileURLToPath(new URL("../../bin/softnet.js", import.meta.url));
const SECONDS = 5;
const HERE = ["--for", String(SECONDS)];

interface Diagnosis {
  readonly healthy: boolean;
  readonly findings: readonly {
    readonly code: string;
    readonly severity: string;
    readonly confidence: number;
    readonly remedy: string | null;
  }[];
}

interface Expectation {
  readonly scenario: scenarios.Scenario;
  /** Each must be found. */
  readonly found: readonly string[];
  /** None of these may be. */
  readonly absent: readonly string[];
  /** No finding may point to these. */
  readonly noRemedy?: readonly string[];
}

const EXPECTATIONS: readonly Expectation[] = [
  {
    scenario: scenarios.burst,
    found: ["backlog-too-small"],
    absent: ["cpu-bottleneck", "budget-too-small", "single-flow", "flow-limit-drops"],
  },
  {
    scenario: scenarios.overload,
    found: ["cpu-bottleneck", "steering-narrow"],
    absent: ["backlog-too-small", "budget-too-small", "flow-limit-drops"],
    noRemedy: ["backlog", "budget"],
  },
  {
    scenario: scenarios.overloadNarrow,
    found: ["cpu-bottleneck", "steering-narrow"],
    absent: ["backlog-too-small", "budget-too-small", "flow-limit-drops"],
    noRemedy: ["backlog", "budget"],
  },
  {
    scenario: scenarios.singleFlow,
    found: ["cpu-bottleneck", "single-flow"],
    absent: ["backlog-too-small", "budget-too-small", "steering-narrow", "flow-limit-drops"],
    noRemedy: ["rps", "backlog", "budget"],
  },
  {
    scenario: scenarios.budget,
    found: ["budget-too-small"],
    absent: ["cpu-bottleneck", "backlog-too-small", "steering-narrow", "single-flow"],
    noRemedy: ["rps"],
  },
  {
    scenario: scenarios.flowLimit,
    found: ["flow-limit-drops"],
    absent: ["cpu-bottleneck", "budget-too-small"],
  },
];

describe("softnet diagnose on a real kernel", { skip: skipWithoutKernel() }, () => {
  for (const { scenario, found, absent, noRemedy = [] } of EXPECTATIONS) {
    test(`finds ${found.join(" and ")} in ${scenario.name}`, async (t) => {
      await judged(t, scenario, async (lab) => {
        const { findings, healthy } = await diagnose(lab, HERE, 1);
        const codes = new Set(findings.map(({ code }) => code));
        const said = JSON.stringify(findings);
        assert.ok(!healthy);
        for (const code of found) assert.ok(codes.has(code), `${code} is missing: ${said}`);
        for (const code of absent) assert.ok(!codes.has(code), `${code} is wrong: ${said}`);
        for (const remedy of noRemedy) {
          assert.ok(!findings.some((finding) => finding.remedy === remedy), `${remedy} is no cure: ${said}`);
        }
        // Counters alone cannot tell one flow from many that were steered alike.
        const singleFlow = findings.find(({ code }) => code === "single-flow");
        assert.ok(!singleFlow || singleFlow.confidence <= 0.6, said);
        if (scenario === scenarios.overload) {
          const captured = await diagnose(lab, ["--from", "-"], 1, await captureByScript(lab));
          assert.deepEqual(new Set(captured.findings.map(({ code }) => code)), codes);
        }
      });
    });
  }

  for (const scenario of [scenarios.healthy, scenarios.napiVethRpsOff]) {
    test(`finds nothing in ${scenario.name}`, async (t) => {
      await judged(t, scenario, async (lab) => {
        const { findings, healthy } = await diagnose(lab, HERE, 0);
        assert.deepEqual(findings, []);
        assert.ok(healthy);
      });
    });
  }
});

/** With nothing but `sh`, as on a machine where softnet is not installed. */
async function captureByScript(lab: Lab): Promise<string> {
  const args = [SOFTNET, "capture", "--script", ...HERE];
  const script = await lab.finishInView(process.execPath, args);
  const capture = await lab.finishInView("sh", [], { input: script.stdout });
  assert.equal(capture.code, 0, capture.stderr);
  return capture.stdout;
}

async function diagnose(
  lab: Lab,
  flags: readonly string[],
  exitCode: number,
  input?: string,
): Promise<Diagnosis> {
  const args = [SOFTNET, "diagnose", "--json", ...flags];
  const options = input === undefined ? {} : { input };
  const { code, stdout, stderr } = await lab.finishInView(process.execPath, args, options);
  assert.equal(code, exitCode, `${stdout}\n${stderr}`);
  return JSON.parse(stdout) as Diagnosis;
}
