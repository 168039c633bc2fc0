import { makeChanges } from "../alarms/carrying-out.ts";
import { ACCOUNT_OPTIONS, instances } from "../alarms/options.ts";
import { openAlarms } from "../alarms/preparing.ts";
import { keptNotes, otherRegionNotes } from "../alarms/text.ts";
import { defineVerb } from "../terminal/command.ts";
import { refuseWithoutConsent, yes } from "../terminal/consent.ts";
import { planRemoval } from "../core/alarm-removal.ts";
import type { Text } from "../core/text.ts";
import { namesText } from "../core/wording.ts";

const VERB = "alarms destroy";

const NOTHING: Text = {
  en: "Nothing in this account and region was made by softnet.",
  zh: "该账号和地域中没有 softnet 创建的内容。",
};

const ALL_STAYS: Text = {
  en: "Nothing can be taken away: what softnet made here is in use.",
  zh: "没有可以移除的内容：softnet 在此创建的内容仍在使用中。",
};

function noRuleOf(instanceIds: readonly string[]): Text {
  const names = namesText(instanceIds);
  return { en: `There is no rule of softnet for ${names.en}.`, zh: `没有 ${names.zh} 的 softnet 规则。` };
}

export default defineVerb({
  name: VERB,
  summary: {
    en: "take away what softnet made in the account, and nothing else",
    zh: "移除 softnet 在账号中创建的内容，其他内容不受影响",
  },
  details: {
    en: "With --instance only the rules of these instances. A contact or group that somebody else uses as well stays, and is named.\nExits with 0 when it is gone, 2 when it could not.",
    zh: "带 --instance 时只移除这些实例的规则。他人也在使用的联系人或联系人组会保留并列出。\n退出码：0 已移除，2 无法执行。",
  },
  refuses: ["root"],
  options: { instances, yes, ...ACCOUNT_OPTIONS },
  run: async (options, io) => {
    refuseWithoutConsent(options.yes, io, VERB);
    const at = await openAlarms(options, io);
    const isAll = options.instances.length === 0;
    // Who else uses a group shows only in all that there is.
    const account = await at.alarms.readAccount(isAll ? "everything" : "ours");
    const { steps, kept, otherRegions } = planRemoval(
      account,
      at.regionId,
      isAll ? undefined : options.instances,
    );
    const question = { en: "Take this away?", zh: "是否移除？" };
    const notes = [...keptNotes(kept), ...otherRegionNotes(otherRegions)];
    const nothing = kept.length > 0 ? ALL_STAYS : NOTHING;
    const changes = { steps, notes, nothing: isAll ? nothing : noRuleOf(options.instances) };
    return makeChanges(changes, at, { ...options, verb: VERB, question }, io);
  },
});
