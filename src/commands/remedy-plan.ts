import { type CommonOptions, defineVerb, exitCodeOfSignal } from "../terminal/command.ts";
import { AGENT_OPTIONS } from "../config.ts";
import { planDocument } from "../core/remedy-document.ts";
import { planRemedy, type RemedyPlan } from "../core/remedy-plan.ts";
import { renderApply, renderPersist, renderPortable, renderUndo } from "../core/remedy-script.ts";
import { firstBacklogOf } from "../core/remedies/bandwidth.ts";
import { verdictOf } from "../core/verdict.ts";
import { UsageError } from "../errors.ts";
import { Machine } from "../host/machine.ts";
import { readHostSettings } from "../host/settings.ts";
import { forSeconds, from, observationOf } from "../observing.ts";
import { oneOf, type Option, type Switch } from "../options.ts";
import {
  applyCommandOf,
  askIngressKbps,
  type Choice,
  CHOOSING_OPTIONS,
  contextOf,
  policyOf,
} from "../remedy-options.ts";
import { fitting } from "../remedy/run-script.ts";
import { planText } from "../reports/remedy-text.ts";

const script: Switch = {
  flag: "script",
  isSwitch: true,
  help: { en: "print the sh script that apply would run", zh: "打印 apply 将要执行的 sh 脚本" },
};

type Phase = "apply" | "persist" | "undo";

const phase: Option<Phase | undefined> = {
  flag: "phase",
  placeholder: "apply|persist|undo",
  ...oneOf(["apply", "persist", "undo"]),
  fallback: undefined,
  help: {
    en: "which script: set at run time, outlive a reboot, or put everything back (default: apply)",
    zh: "哪个脚本：运行时设置（默认）、持久化，或还原",
  },
};

const portable: Switch = {
  flag: "portable",
  isSwitch: true,
  help: {
    en: "with --script: the runbook for a machine that nobody has looked at; it applies, persists and proves nothing",
    zh: "与 --script 合用：用于未诊断过的机器的脚本；执行并持久化，不做验证",
  },
};

export default defineVerb({
  name: "remedy plan",
  summary: {
    en: "say what should change, why, and what it costs; changes nothing",
    zh: "说明应改动什么、为什么、代价如何；不做任何改动",
  },
  details: {
    en: "Exits with 0 when there is nothing to do, 1 with a plan, 2 when it could not tell.",
    zh: "退出码：0 无需改动，1 有计划，2 无法判断。",
  },
  options: {
    forSeconds,
    from,
    ...CHOOSING_OPTIONS,
    script,
    phase,
    portable,
    remedyDir: AGENT_OPTIONS.remedyDir,
    imds: AGENT_OPTIONS.imds,
  },
  run: async (options, io) => {
    refuseContradictions(options);
    if (options.portable) {
      io.stdout(portableScript(options));
      return 0;
    }
    if (options.script && options.phase === "undo") {
      io.stdout(renderUndo({ force: options.force }));
      return 0;
    }
    using machine = new Machine(options.root);
    const isThisMachine = options.from === undefined;
    // Before the time is spent and not after it.
    if (isThisMachine) policyOf(options, readHostSettings(machine));
    const observation = await observationOf(options, io);
    if (observation === undefined) return exitCodeOfSignal(io.signal);

    const { settings } = observation;
    const context = await contextOf(
      isThisMachine ? machine : undefined,
      options,
      {
        dir: options.remedyDir,
        ingressKbps: async () =>
          isThisMachine && options.root === "/" ? askIngressKbps(options.imds) : undefined,
      },
      settings,
    );
    const verdict = verdictOf(observation);
    const plan = planRemedy(observation, verdict, policyOf(options, settings), context);
    if (options.script) io.stdout(scriptOf(plan, options.phase));
    else if (options.json) io.stdout(`${JSON.stringify(planDocument(plan, options.lang))}\n`);
    else {
      const look = { lang: options.lang, columns: io.columns, colours: io.isTerminal && !io.env["NO_COLOR"] };
      const isElsewhere = !isThisMachine || settings.inOwnNetworkNamespace;
      const apply = { command: applyCommandOf(options), isElsewhere };
      io.stdout(planText(plan, verdict.findings.length === 0, apply, look));
    }
    return plan.values.length === 0 ? 0 : 1;
  },
});

function scriptOf(plan: RemedyPlan, which: Phase | undefined): string {
  if (which !== "persist") return fitting(renderApply(plan.values));
  return fitting(renderPersist(plan.persist ?? { conf: [], masks: [] }));
}

function portableScript({ backlog, bandwidthGbps, rps }: Choice): string {
  const source = bandwidthGbps === undefined ? "unknown" : "flag";
  const auto = firstBacklogOf({ gbps: bandwidthGbps, source });
  return renderPortable({ backlog: backlog === "auto" ? auto : backlog, rps: rps !== "off" });
}

interface Asked extends Choice, CommonOptions {
  readonly forSeconds: number | undefined;
  readonly from: string | undefined;
  readonly script: boolean;
  readonly phase: Phase | undefined;
  readonly portable: boolean;
}

function refuseContradictions(asked: Asked): void {
  const { json, script: asksScript, phase: asksPhase, portable: isPortable } = asked;
  const ofOneHost = [
    asked.from === undefined ? [] : "--from",
    asked.device === undefined ? [] : "--device",
    asked.forSeconds === undefined ? [] : "--for",
    asked.root === "/" ? [] : "--root",
  ].flat();
  const ofOtherScripts = [
    asksPhase === undefined ? [] : "--phase",
    asked.noPersist ? "--no-persist" : [],
    asked.force ? "--force" : [],
  ].flat();
  const wrong: readonly [boolean, string, string][] = [
    [json && asksScript, "--json or --script", "both: a script is no JSON"],
    [isPortable && !asksScript, "--portable with --script", "--portable alone"],
    [asksPhase !== undefined && !asksScript, "--phase with --script", "--phase alone"],
    [asksPhase === "persist" && asked.noPersist, "--phase persist or --no-persist", "both: nothing to write"],
    [isPortable && ofOneHost.length > 0, "--portable without a host", ofOneHost.join(" and ")],
    [
      isPortable && ofOtherScripts.length > 0,
      "--portable alone, which applies and persists in one go",
      ofOtherScripts.join(" and "),
    ],
    [
      isPortable && typeof asked.rps === "bigint",
      "--rps auto or off with --portable",
      "a mask, which suits one machine only",
    ],
  ];
  const found = wrong.find(([isWrong]) => isWrong);
  if (!found) return;
  throw new UsageError({
    code: "flags-contradict",
    expected: found[1],
    got: found[2],
    where: "command line",
  });
}
