import type { Observation } from "../core/observation.ts";
import { type Measure, measureOf, nextMove, type Proof, proofOf } from "../core/proof.ts";
import type { BrokenOff, RepairResult } from "../core/remedy-audit.ts";
import type { ApplyOutcome } from "../core/remedy-document.ts";
import type { RemedyPlan } from "../core/remedy-plan.ts";
import { type PersistSettings, renderApply, renderPersist, renderTakeBack } from "../core/remedy-script.ts";
import type { Text } from "../core/text.ts";
import { KnownError, RemedyError } from "../errors.ts";
import { fitting, type ScriptResult, succeeded } from "./run-script.ts";

/** The world as a repair sees it. */
export interface RepairWorld {
  /** Undefined when a signal came first. */
  readonly measureBefore: () => Promise<Observation | undefined>;
  /** @param window from 1. Undefined when a signal came first. */
  readonly measureAfter: (window: number) => Promise<Observation | undefined>;
  readonly plan: (
    observation: Observation,
  ) => Promise<{ readonly plan: RemedyPlan; readonly isHealthy: boolean }>;
  /** Shows the plan and asks. */
  readonly consents: (plan: RemedyPlan) => Promise<boolean>;
  readonly run: (script: string) => Promise<ScriptResult>;
  /** What is going on; a proof takes half a minute. */
  readonly say: (line: Text) => void;
  /** Hears of a run that had a plan and comes to no result. */
  readonly note: (run: RunBrokenOff) => void;
}

export interface RunBrokenOff {
  readonly how: BrokenOff;
  readonly plan: RemedyPlan;
  readonly before: Measure;
  /** Undefined where it was not measured again. */
  readonly after: Measure | undefined;
  readonly proof: Proof | undefined;
  readonly problem: KnownError | undefined;
}

/** How a repair ended. */
export type Repair =
  | {
      readonly kind: "ended";
      readonly outcome: ApplyOutcome;
      /** Why what helped does not outlive a reboot though it should. */
      readonly problem?: KnownError;
    }
  /** A signal came; what had been set by then is taken back. */
  | { readonly kind: "interrupted"; readonly isTakenBack: boolean }
  | { readonly kind: "declined"; readonly plan: RemedyPlan };

/**
 * Measures, plans, sets, and measures again; then keeps what helped and makes it outlive a reboot, or takes it back.
 *
 * What it set does not stay when something goes wrong on the way: it is taken back before the error goes on.
 *
 * @throws KnownError of the world's, or when a script could not do its work.
 */
export async function repair(world: RepairWorld): Promise<Repair> {
  const seen = await world.measureBefore();
  if (seen === undefined) return { kind: "interrupted", isTakenBack: false };
  const { plan, isHealthy } = await world.plan(seen);
  const before = measureOf(seen);
  const ended = (result: RepairResult, proved?: Proved, persisted = false): Repair => ({
    kind: "ended",
    outcome: {
      result,
      plan,
      before,
      after: proved && measureOf(proved.seen),
      proof: proved?.proof,
      persisted,
    },
  });
  if (plan.values.length === 0) return ended(isHealthy ? "healthy" : "failed");
  let proved: Proved | undefined;
  const note = (how: BrokenOff, problem?: KnownError): void =>
    world.note({ how, plan, before, after: proved && measureOf(proved.seen), proof: proved?.proof, problem });
  if (!(await world.consents(plan))) {
    note("declined");
    return { kind: "declined", plan };
  }

  try {
    const applied = await world.run(fitting(renderApply(plan.values)));
    // What it could not put back, the complaint names.
    succeeded(applied, applied.left.length > 0 ? "remedy apply" : NOTHING_CHANGED);
    if (applied.changed.length === 0) {
      // It is noted all the same, as a run.
      await takeBack(world);
      throw setMeanwhile();
    }
    const looked = await takingBackOnError(world, () => prove(world, plan, seen));
    if (looked === "interrupted") {
      await takeBack(world);
      note("interrupted");
      return { kind: "interrupted", isTakenBack: true };
    }
    proved = looked;
    switch (proved.move) {
      case "take-back":
        await takeBack(world);
        return ended("undone", proved);
      case "leave-unproven":
        return ended("unproven", proved);
      case "keep":
        if (plan.persist === undefined) return ended("kept", proved);
        return await persist(world, plan.persist, ended("kept", proved), ended("kept", proved, true));
    }
  } catch (problem) {
    if (problem instanceof KnownError) note("broken", problem);
    throw problem;
  }
}

/** What helped stays, even where it cannot be made to last. */
async function persist(
  world: RepairWorld,
  settings: PersistSettings,
  kept: Repair,
  persisted: Repair,
): Promise<Repair> {
  try {
    succeeded(
      await world.run(fitting(renderPersist(settings))),
      "remedy apply (it helped and stays until the next reboot)",
    );
    return persisted;
  } catch (problem) {
    if (!(problem instanceof KnownError)) throw problem;
    return { ...kept, problem } as Repair;
  }
}

const NOTHING_CHANGED = "remedy apply (nothing was changed)";

/** There is nothing of ours to prove, to keep or to take back. */
function setMeanwhile(): RemedyError {
  return new RemedyError({
    code: "changed-meanwhile",
    expected: "settings as they were planned for",
    got: "just the planned ones: somebody else set them since",
    where: NOTHING_CHANGED,
  });
}

interface Proved {
  readonly seen: Observation;
  readonly proof: Proof;
  readonly move: "keep" | "take-back" | "leave-unproven";
}

async function prove(
  world: RepairWorld,
  { values }: RemedyPlan,
  before: Observation,
): Promise<Proved | "interrupted"> {
  for (let window = 1; ; window++) {
    const seen = await world.measureAfter(window);
    if (seen === undefined) return "interrupted";
    const proof = proofOf(values, before, seen);
    const move = nextMove(proof, window);
    if (move !== "measure-again") return { seen, proof, move };
    world.say(proof === "filling" ? FILLING : OTHER_LOAD);
  }
}

const FILLING: Text = {
  en: "it looks better, but a queue is filling and may only be waiting to drop",
  zh: "看起来有改善，但队列仍在增长，可能只是推迟丢包",
};

const OTHER_LOAD: Text = {
  en: "the load is not the one of before, so it cannot be told yet",
  zh: "负载与之前不可比，暂时无法判断",
};

async function takeBack(world: RepairWorld): Promise<void> {
  succeeded(await world.run(renderTakeBack()), "remedy apply, when taking back");
}

async function takingBackOnError<T>(world: RepairWorld, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof KnownError) await takeBack(world);
    throw error;
  }
}
