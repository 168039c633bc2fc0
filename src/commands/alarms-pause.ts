import { switchingVerb } from "../alarms/switching.ts";

export default switchingVerb("pause", {
  summary: {
    en: "switch our rules off, during maintenance for example; they stay off until resume",
    zh: "暂停 softnet 的报警规则（例如维护期间），直到恢复为止",
  },
  question: { en: "Pause these? Nobody will be told.", zh: "是否暂停？暂停后不会发出报警。" },
  nothing: (of) => ({
    en: `No rule of softnet${of.en} is switched on.`,
    zh: `${of.zh}没有处于启用状态的 softnet 规则。`,
  }),
});
