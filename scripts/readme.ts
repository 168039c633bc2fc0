/** `npm run readme`: writes the table of settings into both READMEs from the options themselves; a test says when they are out of step. */
import { readFileSync, writeFileSync } from "node:fs";

import { AGENT_OPTIONS } from "../src/config.ts";
import { ecsEndpoint, OPERATOR_OPTIONS } from "../src/operator-options.ts";
import type { Language, Text } from "../src/core/text.ts";
import type { OptionTable } from "../src/options.ts";

export const READMES: Readonly<Record<Language, string>> = { en: "README.md", zh: "README.zh-CN.md" };

const HEAD: readonly Text[] = [
  { en: "variable", zh: "环境变量" },
  { en: "flag of `run`", zh: "`run` 的参数" },
  { en: "default", zh: "默认值" },
  { en: "what it is", zh: "含义" },
];
const SETTINGS: OptionTable = {
  ...AGENT_OPTIONS,
  ...OPERATOR_OPTIONS,
  ecsEndpoint,
  // Their words for what an operator's verbs have too.
  ...AGENT_OPTIONS,
};
const MARKED = /(<!-- settings -->\n).*(<!-- \/settings -->\n)/s;

/** @returns the text with the table between its markers written anew. @throws Error when a marker is missing. */
export function withSettings(readme: string, lang: Language): string {
  if (!MARKED.test(readme))
    throw new Error(`${READMES[lang]}: expected the markers <!-- settings --> and <!-- /settings -->`);
  const rows = [HEAD.map((head) => head[lang]), HEAD.map(() => "---"), ...settingRows(SETTINGS, lang)];
  const table = rows
    .map(
      (cells) =>
        `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("<", "&lt;")).join(" | ")} |\n`,
    )
    .join("");
  return readme.replace(MARKED, (_, begin: string, end: string) => begin + table + end);
}

function settingRows(table: OptionTable, lang: Language): string[][] {
  return Object.values(table).flatMap((option) => {
    if ("isSwitch" in option || option.env === undefined) return [];
    const flag = option.flag === undefined ? "" : `\`--${option.flag} ${option.placeholder ?? "VALUE"}\``;
    const fallback = "fallback" in option ? option.fallback : undefined;
    const shown = ["string", "number"].includes(typeof fallback) ? `\`${fallback}\`` : "";
    return [[`\`${option.env}\``, flag, shown, option.help[lang]]];
  });
}

if (import.meta.main) {
  for (const lang of ["en", "zh"] as const) {
    writeFileSync(READMES[lang], withSettings(readFileSync(READMES[lang], "utf8"), lang));
  }
}
