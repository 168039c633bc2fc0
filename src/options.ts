import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

import * as v from "valibot";

import type { Text } from "./core/text.ts";
import { UsageError } from "./errors.ts";

/**
 * One setting: what it is called on the command line and in the environment, which values it takes, and what it is when nobody says.
 * Help texts and the README's table are made from these, so that they cannot differ from what is parsed.
 */
export interface Option<T> {
  /** Without the dashes. A setting of the agent may have none and live in the environment only. */
  readonly flag?: string;
  /** `SOFTNET_…`, with the unit in the name. */
  readonly env?: string;
  /** What stands for the value in the help: `SECONDS`. A switch has none. */
  readonly placeholder?: string;
  /** May be given more than once; the value is then a list. */
  readonly repeatable?: boolean;
  /** What the flag means without a value; undefined where it needs one. */
  readonly bare?: string;
  /** From the text to the value. */
  readonly schema: v.GenericSchema<string, T>;
  /** Completes "expected …" in the one line that refuses a value. */
  readonly expected: string;
  readonly fallback: T;
  /** A refused value is then not repeated. */
  readonly isSecret?: true;
  readonly help: Text;
}

/** A flag without a value. */
export interface Switch {
  readonly flag: string;
  readonly isSwitch: true;
  readonly help: Text;
}

// oxlint-disable-next-line typescript/no-explicit-any -- a table holds options of every value type
export type OptionTable = Readonly<Record<string, Option<any> | RepeatedOption<any> | Switch>>;

export interface RepeatedOption<T> extends Omit<Option<T>, "fallback"> {
  readonly repeatable: true;
}

export type ValuesOf<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Switch
    ? boolean
    : Table[Name] extends RepeatedOption<infer T>
      ? readonly T[]
      : Table[Name] extends Option<infer T>
        ? T
        : never;
};

/**
 * Parses flags, then the environment, then defaults, by one table.
 *
 * @throws UsageError for an unknown flag, a missing or refused value, or a stray argument.
 */
export function readOptions<Table extends OptionTable>(
  table: Table,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ValuesOf<Table> {
  const given = readFlags(table, args);
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) {
    if ("isSwitch" in option) {
      values[name] = given[option.flag] === true;
      continue;
    }
    const texts = textsOf(option, given, env);
    const parsed = texts.map(({ text, where }) => parseValue(option, text, where));
    values[name] = option.repeatable
      ? parsed
      : parsed.length > 0
        ? parsed[0]
        : (option as Option<unknown>).fallback;
  }
  return values as ValuesOf<Table>;
}

/** Seconds, a port, a count: digits only, within bounds. */
export function wholeNumber(bounds: { min: number; max: number }): {
  schema: v.GenericSchema<string, number>;
  expected: string;
} {
  return {
    schema: v.pipe(
      v.string(),
      v.regex(/^\d{1,15}$/),
      v.transform(Number),
      v.minValue(bounds.min),
      v.maxValue(bounds.max),
    ),
    expected: `a whole number from ${bounds.min} to ${bounds.max}`,
  };
}

export function number(bounds: { min: number; max: number }): {
  schema: v.GenericSchema<string, number>;
  expected: string;
} {
  return {
    schema: v.pipe(
      v.string(),
      v.regex(/^\d{1,12}(\.\d{1,6})?$/),
      v.transform(Number),
      v.minValue(bounds.min),
      v.maxValue(bounds.max),
    ),
    expected: `a number from ${bounds.min} to ${bounds.max}`,
  };
}

export function oneOf<const Words extends readonly string[]>(
  words: Words,
): { schema: v.GenericSchema<string, Words[number]>; expected: string } {
  return {
    schema: v.picklist(words) as v.GenericSchema<string, Words[number]>,
    expected: words.join(" or "),
  };
}

/** A text of any form that is not empty. */
export function nonEmpty(expected: string): { schema: v.GenericSchema<string, string>; expected: string } {
  return { schema: v.pipe(v.string(), v.trim(), v.nonEmpty()), expected };
}

export function matching(
  pattern: RegExp,
  expected: string,
): { schema: v.GenericSchema<string, string>; expected: string } {
  return { schema: v.pipe(v.string(), v.regex(pattern)), expected };
}

type Given = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

function readFlags(table: OptionTable, args: readonly string[]): Given {
  const config: ParseArgsOptionsConfig = {};
  for (const option of Object.values(table)) {
    if (option.flag === undefined) continue;
    config[option.flag] = "isSwitch" in option ? { type: "boolean" } : { type: "string", multiple: true };
  }
  const known = Object.keys(config).map((flag) => `--${flag}`);
  const { values, tokens } = parseArgs({
    args: withBareValues(table, args),
    options: config,
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "positional") {
      throw new UsageError({
        code: "unexpected-argument",
        expected: "flags only",
        got: token.value,
        where: "command line",
      });
    }
    if (token.kind !== "option") continue;
    const option = Object.values(table).find(({ flag }) => flag === token.name);
    if (!option) {
      throw new UsageError({
        code: "unknown-flag",
        expected: known.length > 0 ? `one of ${known.join(" ")}` : "no flag",
        got: token.rawName,
        where: "command line",
      });
    }
    if ("isSwitch" in option ? token.value !== undefined : missesValue(token)) {
      throw new UsageError({
        code: "bad-value",
        expected: "isSwitch" in option ? "no value" : option.expected,
        got: token.value ?? "nothing",
        where: token.rawName,
      });
    }
  }
  return values;
}

/** Gives a flag that stands alone the value it means. */
function withBareValues(table: OptionTable, args: readonly string[]): string[] {
  return args.map((arg, i) => {
    const option = Object.values(table).find(({ flag }) => arg === `--${flag}`);
    const stands = args[i + 1] === undefined || args[i + 1]!.startsWith("-");
    return option && "bare" in option && option.bare !== undefined && stands ? `${arg}=${option.bare}` : arg;
  });
}

/** `--device --json` is a forgotten value, not a device of that name; `--device=--json` says it is meant. */
function missesValue(token: { value: string | undefined; inlineValue: boolean | undefined }): boolean {
  return token.value === undefined || (!token.inlineValue && token.value.startsWith("--"));
}

function textsOf(
  // oxlint-disable-next-line typescript/no-explicit-any -- the value's type does not matter here
  option: Option<any> | RepeatedOption<any>,
  given: Given,
  env: Readonly<Record<string, string | undefined>>,
): { text: string; where: string }[] {
  const flagged = option.flag === undefined ? undefined : given[option.flag];
  if (Array.isArray(flagged)) {
    const texts = flagged.map((text) => ({ text: String(text), where: `--${option.flag}` }));
    if (!option.repeatable && texts.length > 1) {
      throw new UsageError({
        code: "repeated-flag",
        expected: "this flag once",
        got: `${texts.length} times`,
        where: `--${option.flag}`,
      });
    }
    return texts;
  }
  const fromEnv = option.env === undefined ? undefined : env[option.env];
  // An empty variable is how a unit file or a shell says "not set".
  return fromEnv === undefined || fromEnv === "" ? [] : [{ text: fromEnv, where: option.env! }];
}

// oxlint-disable-next-line typescript/no-explicit-any -- the value's type does not matter here
function parseValue(option: Option<any> | RepeatedOption<any>, text: string, where: string): unknown {
  const parsed = v.safeParse(option.schema, text);
  if (parsed.success) return parsed.output;
  throw new UsageError({
    code: "bad-value",
    expected: option.expected,
    got: text === "" ? "an empty value" : option.isSecret ? "something else" : JSON.stringify(text),
    where,
  });
}
