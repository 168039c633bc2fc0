import type { TestContext } from "node:test";

import { Lab } from "./lab.ts";
import { becomesQuiet, ForeignLoad, MOST_FOREIGN_PERCENT } from "./machine-load.ts";
import type { Scene } from "./scenarios.ts";

const ATTEMPTS = 3;

/**
 * Runs `work` while the scenario's fault lasts, and lets its verdict count only if the machine was otherwise idle: a run
 * with more than 20 % foreign load is repeated whatever came of it, and after three the test is skipped as not judged.
 *
 * `work` throws where the verdict does not hold; one such run that counts fails the test.
 */
export async function judged<S extends Scene>(
  t: TestContext,
  scenario: { readonly name: string; readonly about: string; readonly begin: (lab: Lab) => Promise<S> },
  work: (lab: Lab, scene: S) => Promise<void>,
): Promise<void> {
  t.diagnostic(`${scenario.name}: ${scenario.about}`);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (!(await becomesQuiet())) {
      return t.skip("not judged: the machine was not 80 % idle for five seconds within the time there is");
    }
    const foreign = new ForeignLoad();
    let failure: { readonly error: unknown } | undefined;
    try {
      await Lab.during(async (lab) => work(lab, await scenario.begin(lab)));
    } catch (error) {
      failure = { error };
    }
    const percent = foreign.percent();
    if (percent <= MOST_FOREIGN_PERCENT) {
      if (failure) throw failure.error;
      return;
    }
    const what = failure ? `failed (${String(failure.error).split("\n", 1)[0]})` : "passed";
    t.diagnostic(`attempt ${attempt} ${what} under ${percent.toFixed(0)} % foreign load: does not count`);
  }
  t.skip(`not judged: more than ${MOST_FOREIGN_PERCENT} % foreign load in each of ${ATTEMPTS} attempts`);
}
