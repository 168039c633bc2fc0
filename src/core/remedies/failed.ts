import type { Measure } from "../proof.ts";
import { failureKey, type RememberedFailure } from "../remedy-audit.ts";
import type { Text } from "../text.ts";
import { countText, momentText } from "../wording.ts";
import type { NoUse, Part, Request, ValueStep } from "./part.ts";

/** What did not help once is not tried again by itself. */
export function withoutFailed(part: Part, { policy, context }: Request): Part {
  if (policy.force) return part;
  const failureOf = (step: ValueStep): RememberedFailure | undefined =>
    context.failures.find(({ key }) => key === failureKey(step));
  const failed = [...new Set(part.steps.flatMap((step) => failureOf(step) ?? []))];
  return {
    ...part,
    steps: part.steps.filter((step) => failureOf(step) === undefined),
    noUse: [
      ...part.noUse,
      ...failed.map((failure): NoUse => ({
        code: "did-not-help-before",
        what: { en: `Changing ${failure.target}`, zh: `修改 ${failure.target}` },
        why: failureText(failure),
      })),
    ],
  };
}

function failureText({ time, key, before, after, proof, isTakenBack }: RememberedFailure): Text {
  const when = momentText(time);
  const isBudget = key.startsWith("netdev_budget");
  const per = (measure: Measure): string =>
    countText(isBudget ? measure.squeezedPerMillion : measure.lostPerMillion);
  const [en, zh] = isBudget ? ["squeezes", "squeezed"] : ["lost packets", "丢包"];
  const tried: Text = isTakenBack
    ? { en: `It was tried at ${when} and taken back`, zh: `${when} 已尝试过并已撤销` }
    : { en: `It was tried at ${when} and could not be taken back`, zh: `${when} 已尝试过，但未能撤销` };
  if (proof === "filling") {
    return {
      en: `${tried.en}: of ${per(before)} ${en} per million it only delayed the loss, since the queue went on filling. --force tries again.`,
      zh: `${tried.zh}：之前每百万个数据包的${zh}数为 ${per(before)}，队列持续增长，只是推迟了丢包。使用 --force 可再次尝试。`,
    };
  }
  return {
    en: `${tried.en}: ${per(before)} ${en} per million before, ${per(after)} after. --force tries again.`,
    zh: `${tried.zh}：每百万个数据包的${zh}数之前为 ${per(before)}，之后为 ${per(after)}。使用 --force 可再次尝试。`,
  };
}
