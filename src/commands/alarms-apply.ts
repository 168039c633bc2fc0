import { makeChanges } from "../alarms/carrying-out.ts";
import { ACCOUNT_OPTIONS, maxRemovals, WISH_OPTIONS } from "../alarms/options.ts";
import { openAlarms, prepare, refuseContradictions, refuseObstacles } from "../alarms/preparing.ts";
import { IN_STEP, notesOf } from "../alarms/text.ts";
import { defineVerb } from "../terminal/command.ts";
import { refuseWithoutConsent, yes } from "../terminal/consent.ts";

const VERB = "alarms apply";

export default defineVerb({
  name: VERB,
  summary: {
    en: "make the account's alarms what the plan says: contact, group, rules",
    zh: "按计划配置账号中的报警：联系人、联系人组、规则",
  },
  details: {
    en: "A second run writes nothing. Paused rules stay paused, and what softnet did not make is not touched.\nWith --from-tag it can run each hour: new instances get rules, those that no longer exist lose theirs.\nExits with 0 when the account is in step or only paused rules differ, 2 when it could not.",
    zh: "再次执行不会写入任何内容。已暂停的规则保持暂停，不是 softnet 创建的内容不会改动。\n配合 --from-tag 可以每小时执行：新实例会得到规则，已不存在的实例会失去规则。\n退出码：0 已一致，或仅已暂停的规则有差异；2 无法执行。",
  },
  refuses: ["root"],
  options: { ...WISH_OPTIONS, maxRemovals, yes, ...ACCOUNT_OPTIONS },
  run: async (options, io) => {
    refuseWithoutConsent(options.yes, io, VERB);
    refuseContradictions(options);
    const at = await openAlarms(options, io);
    const prepared = await prepare(options, at);
    refuseObstacles(prepared.plan);
    const changes = {
      steps: prepared.plan.steps,
      deferred: prepared.plan.deferred,
      notes: notesOf(prepared, at.regionId),
      nothing: IN_STEP,
      // A contact that was made just now waits for its link.
      notesAfter: async () => {
        const people = await at.alarms.readPeople();
        return notesOf({ ...prepared, account: { ...prepared.account, ...people } }, at.regionId);
      },
    };
    const question = { en: "Apply this?", zh: "是否执行？" };
    return makeChanges(changes, at, { ...options, verb: VERB, question }, io);
  },
});
