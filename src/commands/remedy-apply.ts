import { systemClock } from "../clock.ts";
import { type CommonOptions, defineVerb, exitCodeOfSignal, type Io } from "../terminal/command.ts";
import { AGENT_OPTIONS } from "../config.ts";
import { isAgreed, notAgreed, refuseWithoutConsent, refuseWithoutRoot, yes } from "../terminal/consent.ts";
import type { Observation } from "../core/observation.ts";
import type { RepairRecord, RepairResult } from "../core/remedy-audit.ts";
import { type ApplyOutcome, applyDocument, changeDocument } from "../core/remedy-document.ts";
import { planRemedy, type RemedyPlan } from "../core/remedy-plan.ts";
import type { Text } from "../core/text.ts";
import { verdictOf } from "../core/verdict.ts";
import { KnownError } from "../errors.ts";
import { Machine } from "../host/machine.ts";
import { readHostSettings } from "../host/settings.ts";
import type { Look } from "../terminal/look.ts";
import { FOR_SECONDS, forSeconds, observationOf } from "../observing.ts";
import {
  askIngressKbps,
  type Choice,
  CHOOSING_OPTIONS,
  contextOf,
  policyOf,
  verifySeconds,
} from "../remedy-options.ts";
import { outcomeText, planText } from "../reports/remedy-text.ts";
import { takeLock } from "../remedy/lock.ts";
import { type Repair, repair, type RepairWorld } from "../remedy/repair.ts";
import { runScript } from "../remedy/run-script.ts";
import { appendAudit, openStateFolder } from "../remedy/state-folder.ts";

const VERB = "remedy apply";

/** A queue is seen for a moment only, so it is looked at more often than counters are. */
const PROOF_EVERY_MS = 250;

interface Asked extends Choice, CommonOptions {
  readonly forSeconds: number | undefined;
  readonly verifySeconds: number;
  readonly yes: boolean;
  readonly remedyDir: string;
  readonly imds: string | undefined;
}

export default defineVerb({
  name: VERB,
  summary: {
    en: "change what the plan says, measure whether it helped, and keep it or take it back",
    zh: "按计划改动，测量是否有效，有效则保留，无效则撤销",
  },
  details: {
    en: "Exits with 0 when healthy or kept, 1 when undone, unproven or not improved, 2 when it could not.",
    zh: "退出码：0 正常或已保留，1 已撤销、未证实或没有改善，2 无法执行。",
  },
  refuses: ["root"],
  options: {
    forSeconds,
    ...CHOOSING_OPTIONS,
    verifySeconds,
    yes,
    remedyDir: AGENT_OPTIONS.remedyDir,
    imds: AGENT_OPTIONS.imds,
  },
  run: async (options: Asked, io) => {
    refuseWithoutRoot(io, VERB);
    refuseWithoutConsent(options.yes, io, VERB);
    refuseUnknownHere(options);
    openStateFolder(options.remedyDir);
    const release = takeLock(options.remedyDir);
    try {
      return report(await repair(worldOf(options, io)), options, io);
    } finally {
      release();
    }
  },
});

/** Before the time is spent and not after it. */
function refuseUnknownHere(options: Asked): void {
  using machine = new Machine();
  policyOf(options, readHostSettings(machine));
}

function worldOf(options: Asked, io: Io): RepairWorld {
  const { lang } = options;
  const watched = { ...options, from: undefined };
  const say = (line: Text): void => io.stderr(`softnet: ${line[lang]}\n`);
  return {
    measureBefore: async () => {
      const seconds = options.forSeconds ?? FOR_SECONDS;
      say({ en: `measuring for ${seconds} s before any change`, zh: `改动前先测量 ${seconds} 秒` });
      return observationOf(watched, io);
    },
    measureAfter: async (window) => {
      const seconds = options.verifySeconds;
      say(
        window === 1
          ? {
              en: `set; measuring for ${seconds} s whether it helps`,
              zh: `已设置；测量 ${seconds} 秒以判断是否有效`,
            }
          : { en: `measuring for another ${seconds} s`, zh: `继续测量 ${seconds} 秒` },
      );
      return observationOf({ ...watched, forSeconds: options.verifySeconds }, io, PROOF_EVERY_MS);
    },
    plan: (observation) => planFor(observation, options),
    consents: async (plan) => {
      if (!options.json || !options.yes) io.stderr(planText(plan, false, undefined, lookOf(options, io)));
      return isAgreed({ en: "Apply this?", zh: "是否执行？" }, options.yes, lang, io);
    },
    run: async (script) => runScript(script, options.remedyDir),
    say,
    note: ({ how, problem, ...run }) => {
      // No answer came, but a signal.
      const result = how === "declined" && io.signal.aborted ? "interrupted" : how;
      const unnoted = problemWithAudit(
        { ...recordOf({ ...run, result, persisted: false }), ...(problem && { problem: problem.message }) },
        options,
      );
      // One line is enough, as on a disk that is full.
      if (unnoted && !problem) io.stderr(`softnet: ${unnoted.message}\n`);
    },
  };
}

async function planFor(
  observation: Observation,
  options: Asked,
): Promise<{ plan: RemedyPlan; isHealthy: boolean }> {
  using machine = new Machine();
  const { settings } = observation;
  const asked = { dir: options.remedyDir, ingressKbps: async () => askIngressKbps(options.imds) };
  const context = await contextOf(machine, options, asked, settings);
  const verdict = verdictOf(observation);
  return {
    plan: planRemedy(observation, verdict, policyOf(options, settings), context),
    isHealthy: verdict.findings.length === 0,
  };
}

/** What is printed, noted and returned. */
function report(ended: Repair, options: Asked, io: Io): number {
  switch (ended.kind) {
    case "interrupted": {
      const line = ended.isTakenBack ? TAKEN_BACK : NOTHING_CHANGED;
      io.stderr(`softnet: ${line[options.lang]}\n`);
      return exitCodeOfSignal(io.signal);
    }
    case "declined":
      return notAgreed(VERB, io);
    case "ended": {
      const { outcome } = ended;
      const auditProblem = problemWithAudit(recordOf(outcome), options);
      const problem = ended.problem ?? auditProblem;
      io.stdout(
        options.json
          ? `${JSON.stringify(applyDocument(outcome, options.lang))}\n`
          : textOf(outcome, options, io),
      );
      if (problem === undefined) return EXIT_CODE[outcome.result];
      io.stderr(`softnet: ${problem.message}\n`);
      return 2;
    }
  }
}

const TAKEN_BACK: Text = {
  en: "interrupted: what was set is taken back",
  zh: "已中断：已设置的改动均已撤销",
};
const NOTHING_CHANGED: Text = { en: "interrupted: nothing was changed", zh: "已中断：未做任何改动" };

/** What happened is told even where it cannot be noted. */
function problemWithAudit(record: RepairRecord, { remedyDir: dir }: Asked): KnownError | undefined {
  try {
    appendAudit(dir, record);
  } catch (problem) {
    if (problem instanceof KnownError) return problem;
    throw problem;
  }
  return undefined;
}

/** Where nothing was planned, the plan says why. */
function textOf(outcome: ApplyOutcome, options: Asked, io: Io): string {
  const look = lookOf(options, io);
  const { plan, result } = outcome;
  const why = plan.values.length === 0 ? planText(plan, result === "healthy", undefined, look) : "";
  return result === "healthy" ? why : `${why}${why && "\n"}${outcomeText(outcome, look)}`;
}

function recordOf({
  result,
  plan,
  before,
  after,
  proof,
  persisted,
}: Omit<ApplyOutcome, "result"> & Pick<RepairRecord, "result">): RepairRecord {
  return {
    time: new Date(systemClock.nowMs()).toISOString(),
    verb: VERB,
    result,
    tried: plan.values.map(changeDocument),
    before,
    after: after ?? null,
    proof: proof ?? null,
    persisted,
  };
}

function lookOf({ lang }: Asked, io: Io): Look {
  return { lang, columns: io.columns, colours: io.isTerminal && !io.env["NO_COLOR"] };
}

const EXIT_CODE: Readonly<Record<RepairResult, number>> = {
  healthy: 0,
  kept: 0,
  unproven: 1,
  undone: 1,
  failed: 1,
};
