import { changesDocument } from "../alarms/document.ts";
import { ACCOUNT_OPTIONS, maxRemovals, WISH_OPTIONS } from "../alarms/options.ts";
import { openAlarms, prepare, refuseObstacles } from "../alarms/preparing.ts";
import { alarmPlanText, IN_STEP, notesOf } from "../alarms/text.ts";
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
  refuses: ["root"],
  options: { ...WISH_OPTIONS, maxRemovals, ...ACCOUNT_OPTIONS },
  run: async (options, io) => {
    const at = await openAlarms(options, io);
    const prepared = await prepare(options, at);
    refuseObstacles(prepared.plan);
    const { steps, deferred } = prepared.plan;
    const isInStep = steps.length === 0 && deferred.length === 0;
    const notes = notesOf(prepared, at.regionId);
    const command = applyCommand(io);
    io.stdout(
      options.json
        ? changesDocument(isInStep ? "in-step" : "planned", steps, deferred, notes, options.lang)
        : alarmPlanText({ steps, deferred, notes, nothing: IN_STEP, command }, lookAt(options.lang, io)),
    );
    return isInStep ? 0 : 1;
  },
});

/** With the flags of this plan. */
function applyCommand({ commandLine }: Io): string {
  const flags = commandLine.slice(commandLine.indexOf("alarms") + 2);
  return ["softnet", "alarms", "apply", ...flags].map(quoted).join(" ");
}
