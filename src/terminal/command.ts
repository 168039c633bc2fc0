import { statSync } from "node:fs";

import * as v from "valibot";

import type { Language, Text } from "../core/text.ts";
import { oneOf, type Option, type OptionTable, readOptions, type Switch, type ValuesOf } from "../options.ts";
import type { Terminal } from "./terminal.ts";

/** The world as a command sees it; a test hands over its own. */
export interface Io {
  /** Human text, or the one JSON document of `--json`. */
  readonly stdout: (text: string) => void;
  /** Complaints and progress. */
  readonly stderr: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether stdout is a terminal: colours, redrawing and progress only there. */
  readonly isTerminal: boolean;
  /** Whether a question on the terminal can be answered. */
  readonly canAsk: boolean;
  /** Asks it, and gives back the line that was typed; undefined where the terminal was closed or a signal came. */
  readonly ask: (question: string) => Promise<string | undefined>;
  readonly isRoot: boolean;
  /** How this softnet was started, from the program on: what `sudo` has to be given. */
  readonly commandLine: readonly string[];
  readonly columns: number;
  /** The terminal that stdout is, for a verb that draws on all of it. */
  readonly terminal?: Terminal;
  /** Aborted by SIGINT, SIGTERM or SIGHUP, with the signal's name as the reason. */
  readonly signal: AbortSignal;
}

export type Verb<Table extends OptionTable> = {
  /** As typed after `softnet`: `remedy plan`. */
  readonly name: string;
  readonly summary: Text;
  /** A paragraph or an example below the summary. */
  readonly details?: Text;
  readonly options: Table;
  /** Which of `--json` and `--root` the verb refuses: its text is the product, or it writes. */
  readonly refuses?: readonly ("json" | "root")[];
  /** @returns the exit code. */
  readonly run: (options: ValuesOf<Table> & CommonOptions, io: Io) => Promise<number>;
};

/** A verb whose table the command line does not need to know. */
export interface AnyVerb {
  readonly name: string;
  readonly summary: Text;
  readonly details?: Text;
  readonly options: OptionTable;
  readonly refuses?: readonly ("json" | "root")[];
  /** @throws UsageError when the arguments do not fit the verb. */
  readonly start: (args: readonly string[], io: Io) => Promise<number>;
}

const json: Switch = {
  flag: "json",
  isSwitch: true,
  help: { en: "print JSON instead of text", zh: "输出 JSON 而不是文字" },
};

const root: Option<string> = {
  flag: "root",
  placeholder: "DIR",
  schema: v.pipe(v.string(), v.check(isFolder)),
  expected: "a directory that holds proc, sys and etc",
  fallback: "/",
  help: { en: "read /proc, /sys and /etc below DIR", zh: "从 DIR 之下读取 /proc、/sys 和 /etc" },
};

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

const lang: Option<Language | undefined> = {
  flag: "lang",
  placeholder: "en|zh",
  ...oneOf(["en", "zh"]),
  fallback: undefined,
  help: { en: "language of the text (default: by LANG)", zh: "文字的语言（默认取决于 LANG）" },
};

export interface CommonOptions {
  readonly json: boolean;
  /** `/` unless the verb reads another tree. */
  readonly root: string;
  readonly lang: Language;
}

/** What every verb takes beside its own options, less what it refuses. */
export function commonTable(refuses: readonly ("json" | "root")[] = []): OptionTable {
  return {
    ...(refuses.includes("json") ? {} : { json }),
    ...(refuses.includes("root") ? {} : { root }),
    lang,
  };
}

/** Ties a verb to the parsing of its options, so that the command line may hold verbs of any table. */
export function defineVerb<const Table extends OptionTable>(verb: Verb<Table>): AnyVerb {
  const { run, ...described } = verb;
  const table = { ...verb.options, ...commonTable(verb.refuses) };
  return {
    ...described,
    start: async (args, io) => {
      const values = readOptions(table, args, io.env) as ValuesOf<Table> & Partial<CommonOptions>;
      return run(
        {
          ...values,
          json: values.json ?? false,
          root: values.root ?? "/",
          lang: values.lang ?? languageOf(io.env),
        },
        io,
      );
    },
  };
}

export const EXIT_CODE_OF_SIGNAL = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** How a verb ends that a signal cut short. */
export function exitCodeOfSignal({ reason }: AbortSignal): number {
  return EXIT_CODE_OF_SIGNAL[reason as keyof typeof EXIT_CODE_OF_SIGNAL];
}

/** As gettext does: the first of these variables that is set decides. */
export function languageOf(env: Io["env"]): Language {
  const locale = env["LC_ALL"] || env["LC_MESSAGES"] || env["LANG"] || "";
  return locale.startsWith("zh") ? "zh" : "en";
}
