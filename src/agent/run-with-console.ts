import { DEFAULT_CONSOLE } from "../config.ts";
import { consoleViewOf } from "./console-view.ts";
import type { ConsoleServer } from "../console/server.ts";
import { ConsoleError } from "../errors.ts";
import { PlanWatch } from "./plan-watch.ts";
import { type AgentParts, type AgentStatus, startAgent } from "./service.ts";

/**
 * The agent, and the console that shows it, until the signal aborts.
 *
 * @throws ConsoleError when the address that was asked for is taken. The default one may be: the agent then does without and says so.
 */
export async function runWithConsole(parts: AgentParts, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  let console: ConsoleServer | undefined;
  const plans = new PlanWatch(parts.clock, async (observation, verdict) => {
    const { planFor } = await import("./planning.ts");
    return planFor(parts.host, parts.config, observation, verdict);
  });
  const agent = startAgent(
    {
      ...parts,
      onTick: async () => {
        const { judgement } = agent.status;
        const noted = console && judgement ? plans.note(judgement) : undefined;
        console?.publish();
        await noted;
      },
    },
    AbortSignal.any([signal, stop.signal]),
  );
  try {
    console = await openConsole(parts, agent.status, plans);
  } catch (error) {
    stop.abort();
    await agent.ended;
    throw error;
  }
  try {
    await agent.ended;
  } finally {
    await console?.close();
  }
}

async function openConsole(
  parts: AgentParts,
  status: AgentStatus,
  plans: PlanWatch,
): Promise<ConsoleServer | undefined> {
  const { config, log, say } = parts;
  if (!config.console) return undefined;
  const { startConsole } = await import("../console/server.ts");
  try {
    const console = await startConsole(
      consoleViewOf(parts, status, plans),
      config.console,
      parts.clock.nowMs,
    );
    say({ en: `console  ${console.url}`, zh: `控制台   ${console.url}` });
    return console;
  } catch (error) {
    const mayDoWithout =
      error instanceof ConsoleError &&
      error.code === "console-port-taken" &&
      config.console === DEFAULT_CONSOLE;
    if (!mayDoWithout) throw error;
    log.warn(`No console: ${error.message}`);
    say({ en: `console  off: ${error.message}`, zh: `控制台   未启动：${error.message}` });
    return undefined;
  }
}
