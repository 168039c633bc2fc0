import { existsSync } from "node:fs";

import { defineVerb } from "../terminal/command.ts";
import { AGENT_OPTIONS } from "../config.ts";
import { isAgreed, notAgreed, refuseWithoutConsent, refuseWithoutRoot, yes } from "../terminal/consent.ts";
import { renderUndo } from "../core/remedy-script.ts";
import { EXIT } from "../core/script/prelude.ts";
import type { Text } from "../core/text.ts";
import { Machine } from "../host/machine.ts";
import type { Switch } from "../options.ts";
import { remedyStatusOf } from "../remedy-status.ts";
import { statusText, undoneText } from "../reports/remedy-text.ts";
import { runScript, succeeded } from "../remedy/run-script.ts";

const VERB = "remedy undo";

const force: Switch = {
  flag: "force",
  isSwitch: true,
  help: {
    en: "put back what somebody else has changed since, too",
    zh: "他人后来改动过的设置也一并还原",
  },
};

export default defineVerb({
  name: VERB,
  summary: {
    en: "put everything back as it was before the first remedy",
    zh: "还原到第一次修复之前的状态",
  },
  details: {
    en: "Exits with 0 when everything is back, 2 when something was left, which is named.",
    zh: "退出码：0 全部还原，2 有未还原的设置（会列出）。",
  },
  refuses: ["root"],
  options: { force, yes, remedyDir: AGENT_OPTIONS.remedyDir },
  run: async (options, io) => {
    refuseWithoutRoot(io, VERB);
    refuseWithoutConsent(options.yes, io, VERB);
    using machine = new Machine();
    // As it is before anything is put back.
    const status = { ...remedyStatusOf(machine, options.remedyDir), records: [] };
    const look = { lang: options.lang, columns: io.columns, colours: io.isTerminal && !io.env["NO_COLOR"] };
    if (!options.yes && status.journal) io.stderr(statusText(status, look));
    if (!(await isAgreed(QUESTION, options.yes, options.lang, io))) return notAgreed(VERB, io);
    const result = await runScript(renderUndo({ force: options.force }), options.remedyDir);
    if (result.exitCode !== EXIT.left) succeeded(result, VERB);
    const { changed, left } = result;
    io.stdout(
      options.json
        ? `${JSON.stringify({ schemaVersion: 1, undone: changed, left })}\n`
        : undoneText({ changed, left, isGone: (path) => !existsSync(path) }, status, look),
    );
    return result.exitCode;
  },
});

const QUESTION: Text = {
  en: "Put back everything that softnet remedy changed?",
  zh: "是否撤销 softnet remedy 的所有改动？",
};
