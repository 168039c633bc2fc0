import { refusedAs, shownValue } from "../agent/setting.ts";
import { AGENT_OPTIONS } from "../config.ts";
import type { RefusedSetting } from "../core/checkup.ts";
import type { AgentEnvLine } from "../host/agent-env.ts";
import { ecsEndpoint, OPERATOR_OPTIONS } from "../operator-options.ts";
import type { Option } from "../options.ts";

export interface SortedSettings {
  /** What can be used. */
  readonly env: Readonly<Record<string, string>>;
  /** With these the agent does not start. */
  readonly refused: readonly RefusedSetting[];
  /** These are for an operator's verbs: the agent does not read them. */
  readonly passedOver: readonly RefusedSetting[];
}

/** Tells the settings that can be used from those that cannot. */
export function sortSettings(lines: readonly AgentEnvLine[]): SortedSettings {
  const refused = complaintsOf(lines, Object.values(AGENT_OPTIONS));
  const passedOver = complaintsOf(lines, [OPERATOR_OPTIONS.stsEndpoint, ecsEndpoint]);
  const unusable = new Set([...refused, ...passedOver].map(({ name }) => name));
  const usable = lines.filter(({ name }) => !unusable.has(name));
  return { env: Object.fromEntries(usable.map(({ name, value }) => [name, value])), refused, passedOver };
}

function complaintsOf(
  lines: readonly AgentEnvLine[],
  options: readonly Option<unknown>[],
): readonly RefusedSetting[] {
  return lines.flatMap(({ name, place, value }) => {
    const option = options.find(({ env }) => env === name);
    // An empty one is not set.
    if (!option || value === "") return [];
    const expected = refusedAs(option, value);
    return expected === undefined ? [] : [{ name, place, expected, got: shownValue(option, value) }];
  });
}
