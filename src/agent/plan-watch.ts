import type { Clock } from "../clock.ts";
import type { RemedyPlan } from "../console/view.ts";
import type { Finding } from "../core/finding.ts";
import type { Observation } from "../core/observation.ts";
import type { Verdict } from "../core/verdict.ts";
import { HostError } from "../errors.ts";
import type { Judgement } from "./judge.ts";

/** The peak of a burst, and with it the plan, may grow while the findings stay the same. */
const RENEW_AFTER_MS = 60_000;
/** The first second of a burst does not tell what the next ones do. */
const SETTLED_AFTER_MS = 3000;

/** Keeps a plan at hand while something is found. A healthy host costs nothing, not even the planner's memory. */
export class PlanWatch {
  readonly #clock: Clock;
  readonly #planFor: (observation: Observation, verdict: Verdict) => Promise<RemedyPlan>;
  #plan: RemedyPlan | undefined;
  /** Of the findings that the plan is for, and of those seen last. */
  #key = "";
  #seen = { key: "", sinceMs: 0 };
  #madeAtMs = 0;
  #isPlanning = false;

  constructor(clock: Clock, planFor: (observation: Observation, verdict: Verdict) => Promise<RemedyPlan>) {
    this.#clock = clock;
    this.#planFor = planFor;
  }

  /** Undefined while nothing is found, and for the moment that it takes. */
  get plan(): RemedyPlan | undefined {
    return this.#plan;
  }

  /** Hears of each judgement. A plan outlasts the moments of an episode in which nothing is found. */
  async note({ verdict, observation, course }: Judgement): Promise<void> {
    if (verdict.findings.length === 0 || observation === undefined) {
      if (course.severity === "healthy") this.#plan = undefined;
      return;
    }
    const key = keyOf(verdict.findings);
    const nowMs = this.#clock.monotonicMs();
    if (key !== this.#seen.key) this.#seen = { key, sinceMs: nowMs };
    const isDue =
      key === this.#key
        ? nowMs - this.#madeAtMs >= RENEW_AFTER_MS
        : nowMs - this.#seen.sinceMs >= SETTLED_AFTER_MS;
    if (this.#isPlanning || (this.#plan && !isDue)) return;
    this.#isPlanning = true;
    try {
      this.#plan = await this.#planFor(observation, verdict);
      this.#key = key;
      this.#madeAtMs = nowMs;
    } catch (error) {
      // A journal that cannot be read: the watch for drift says so, and nobody should plan without it.
      if (!(error instanceof HostError)) throw error;
      this.#plan = undefined;
    } finally {
      this.#isPlanning = false;
    }
  }
}

function keyOf(findings: readonly Finding[]): string {
  return findings.map(({ code, remedy }) => `${code} ${remedy}`).join(", ");
}
