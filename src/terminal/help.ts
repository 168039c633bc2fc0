import { type AnyVerb, commonTable } from "./command.ts";
import type { Language, Text } from "../core/text.ts";
import type { OptionTable } from "../options.ts";

const WORDS = {
  usage: { en: "Usage:", zh: "用法：" },
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

/** @param verbs name and summary of each verb, in the order to show them. */
export function overallHelp(verbs: readonly { name: string; summary: Text }[], lang: Language): string {
  const width = Math.max(...verbs.map(({ name }) => name.length));
  return [
    WORDS.tagline[lang],
    "",
    `${WORDS.usage[lang]} softnet VERB [flags]`,
    "",
    WORDS.verbs[lang],
    ...verbs.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary[lang]}`),
    "",
    WORDS.more[lang],
    "",
  ].join("\n");
}

export function verbHelp(verb: AnyVerb, lang: Language): string {
  const rows = optionRows({ ...verb.options, ...commonTable(verb.refuses) }, lang);
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    `softnet ${verb.name}: ${verb.summary[lang]}`,
    ...(verb.details ? ["", verb.details[lang]] : []),
    "",
    `${WORDS.usage[lang]} softnet ${verb.name} [flags]`,
    "",
    WORDS.flags[lang],
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    "",
  ].join("\n");
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
    return [name, notes.length > 0 ? `${option.help[lang]} (${notes.join("; ")})` : option.help[lang]];
  });
}
