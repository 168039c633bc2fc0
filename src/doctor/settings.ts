import { refusedAs, shownValue } from "../agent/setting.ts";
import { AGENT_OPTIONS } from "../config.ts";
import type { RefusedSetting } from "../core/checkup.ts";
import type { AgentEnvLine } from "../host/agent-env.ts";
import { OPERATOR_OPTIONS } from "../operator-options.ts";
import type { Option } from "../options.ts";

export interface SortedSettings {
  /** What can be used. */
  readonly env: Readonly<Record<string, string>>;
  readonly refused: readonly RefusedSetting[];
}

/** Tells the agent's settings that can be used from those with which it does not start. */
export function sortSettings(lines: readonly AgentEnvLine[]): SortedSettings {
  const refused = lines.flatMap((each): readonly RefusedSetting[] => {
    const complaint = complaintOf(each);
    if (!complaint) return [];
    return [{ name: each.name, place: each.place, ...complaint }];
  });
  const usable = lines.filter(({ name }) => !refused.some((each) => each.name === name));
  return { env: Object.fromEntries(usable.map(({ name, value }) => [name, value])), refused };
}

function complaintOf({ name, value }: AgentEnvLine): Pick<RefusedSetting, "expected" | "got"> | undefined {
  const options: readonly Option<unknown>[] = [...Object.values(AGENT_OPTIONS), OPERATOR_OPTIONS.stsEndpoint];
  const option = options.find(({ env }) => env === name);
  // An empty one is not set.
  if (!option || value === "") return undefined;
  const expected = refusedAs(option, value);
  return expected === undefined ? undefined : { expected, got: shownValue(option, value) };
}
