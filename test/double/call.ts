import { type ActionAnswer, type ActionFamily, ApiError } from "./action.ts";

/** What a call is made of, before it is flattened into `Channels.Mail`, `ContactNames.1`, … */
export type Parameter =
  | string
  | number
  | boolean
  | readonly Parameter[]
  | { readonly [field: string]: Parameter };

/** Calls an action behind the gateway. @throws ApiError as the action does. */
export function call(
  families: readonly ActionFamily[],
  action: string,
  parameters: Readonly<Record<string, Parameter>> = {},
  receivedAtMs = 0,
): ActionAnswer {
  const family = families.find(({ actions }) => Object.hasOwn(actions, action));
  if (!family) throw new RangeError(`no family has ${action}`);
  return family.actions[action]!({
    params: new Map(flattened(parameters, "")),
    accessKeyId: "key",
    receivedAtMs,
  });
}

/** The code of the answer or of the refusal. */
export function codeOf(run: () => ActionAnswer): string {
  try {
    return String(run()["Code"]);
  } catch (error) {
    if (error instanceof ApiError) return error.code;
    throw error;
  }
}

function flattened(value: Parameter, name: string): [string, string][] {
  if (typeof value !== "object") return [[name, String(value)]];
  const fields = Array.isArray(value)
    ? value.map((each: Parameter, i) => [String(i + 1), each] as const)
    : Object.entries(value as Readonly<Record<string, Parameter>>);
  return fields.flatMap(([field, each]) => flattened(each, name === "" ? field : `${name}.${field}`));
}
