import { type Host, placeOf, readText } from "./host.ts";

/** From here systemd gives the agent its settings. */
export const AGENT_ENV_PATH = "/etc/softnet/agent.env";

/** One of the agent's settings, and where it stands. */
export interface AgentEnvLine {
  readonly name: string;
  readonly value: string;
  /** File and line, counted from 1. */
  readonly place: string;
}

/** The agent's settings on a machine, each once; empty where there is no such file, or it may not be read. */
export function readAgentEnv(host: Host): readonly AgentEnvLine[] {
  return parseEnvironmentFile(readText(host, AGENT_ENV_PATH) ?? "", placeOf(host, AGENT_ENV_PATH));
}

/** As systemd reads an EnvironmentFile (systemd.exec(5)), as far as one line each goes: the last one of a name counts. */
function parseEnvironmentFile(text: string, place: string): readonly AgentEnvLine[] {
  const lines = text.split("\n").flatMap((written, i) => {
    const match = /^\s*([A-Za-z_]\w*)=(.*?)\s*$/.exec(written);
    return match ? [{ name: match[1]!, value: unquoted(match[2]!), place: `${place}:${i + 1}` }] : [];
  });
  return [...new Map(lines.map((each) => [each.name, each])).values()];
}

function unquoted(value: string): string {
  return /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;
}
