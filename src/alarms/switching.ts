import { makeChanges } from "./carrying-out.ts";
import { ACCOUNT_OPTIONS, instances } from "./options.ts";
import { openAlarms } from "./preparing.ts";
import { type AnyVerb, defineVerb } from "../terminal/command.ts";
import { refuseWithoutConsent, yes } from "../terminal/consent.ts";
import { planSwitching } from "../core/alarm-plan.ts";
import type { Text } from "../core/text.ts";
import { namesText } from "../core/wording.ts";

interface Words {
  readonly summary: Text;
  readonly question: Text;
  /** Said where every rule is so already; it is given " for i-…" where only some instances are meant. */
  readonly nothing: (of: Text) => Text;
}

/** `alarms pause` and `alarms resume` differ in a word. */
export function switchingVerb(action: "pause" | "resume", { summary, question, nothing }: Words): AnyVerb {
  const verb = `alarms ${action}`;
  return defineVerb({
    name: verb,
    summary,
    details: {
      en: "Exits with 0 when they are so, 2 when it could not.",
      zh: "退出码：0 已完成，2 无法执行。",
    },
    refuses: ["root"],
    options: { instances, yes, ...ACCOUNT_OPTIONS },
    run: async (options, io) => {
      refuseWithoutConsent(options.yes, io, verb);
      const at = await openAlarms(options, io);
      const account = await at.alarms.readAccount("ours");
      const which = options.instances.length === 0 ? undefined : options.instances;
      const steps = planSwitching(action, which, account, at.regionId);
      const unchanged = nothing(which ? ofInstances(which) : { en: "", zh: "" });
      const changes = { steps, notes: [], nothing: unchanged };
      return makeChanges(changes, at, { ...options, verb, question }, io);
    },
  });
}

function ofInstances(which: readonly string[]): Text {
  const names = namesText(which);
  return { en: ` for ${names.en}`, zh: `${names.zh} ` };
}
