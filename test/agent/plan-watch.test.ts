import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";

import { AGENT_OPTIONS } from "../../src/config.ts";
import { observe, type Observation } from "../../src/core/observation.ts";
import { verdictOf } from "../../src/core/verdict.ts";
import { advance, newCourse } from "../../src/core/verdict-over-time.ts";
import { HostError } from "../../src/errors.ts";
import { readCapture } from "../../src/host/capture.ts";
import { readHostSettings } from "../../src/host/settings.ts";
import type { Judgement } from "../../src/agent/judge.ts";
import { readOptions } from "../../src/options.ts";
import { PlanWatch } from "../../src/agent/plan-watch.ts";
import { planFor } from "../../src/agent/planning.ts";
import { readingsOfCapture } from "../../src/sampling.ts";
import { runSoftnet } from "../support/run-softnet.ts";

const incident = (name: string): string => join(import.meta.dirname, `../fixtures/incidents/${name}.capture`);

function observed(name: string): Observation {
  const { snapshots } = readCapture(incident(name));
  const observation = observe(readingsOfCapture(snapshots), readHostSettings(snapshots[0]));
  assert.ok(observation.kind === "observation");
  return observation;
}

for (const name of ["burst", "overload"]) {
  test(`the agent plans for ${name} what softnet remedy plan does`, async () => {
    const [host] = readCapture(incident(name)).snapshots;
    const config = readOptions(AGENT_OPTIONS, ["--sink", "local"], {});
    const observation = observed(name);
    const plan = await planFor(host, config, observation, verdictOf(observation));
    const { stdout } = await runSoftnet(["remedy", "plan", "--from", incident(name), "--json"]);
    const asked = JSON.parse(stdout);
    const changes: { kind: string; from: string; to: string; why: string; cost: unknown }[] = asked.steps;
    assert.ok(plan.steps.length > 0);
    assert.deepEqual(
      plan.steps.map(({ kind, from, to, why, cost }) => ({ kind, from, to, why: why.en, cost })),
      changes
        .filter(({ kind }) => kind !== "file")
        .map(({ kind, from, to, why, cost }) => ({ kind, from, to, why, cost })),
    );
    assert.deepEqual(
      plan.cannotHelp.map(({ code }) => code),
      asked.cannotHelp.map(({ code }: { code: string }) => code),
    );
    assert.deepEqual([plan.command, plan.undo], ["sudo softnet remedy apply", asked.undo]);
  });
}

/** A watch whose plans are numbered, and a host that is judged as the test says. */
function watched() {
  let nowMs = 1_000_000;
  let course = newCourse(nowMs);
  let plans = 0;
  const failures: Error[] = [];
  const watch = new PlanWatch({ nowMs: () => nowMs, monotonicMs: () => nowMs }, () => {
    const failure = failures.pop();
    if (failure) return Promise.reject(failure);
    const text = { en: String(++plans), zh: String(plans) };
    return Promise.resolve({
      steps: [],
      files: [],
      cannotHelp: [],
      conflicts: [],
      notes: [text],
      advice: undefined,
      command: "",
      undo: "",
    });
  });
  return {
    failures,
    number: () => watch.plan?.notes[0]?.en,
    see: async (observation: Observation, seconds: number): Promise<void> => {
      for (let i = 0; i < seconds; i++) {
        nowMs += 1000;
        const verdict = verdictOf(observation);
        const next = advance(course, nowMs, verdict);
        course = next.course;
        const judgement: Judgement = { severity: course.severity, verdict, observation, ...next };
        await watch.note(judgement);
      }
    },
  };
}

describe("the plan at hand", () => {
  const LOSS = observed("burst");
  const OTHER_LOSS = observed("overload");
  const CALM = observed("healthy");

  test("is none for a healthy host", async () => {
    const { see, number } = watched();
    await see(CALM, 5);
    assert.equal(number(), undefined);
  });

  test("is made once, and anew after a minute or when something else is found", async () => {
    const { see, number } = watched();
    await see(LOSS, 30);
    assert.equal(number(), "1");
    await see(LOSS, 40);
    assert.equal(number(), "2");
    await see(OTHER_LOSS, 3);
    assert.equal(number(), "2", "it may be over in a second");
    await see(OTHER_LOSS, 1);
    assert.equal(number(), "3");
  });

  test("is not made each second while findings come and go", async () => {
    const { see, number } = watched();
    for (let i = 0; i < 10; i++) await see(i % 2 === 0 ? LOSS : OTHER_LOSS, 1);
    assert.equal(number(), "1");
  });

  test("outlasts a calm moment, and goes when the host has recovered", async () => {
    const { see, number } = watched();
    await see(LOSS, 5);
    await see(CALM, 5);
    assert.equal(number(), "1");
    await see(CALM, 400);
    assert.equal(number(), undefined);
  });

  test("is none where the journal cannot be read, and there again when it can", async () => {
    const { see, number, failures } = watched();
    const expected = "a journal of softnet remedy";
    failures.push(new HostError({ code: "bad-journal", expected, got: "another text", where: "journal" }));
    await see(LOSS, 1);
    assert.equal(number(), undefined);
    await see(LOSS, 1);
    assert.equal(number(), "1");
  });
});
