import { defineVerb, type Io } from "../command.ts";
import { AGENT_OPTIONS } from "../config.ts";
import { isAgreed, refuseWithoutConsent, refuseWithoutRoot, yes } from "../consent.ts";
import { renderUndo } from "../core/remedy-script.ts";
import { EXIT } from "../core/script/prelude.ts";
import type { Language, Text } from "../core/text.ts";
import { UsageError } from "../errors.ts";
import type { Switch } from "../options.ts";
import { runScript, type ScriptResult, succeeded } from "../remedy/run-script.ts";

const VERB = "remedy undo";

const force: Switch = {
  flag: "force",
  isSwitch: true,
  help: {
    en: "put back what somebody else has changed since, too",
    zh: "他人后来改动过的设置也一并恢复",
  },
};

export default defineVerb({
  name: VERB,
  summary: {
    en: "put everything back as it was before the first remedy",
    zh: "恢复到第一次修复之前的状态",
  },
  details: {
    en: "Exits with 0 when everything is back, 2 when something was left, which is named.",
    zh: "退出码：0 全部恢复，2 有未恢复的设置（会列出）。",
  },
  refuses: ["root"],
  options: { force, yes, remedyDir: AGENT_OPTIONS.remedyDir },
  run: async (options, io) => {
    refuseWithoutRoot(io, VERB);
    refuseWithoutConsent(options.yes, io, VERB);
    if (!(await isAgreed(QUESTION, options.yes, options.lang, io))) {
      throw new UsageError({ code: "declined", expected: "yes", got: "no", where: VERB });
    }
    const result = await runScript(renderUndo({ force: options.force }), options.remedyDir);
    if (result.exitCode !== EXIT.left) succeeded(result, VERB);
    report(result, options, io);
    return result.exitCode;
  },
});

const QUESTION: Text = {
  en: "Put back everything that softnet remedy changed?",
  zh: "恢复 softnet remedy 的所有改动？",
};

function report(
  { changed, left }: ScriptResult,
  { json, lang }: { json: boolean; lang: Language },
  io: Io,
): void {
  if (json) {
    io.stdout(`${JSON.stringify({ schemaVersion: 1, undone: changed, left })}\n`);
    return;
  }
  const nothing: Text = { en: "There is nothing to undo.", zh: "没有需要恢复的改动。" };
  const back: Text = { en: "Put back:", zh: "已恢复：" };
  const kept: Text = {
    en: "Left as it is, since somebody else has changed it (--force puts the original back):",
    zh: "已被他人改动，保持不变（--force 可恢复原值）：",
  };
  const list = (title: Text, names: readonly string[]): string =>
    names.length === 0 ? "" : `${title[lang]}\n${names.map((name) => `  ${name}\n`).join("")}`;
  const text = list(back, changed) + list(kept, left);
  io.stdout(text === "" ? `${nothing[lang]}\n` : text);
}
