import type { AgentConfig } from "../config.ts";
import type { RemedyPlan as ConsolePlan } from "../console/view.ts";
import type { Observation } from "../core/observation.ts";
import { alikeChanges, UNDO_COMMAND } from "../core/remedy-document.ts";
import { planRemedy } from "../core/remedy-plan.ts";
import type { Verdict } from "../core/verdict.ts";
import type { Host } from "../host/host.ts";
import { readOptions } from "../options.ts";
import { applyCommandOf, askIngressKbps, CHOOSING_OPTIONS, contextOf, policyOf } from "../remedy-options.ts";

/** What `softnet remedy plan` without a flag would say of what the agent has seen. */
export async function planFor(
  host: Host,
  config: AgentConfig,
  observation: Observation,
  verdict: Verdict,
): Promise<ConsolePlan> {
  const choice = readOptions(CHOOSING_OPTIONS, [], {});
  const { settings } = observation;
  const ingressKbps = async (): Promise<number | undefined> =>
    config.sink === "local" ? undefined : askIngressKbps(config.imds);
  const context = await contextOf(host, choice, { dir: config.remedyDir, ingressKbps }, settings);
  const plan = planRemedy(observation, verdict, policyOf(choice, settings), context);
  return {
    steps: alikeChanges(plan),
    files: plan.files.map(({ path, from, to }) => ({ path, from, to })),
    cannotHelp: plan.cannotHelp,
    conflicts: plan.conflicts.map(({ where, text }) => ({ where, text })),
    notes: plan.notes,
    advice: plan.advice,
    command: applyCommandOf(choice),
    undo: UNDO_COMMAND,
  };
}
