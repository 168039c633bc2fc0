import { type AnyVerb, commonTable } from "./command.ts";
import type { Language, Text } from "../core/text.ts";
import type { OptionTable } from "../options.ts";
import { padRight, widthOf, wrapped } from "./layout.ts";

const WORDS = {
  usage: { en: "Usage: ", zh: "用法：" },
  verb: { en: "VERB", zh: "命令" },
  anyFlags: { en: "[flags]", zh: "[参数]" },
  verbs: { en: "Verbs:", zh: "命令：" },
  flags: { en: "Flags:", zh: "参数：" },
  tagline: {
    en: "softnet: sees, explains and repairs packets lost between the NIC and the socket",
    zh: "softnet：发现、解释并修复在网卡与套接字之间丢失的数据包",
  },
  more: {
    en: "softnet VERB --help says more about one verb.",
    zh: "softnet 命令 --help 显示该命令的详细说明。",
  },
  environment: { en: "environment", zh: "环境变量" },
  defaultIs: { en: "default", zh: "默认" },
  repeatable: { en: "repeatable", zh: "可重复" },
} satisfies Record<string, Text>;

/** Beyond it lines are hard to read. */
const WIDEST = 100;

/**
 * @param verbs name and summary of each verb, in the order to show them.
 * @param columns of the terminal.
 */
export function overallHelp(
  verbs: readonly { name: string; summary: Text }[],
  lang: Language,
  columns: number,
): string {
  return [
    ...wrapped(WORDS.tagline[lang], lineOf(columns)),
    "",
    `${WORDS.usage[lang]}softnet ${WORDS.verb[lang]} ${WORDS.anyFlags[lang]}`,
    "",
    WORDS.verbs[lang],
    ...twoColumns(
      verbs.map(({ name, summary }) => [name, summary[lang]]),
      columns,
    ),
    "",
    WORDS.more[lang],
    "",
  ].join("\n");
}

export function verbHelp(verb: AnyVerb, lang: Language, columns: number): string {
  const paragraph = (text: string): readonly string[] =>
    // What is set off is a command to be copied.
    text.split("\n").flatMap((line) => (line.startsWith("  ") ? [line] : wrapped(line, lineOf(columns))));
  const colon = { en: ": ", zh: "：" }[lang];
  return [
    ...paragraph(`softnet ${verb.name}${colon}${verb.summary[lang]}`),
    ...(verb.details ? ["", ...paragraph(verb.details[lang])] : []),
    "",
    `${WORDS.usage[lang]}softnet ${verb.name} ${WORDS.anyFlags[lang]}`,
    "",
    WORDS.flags[lang],
    ...twoColumns(optionRows({ ...verb.options, ...commonTable(verb.refuses) }, lang), columns),
    "",
  ].join("\n");
}

function lineOf(columns: number): number {
  return Math.min(columns, WIDEST);
}

/** Names, and what each is beside them, wrapped to where it begins. */
function twoColumns(rows: readonly (readonly [string, string])[], columns: number): readonly string[] {
  const width = Math.max(...rows.map(([left]) => widthOf(left)));
  return rows.flatMap(([left, right]) =>
    wrapped(right, Math.max(30, lineOf(columns) - width - 4)).map(
      (line, i) => `  ${padRight(i === 0 ? left : "", width)}  ${line}`,
    ),
  );
}

function optionRows(table: OptionTable, lang: Language): [string, string][] {
  return Object.values(table).map((option) => {
    if ("isSwitch" in option) return [`--${option.flag}`, option.help[lang]];
    const name =
      option.flag === undefined ? option.env! : `--${option.flag} ${option.placeholder ?? "VALUE"}`;
    const notes = [
      option.flag !== undefined && option.env ? `${WORDS.environment[lang]} ${option.env}` : undefined,
      "fallback" in option && ["string", "number"].includes(typeof option.fallback)
        ? `${WORDS.defaultIs[lang]} ${String(option.fallback)}`
        : undefined,
      option.repeatable ? WORDS.repeatable[lang] : undefined,
    ].filter((note) => note !== undefined);
    return [name, withNotes(option.help[lang], notes, lang)];
  });
}

/** In the bracket that the text ends with, where it ends with one. */
function withNotes(text: string, notes: readonly string[], lang: Language): string {
  if (notes.length === 0) return text;
  const { open, semicolon, close } = BRACKET[lang];
  const added = notes.join(semicolon);
  return text.endsWith(close)
    ? text.slice(0, -close.length) + semicolon + added + close
    : text + open + added + close;
}

const BRACKET = {
  en: { open: " (", semicolon: "; ", close: ")" },
  zh: { open: "（", semicolon: "；", close: "）" },
} as const;
