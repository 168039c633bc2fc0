import { switchingVerb } from "../alarms/switching.ts";

export default switchingVerb("resume", {
  summary: { en: "switch our paused rules on again", zh: "恢复已暂停的 softnet 报警规则" },
  question: { en: "Resume these?", zh: "是否恢复？" },
  nothing: (of) => ({
    en: `No rule of softnet${of.en} is paused.`,
    zh: `${of.zh}没有处于暂停状态的 softnet 规则。`,
  }),
});
