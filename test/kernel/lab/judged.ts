import type { TestContext } from "node:test";

import { growthBetween, readCounters } from "./counters.ts";
import { Lab } from "./lab.ts";
import { becomesQuiet, ForeignLoad, MOST_FOREIGN_PERCENT } from "./machine-load.ts";
import type { Scenario, Scene } from "./scenarios.ts";

const ATTEMPTS = 3;

/** Since the test file began; a machine that others keep busy must not hold up the tests for long. */
const NO_REPEAT_AFTER_MS = 5 * 60_000;

/**
 * Runs `work` while the scenario's fault lasts, and lets its verdict count only if the machine was otherwise idle and the
 * kernel's counters show that fault: any other run is repeated whatever came of it, at most twice, and then the test is
 * skipped as not judged.
 *
 * `work` throws where the verdict does not hold; one such run that counts fails the test.
 *
 * @param shown when the counters must show the fault: before `work` only, where that ends it.
 * @returns whether a run counted.
 */
export async function judged(
  t: TestContext,
  scenario: Scenario,
  work: (lab: Lab, scene: Scene) => Promise<void>,
  shown: "throughout" | "before" = "throughout",
): Promise<boolean> {
  t.diagnostic(`${scenario.name}: ${scenario.about}`);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (attempt > 1 && performance.now() > NO_REPEAT_AFTER_MS) break;
    if (!(await becomesQuiet())) {
      t.skip("not judged: the machine was not 80 % idle for five seconds within the time there is");
      return false;
    }
    const foreign = new ForeignLoad();
    let failure: { readonly error: unknown } | undefined;
    let holds = false;
    await Lab.during(async (lab) => {
      const scene = await scenario.begin(lab);
      if (shown === "before") holds = scenario.holds(await lab.measure(1));
      const before = readCounters();
      try {
        await work(lab, scene);
      } catch (error) {
        failure = { error };
      }
      if (shown === "throughout") holds = scenario.holds(growthBetween(before, readCounters()));
    });
    const percent = foreign.percent();
    if (percent <= MOST_FOREIGN_PERCENT && holds) {
      t.diagnostic(`judged at attempt ${attempt}, under ${percent.toFixed(0)} % foreign load`);
      if (failure) throw failure.error;
      return true;
    }
    const what = failure ? `failed (${String(failure.error).split("\n", 1)[0]})` : "passed";
    const why = holds ? `under ${percent.toFixed(0)} % foreign load` : "without the fault that it was about";
    t.diagnostic(`attempt ${attempt} ${what} ${why}: does not count`);
  }
  t.skip("not judged: no attempt counts");
  return false;
}
