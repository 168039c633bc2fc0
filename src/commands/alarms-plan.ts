import { changesDocument } from "../alarms/document.ts";
import { ACCOUNT_OPTIONS, maxRemovals, WISH_OPTIONS } from "../alarms/options.ts";
import { openAlarms, prepare, refuseContradictions, refuseObstacles } from "../alarms/preparing.ts";
import { alarmPlanText, IN_STEP, type Note, notesOf } from "../alarms/text.ts";
import { maskedUrl } from "../core/alarm-steps.ts";
import { defineVerb, type Io } from "../terminal/command.ts";
import { quoted } from "../terminal/consent.ts";
import { lookAt } from "../terminal/look.ts";

export default defineVerb({
  name: "alarms plan",
  summary: {
    en: "what the account's alarms lack, field by field; changes nothing",
    zh: "逐字段列出账号中的报警配置与期望的差异，不做任何改动",
  },
  details: {
    en: "Without --instance, --from-tag and --fleet-only it is about what has rules already, else about the instance it runs on.\nWhat is not said stays as it is. Exits with 0 in step, 1 differences, 2 could not tell.",
    zh: "不带 --instance、--from-tag 和 --fleet-only 时，针对已有规则的实例；都没有时针对本机所在的实例。\n未指定的内容保持不变。退出码：0 一致，1 有差异，2 无法判断。",
  },
  options: { ...WISH_OPTIONS, maxRemovals, ...ACCOUNT_OPTIONS },
  run: async (options, io) => {
    refuseContradictions(options);
    const at = await openAlarms(options, io);
    const prepared = await prepare(options, at);
    refuseObstacles(prepared.plan);
    const { steps, deferred } = prepared.plan;
    const isInStep = steps.length === 0 && deferred.length === 0;
    const notes = [
      ...notesOf(prepared, at.regionId),
      ...(steps.length > 0 && !options.json ? variableNote(options.webhook) : []),
    ];
    const command = applyCommand(io);
    io.stdout(
      options.json
        ? changesDocument(isInStep ? "in-step" : "planned", steps, deferred, notes, options.lang)
        : alarmPlanText({ steps, deferred, notes, nothing: IN_STEP, command }, lookAt(options.lang, io)),
    );
    return isInStep ? 0 : 1;
  },
});

/** With the flags of this plan, less what `apply` refuses. A webhook is often all the secret it has: unless it is given, the shell's variable is empty, and refused. */
function applyCommand({ commandLine }: Io): string {
  const flags = commandLine
    .slice(commandLine.indexOf("alarms") + 2)
    .filter((flag, i, all) => !/^--root(=|$)/.test(flag) && all[i - 1] !== "--root");
  const shown = flags.flatMap((flag, i) => {
    if (flags[i - 1] === "--webhook" && flag !== "off") return [`"$${VARIABLE}"`];
    const [, url] = /^--webhook=(.*)$/.exec(flag) ?? [];
    return url === undefined || url === "off" ? [quoted(flag)] : ["--webhook", `"$${VARIABLE}"`];
  });
  return ["softnet", "alarms", "apply", ...shown].join(" ");
}

const VARIABLE = "WEBHOOK";

function variableNote(webhook: string | undefined): readonly Note[] {
  if (webhook === undefined || webhook === "off") return [];
  const shown = maskedUrl(webhook);
  return [
    {
      label: { en: "Note", zh: "注意" },
      style: "yellow",
      text: {
        en: `Set ${VARIABLE} to the webhook before the command below: ${shown} is not shown whole.`,
        zh: `执行下方命令前请将 ${VARIABLE} 设为 webhook 地址：${shown} 未完整显示。`,
      },
    },
  ];
}
