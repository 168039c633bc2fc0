import { defineVerb } from "../terminal/command.ts";
import { AGENT_OPTIONS } from "../config.ts";
import { driftDocument, journaledDocument } from "../core/remedy-document.ts";
import { Machine } from "../host/machine.ts";
import { remedyStatusOf } from "../remedy-status.ts";
import { type RemedyStatus, statusText } from "../reports/remedy-text.ts";

export default defineVerb({
  name: "remedy status",
  summary: {
    en: "what was changed, when, its effect, and whether it still holds",
    zh: "做过哪些改动、何时、效果如何、是否仍然有效",
  },
  details: {
    en: "Exits with 0, also when something no longer holds; with 2 when it could not tell.",
    zh: "退出码：0（包括已有改动失效时），无法判断时为 2。",
  },
  options: { remedyDir: AGENT_OPTIONS.remedyDir },
  run: (options, io) => {
    using machine = new Machine(options.root);
    const status = remedyStatusOf(machine, options.remedyDir);
    io.stdout(
      options.json
        ? `${JSON.stringify(statusDocument(status))}\n`
        : statusText(status, {
            lang: options.lang,
            columns: io.columns,
            colours: io.isTerminal && !io.env["NO_COLOR"],
          }),
    );
    return Promise.resolve(0);
  },
});

function statusDocument({ journal, drift, ended, records, possibleCpus }: RemedyStatus) {
  return {
    schemaVersion: 1,
    changes:
      journal?.values.map((value) => ({
        ...journaledDocument(value, possibleCpus),
        ...(ended.includes(value) && { endedByReboot: true }),
      })) ?? [],
    files: journal?.files.map(({ path }) => path) ?? [],
    changedAt: journal?.runs ?? [],
    drift: drift.map((one) => driftDocument(one, possibleCpus)),
    runs: records,
  };
}
