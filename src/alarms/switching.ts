import { carryOutAsked } from "./carrying-out.ts";
import { changesDocument } from "./document.ts";
import { ACCOUNT_OPTIONS, instances } from "./options.ts";
import { openAlarms } from "./preparing.ts";
import { alarmDoneText, alarmPlanText } from "./text.ts";
import { type AnyVerb, defineVerb } from "../terminal/command.ts";
import { refuseWithoutConsent, yes } from "../terminal/consent.ts";
import { planSwitching } from "../core/alarm-plan.ts";
import type { Text } from "../core/text.ts";
import { namesText } from "../core/wording.ts";
import { lookAt } from "../terminal/look.ts";

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
    refuses: ["root"],
    options: { instances, yes, ...ACCOUNT_OPTIONS },
    run: async (options, io) => {
      refuseWithoutConsent(options.yes, io, verb);
      const { json, lang } = options;
      const look = lookAt(lang, io);
      const at = await openAlarms(options, io);
      const account = await at.alarms.readAccount("ours");
      const which = options.instances.length === 0 ? undefined : options.instances;
      const steps = planSwitching(action, which, account, at.regionId);
      const unchanged = nothing(which ? ofInstances(which) : { en: "", zh: "" });
      const planText = alarmPlanText({ steps, notes: [], nothing: unchanged, command: undefined }, look);
      if (steps.length === 0) {
        io.stdout(json ? changesDocument("in-step", steps, [], lang) : planText);
        return 0;
      }
      const asked = { verb, yes: options.yes, json, lang, planText, question };
      const cut = await carryOutAsked(steps, at, asked, io);
      if (cut !== undefined) return cut;
      io.stdout(json ? changesDocument("done", steps, [], lang) : alarmDoneText(steps.length, [], look));
      return 0;
    },
  });
}

function ofInstances(which: readonly string[]): Text {
  const names = namesText(which);
  return { en: ` for ${names.en}`, zh: `${names.zh} ` };
}
