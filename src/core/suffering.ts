import type { Observation, ObservedInterface } from "./observation.ts";
import type { Text } from "./text.ts";
import type { Thresholds } from "./thresholds.ts";
import { namesText } from "./wording.ts";

/** Where the backlog's drops happen. */
export interface Suffering {
  /** The worst first; empty where none that is visible explains the drops. */
  readonly interfaces: readonly ObservedInterface[];
  /** Interfaces could be seen, and they do not account for the drops: these happen in another network namespace. */
  readonly isElsewhere: boolean;
}

/** Every drop of the backlog is also counted in `rx_dropped` of the interface that received the packet. */
export function sufferingOf(observation: Observation, thresholds: Thresholds): Suffering {
  const counted = observation.interfaces.filter(({ shareOfDropped }) => shareOfDropped !== undefined);
  const explained = counted.reduce((sum, { shareOfDropped }) => sum + shareOfDropped!, 0);
  return {
    interfaces: counted
      .filter(({ shareOfDropped }) => shareOfDropped! >= thresholds.sufferingShare)
      .sort((a, b) => b.shareOfDropped! - a.shareOfDropped!),
    isElsewhere: counted.length > 0 && explained < thresholds.explainedShare,
  };
}

/** No interface that suffers can be seen, and so none be steered. */
export function isAllElsewhere({ interfaces, isElsewhere }: Suffering): boolean {
  return isElsewhere && interfaces.length === 0;
}

/** Why an interface that loses nothing is steered. */
export function bringsText(name: string): Text {
  return {
    en: `The losses are in another network namespace, and ${name} most likely brings their packets.`,
    zh: `丢包发生在另一个网络命名空间，其数据包很可能经由 ${name} 进入。`,
  };
}

/** ` on eth0`; empty where nobody knows. */
export function placeText(suffering: Suffering): Text {
  const { interfaces, isElsewhere } = suffering;
  if (interfaces.length === 0 && !isElsewhere) return { en: "", zh: "" };
  const names = interfaces.map(({ name }) => name);
  const places = namesText(names, isElsewhere ? ELSEWHERE : undefined);
  const space = names.length > 0 ? " " : "";
  return { en: ` on ${places.en}`, zh: `在${space}${places.zh}${isElsewhere ? "" : " "}上` };
}

const ELSEWHERE: Text = {
  en: "an interface in another network namespace",
  zh: "另一个网络命名空间的接口",
};

/** For evidence: names, or the words for what cannot be seen. */
export function sufferingNames({ interfaces, isElsewhere }: Suffering): readonly string[] {
  return [...interfaces.map(({ name }) => name), ...(isElsewhere ? [ELSEWHERE.en] : [])];
}
