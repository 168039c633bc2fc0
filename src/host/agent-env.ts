import { type Host, readText } from "./host.ts";

/** From here systemd gives the agent its settings. */
export const AGENT_ENV_PATH = "/etc/softnet/agent.env";

/** The agent's settings on a machine; empty where there is no such file, or it may not be read. */
export function readAgentEnv(host: Host): Readonly<Record<string, string>> {
  return parseEnvironmentFile(readText(host, AGENT_ENV_PATH) ?? "");
}

/** As systemd reads an EnvironmentFile (systemd.exec(5)), as far as one line each goes. */
function parseEnvironmentFile(text: string): Readonly<Record<string, string>> {
  const lines = text.split("\n").flatMap((line) => {
    const match = /^\s*([A-Za-z_]\w*)=(.*?)\s*$/.exec(line);
    return match ? [[match[1]!, unquoted(match[2]!)] as const] : [];
  });
  return Object.fromEntries(lines);
}

function unquoted(value: string): string {
  return /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;
}
