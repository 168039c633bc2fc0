import { RPS_ELSEWHERE } from "../core/cannot-help.ts";
import type { Measure } from "../core/proof.ts";
import type { QueueCost } from "../core/remedies/backlog-choice.ts";
import type { RepairRecord, RepairResult } from "../core/remedy-audit.ts";
import {
  type AlikeChanges,
  alikeChanges,
  type ApplyOutcome,
  type DriftDocument,
  driftDocument,
  journaledDocument,
  UNDO_COMMAND,
} from "../core/remedy-document.ts";
import type { Drift, JournaledValue, RemedyJournal } from "../core/remedy-journal.ts";
import type { RemedyPlan } from "../core/remedy-plan.ts";
import type { Language, Text } from "../core/text.ts";
import { countText, momentText } from "../core/wording.ts";
import { ON_THAT_HOST } from "./diagnosis-text.ts";
import { tableLines } from "../terminal/layout.ts";
import { besideLabel, indented, labelled, type Look, styled } from "../terminal/look.ts";

/**
 * What would change, what it costs, what is of no use, and how to go on.
 *
 * @param apply the command that does it, and whether on another machine than this one; none where that is about to happen.
 */
export function planText(
  plan: RemedyPlan,
  isHealthy: boolean,
  apply: { readonly command: string; readonly isElsewhere: boolean } | undefined,
  look: Look,
): string {
  const isEmpty = plan.values.length === 0;
  const there = apply?.isElsewhere ? ON_THAT_HOST[look.lang] : "";
  return joined([
    isEmpty ? labelled(WORDS.plan[look.lang], "bold", nothingText(plan, isHealthy)[look.lang], look) : [],
    ...stepSections(plan, look),
    noUseLines(plan, look),
    conflictLines(plan, look),
    plan.notes.flatMap((note) => labelled(WORDS.note[look.lang], "yellow", note[look.lang], look)),
    plan.advice ? labelled(WORDS.advice[look.lang], "bold", plan.advice[look.lang], look) : [],
    isEmpty || apply === undefined
      ? []
      : [
          besideLabel(WORDS.apply[look.lang], "bold", apply.command + there, look),
          besideLabel(WORDS.undo[look.lang], "bold", UNDO_COMMAND + there, look),
        ],
  ]);
}

function conflictLines({ conflicts }: RemedyPlan, look: Look): readonly string[] {
  return conflicts.flatMap(({ where, text }) =>
    labelled(WORDS.conflict[look.lang], "yellow", `${where} ${text[look.lang]}`, look),
  );
}

function nothingText({ cannotHelp }: RemedyPlan, isHealthy: boolean): Text {
  if (isHealthy)
    return { en: "Nothing is lost here, so nothing is to be changed.", zh: "这里没有丢包，无需改动。" };
  return cannotHelp.some(({ code }) => code === "backlog-not-lowered")
    ? { en: "The value that you ask for changes nothing.", zh: "按您指定的值无需任何改动。" }
    : cannotHelp.includes(RPS_ELSEWHERE)
      ? {
          en: "Nothing can be steered from here without --device: the losses are in another network namespace.",
          zh: "丢包发生在另一个网络命名空间，不用 --device 指定接口，就无法从这里分散数据包。",
        }
      : { en: "No setting that we would change cures this.", zh: "没有可用于解决该问题的参数改动。" };
}

function changeLine({ target, from, to, times }: AlikeChanges): string {
  return `${target}  ${from} → ${to}${times > 1 ? `  (${times} ×)` : ""}`;
}

function stepSections(plan: RemedyPlan, look: Look): readonly (readonly string[])[] {
  const changes = alikeChanges(plan).map((change) => [
    besideLabel(WORDS.change[look.lang], "cyan", changeLine(change), look),
    ...labelled("", "reset", change.why[look.lang], look),
    ...(change.cost ? labelled("", "reset", costText(change.cost)[look.lang], look) : []),
  ]);
  const kept = plan.files.map(({ path, from, to }, i) => {
    // What starts the helper has the masks from it.
    const isSaid = plan.files.slice(0, i).some((file) => file.to === to);
    const lines = isSaid ? "" : to.split("\n").join(", ");
    const edit = from === null ? lines : `${from.trim()} → ${lines}`;
    return besideLabel("", "reset", `${path}  ${edit}`.trimEnd(), look);
  });
  return [
    ...changes,
    kept.length === 0 ? [] : [...labelled(WORDS.keep[look.lang], "cyan", KEPT[look.lang], look), ...kept],
  ];
}

function costText({ bytesGuide, bytesUpperBound, worstDelayMs }: QueueCost): Text {
  const [guide, bound] = [megabytes(bytesGuide), megabytes(bytesUpperBound)];
  const delay: Text =
    worstDelayMs === null
      ? { en: "", zh: "" }
      : {
          en: `; a packet at the end of one waits ${countText(worstDelayMs)} ms`,
          zh: `；排在队尾的数据包要等待 ${countText(worstDelayMs)} 毫秒`,
        };
  return {
    en: `Costs nothing at rest. Full queues hold ${guide} by the guide's formula, up to ${bound} in practice${delay.en}.`,
    zh: `空闲时没有开销。队列填满时，按官方公式占用 ${guide}，实际最多 ${bound}${delay.zh}。`,
  };
}

function megabytes(bytes: number): string {
  return `${countText(bytes / 1_000_000)} MB`;
}

function noUseLines({ cannotHelp }: RemedyPlan, look: Look): readonly string[] {
  return cannotHelp.flatMap(({ what, why }) =>
    labelled(
      WORDS.noUse[look.lang],
      "yellow",
      look.lang === "en" ? `${what.en}: ${lowerFirst(why.en)}` : `${what.zh}：${why.zh}`,
      look,
    ),
  );
}

/** What goes on after a colon; names of interfaces and CPUs stay as they are. */
function lowerFirst(text: string): string {
  return /^[A-Z][a-z]* /.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text;
}

/** How a run of `remedy apply` ended, with the numbers of before and after. */
export function outcomeText(outcome: ApplyOutcome, look: Look): string {
  const { lang } = look;
  const { before, after, result, plan, persisted } = outcome;
  const isSet = result === "kept" || result === "unproven";
  const changed = [
    ...alikeChanges(plan).map(changeLine),
    ...(persisted ? plan.files.map(({ path }) => path) : []),
  ];
  return joined([
    labelled(RESULT[result].label[lang], RESULT[result].style, resultText(outcome)[lang], look),
    after ? indented(measureLines(before, after, lang)) : [],
    isSet
      ? changed.map((line, i) => besideLabel(i === 0 ? WORDS.changed[lang] : "", "cyan", line, look))
      : [],
    isSet ? conflictLines(plan, look) : [],
    isSet ? [besideLabel(WORDS.undo[lang], "bold", UNDO_COMMAND, look)] : [],
  ]);
}

function resultText({ result, plan, persisted, proof }: ApplyOutcome): Text {
  switch (result) {
    case "healthy":
      return { en: "Nothing is lost here; nothing was changed.", zh: "这里没有丢包；未做任何改动。" };
    case "kept":
      if (persisted && plan.conflicts.some(({ isLasting }) => isLasting)) {
        return {
          en: "It helped, and its files are written. But something else sets it again, at the next boot or before.",
          zh: "有效，文件也已写入。但另有配置会在下次启动时或更早重新设置它。",
        };
      }
      return persisted
        ? { en: "It helped, and outlives a reboot.", zh: "有效，且重启后仍然有效。" }
        : { en: "It helped. It lasts until the next reboot.", zh: "有效，持续到下次重启。" };
    case "unproven":
      if (proof === "nothing-to-improve") {
        return {
          en: "Nothing was lost before that it could have ended, so nobody can tell whether it helps. It is set until the next reboot, and not longer.",
          zh: "之前没有它可以消除的丢包，无法判断是否有效。改动仅保留到下次重启。",
        };
      }
      return {
        en: "The load changed, so nobody can tell whether it helped. It is set until the next reboot, and not longer.",
        zh: "负载发生了变化，无法判断是否有效。改动仅保留到下次重启。",
      };
    case "undone":
      return proof === "filling"
        ? {
            en: `It only delayed the losses: the queue went on filling. ${TAKEN_BACK.en}`,
            zh: `队列持续增长，只是推迟了丢包。${TAKEN_BACK.zh}`,
          }
        : { en: `It did not help. ${TAKEN_BACK.en}`, zh: `没有效果。${TAKEN_BACK.zh}` };
    case "failed":
      return { en: "Nothing was changed.", zh: "未做任何改动。" };
  }
}

const TAKEN_BACK: Text = {
  en: "Everything is as it was before this run. It will not be tried again by itself (--force does).",
  zh: "已还原到本次执行之前的状态。以后不会自动再试（可使用 --force）。",
};

function measureLines(before: Measure, after: Measure, lang: Language): readonly string[] {
  const rows: readonly [Text, keyof Measure][] = [
    [{ en: "lost per million packets", zh: "每百万个数据包丢失数" }, "lostPerMillion"],
    [{ en: "squeezes per million packets", zh: "每百万个数据包 squeezed 次数" }, "squeezedPerMillion"],
    [{ en: "packets/s", zh: "数据包/秒" }, "packetsPerSecond"],
  ];
  return tableLines(
    [
      ["", WORDS.before[lang], WORDS.after[lang]],
      ...rows.map(([name, key]) => [name[lang], countText(before[key]), countText(after[key])]),
    ],
    { namesFirst: true },
  );
}

export interface RemedyStatus {
  readonly journal: RemedyJournal | undefined;
  readonly drift: readonly Drift[];
  /** Values that lasted until the next reboot, which was. */
  readonly ended: readonly JournaledValue[];
  readonly records: readonly RepairRecord[];
  readonly possibleCpus: number | undefined;
}

/** What was changed, when, what it did, and whether it still holds. */
export function statusText(
  { journal, drift, ended, records, possibleCpus }: RemedyStatus,
  look: Look,
): string {
  const { lang } = look;
  const runs = records.slice(-MOST_RUNS).map((record) => runLine(record, lang));
  const history = runs.length === 0 ? [] : [styled(WORDS.runs[lang], "bold", look), ...indented(runs)];
  if (journal === undefined) {
    const none: Text = { en: "Nothing is changed on this machine.", zh: "本机没有任何改动。" };
    return joined([labelled(WORDS.status[lang], "bold", none[lang], look), history]);
  }
  const values = journal.values.map((value) => {
    const { target, from, to } = journaledDocument(value, possibleCpus);
    return `${target}  ${from} → ${to}${ended.includes(value) ? `  ${ENDED[lang]}` : ""}`;
  });
  const holds: Text =
    drift.length + ended.length === 0
      ? { en: ", all still in force:", zh: "，全部仍然有效：" }
      : { en: ":", zh: "：" };
  const since: Text = {
    en: `Changed since ${journal.runs[0]}${holds.en}`,
    zh: `自 ${journal.runs[0]} 起的改动${holds.zh}`,
  };
  return joined([
    [
      ...labelled(WORDS.status[lang], "bold", since[lang], look),
      ...indented([...values, ...journal.files.map(({ path }) => path)]),
    ],
    drift.flatMap((one) => {
      const document = driftDocument(one, possibleCpus);
      return [
        ...labelled(WORDS.drift[lang], "yellow", driftText(document)[lang], look),
        besideLabel(WORDS.mend[lang], "bold", document.mend, look),
      ];
    }),
    history,
    [besideLabel(WORDS.undo[lang], "bold", UNDO_COMMAND, look)],
  ]);
}

const ENDED: Text = { en: "(until the last reboot)", zh: "（仅到上次重启为止）" };

function driftText({ kind, target, expected, found }: DriftDocument): Text {
  if (kind !== "file") {
    return {
      en: `${target} is ${found} and was set to ${expected}: a reboot or somebody else changed it.`,
      zh: `${target} 现在是 ${found}，曾被设为 ${expected}：已因重启或被他人改动。`,
    };
  }
  return {
    en: `${target} has ${found ?? "nothing"} in the place of ${expected}: somebody else changed it.`,
    zh: `${target} 中原为 ${expected}，现在是 ${found ?? "空"}：已被他人修改。`,
  };
}

/** What `remedy undo` has put back, and what it has left to whoever changed it since. */
export function undoneText(
  undone: {
    /** Targets, in the order in which they were put back. */
    readonly changed: readonly string[];
    readonly left: readonly string[];
    readonly isGone: (path: string) => boolean;
  },
  { journal, drift, possibleCpus }: RemedyStatus,
  look: Look,
): string {
  const { lang } = look;
  if (undone.changed.length + undone.left.length === 0) {
    return joined([labelled(WORDS.undo[lang], "bold", NOTHING_TO_UNDO[lang], look)]);
  }
  const values = (journal?.values ?? []).map((value) => journaledDocument(value, possibleCpus));
  const back = undone.changed.map((target) => {
    const value = values.find((one) => one.target === target);
    if (value) return `${target}  ${value.to} → ${value.from}`;
    return `${target}  ${(undone.isGone(target) ? REMOVED : LINES_BACK)[lang]}`;
  });
  const drifted = drift.map((one) => driftDocument(one, possibleCpus));
  return joined([
    back.length === 0
      ? []
      : [...labelled(WORDS.undo[lang], "green", PUT_BACK[lang], look), ...indented(back)],
    undone.left.flatMap((target) => {
      const found = drifted.find((one) => one.target === target);
      return labelled(WORDS.left[lang], "yellow", found ? driftText(found)[lang] : target, look);
    }),
    undone.left.length === 0 ? [] : [besideLabel("", "reset", FORCE[lang], look)],
  ]);
}

const NOTHING_TO_UNDO: Text = { en: "There is nothing to undo.", zh: "没有需要撤销的改动。" };
const PUT_BACK: Text = { en: "Put back as before the first remedy:", zh: "已还原到第一次修复之前：" };
const REMOVED: Text = { en: "removed", zh: "已删除" };
const LINES_BACK: Text = { en: "our lines taken back", zh: "已撤销 softnet 写入的行" };
const FORCE: Text = {
  en: "It is left as it is; sudo softnet remedy undo --force puts the original back.",
  zh: "保持不变；sudo softnet remedy undo --force 会将其还原。",
};

const MOST_RUNS = 10;

function runLine({ time, result, tried, before, after }: RepairRecord, lang: Language): string {
  const what = [...new Set(tried.map(({ key }) => key))].join(", ") || "-";
  // A budget is about squeezes: nothing was lost.
  const key = before.lostPerMillion > 0 ? "lostPerMillion" : "squeezedPerMillion";
  const effect = after ? `  ${countText(before[key])} → ${countText(after[key])} ${WORDS[key][lang]}` : "";
  return `${momentText(time)}  ${result}  ${what}${effect}`;
}

function joined(sections: readonly (readonly string[])[]): string {
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

const RESULT: Readonly<
  Record<RepairResult, { readonly label: Text; readonly style: "green" | "yellow" | "red" }>
> = {
  healthy: { label: { en: "HEALTHY", zh: "正常" }, style: "green" },
  kept: { label: { en: "KEPT", zh: "已保留" }, style: "green" },
  unproven: { label: { en: "UNPROVEN", zh: "未证实" }, style: "yellow" },
  undone: { label: { en: "UNDONE", zh: "已撤销" }, style: "yellow" },
  failed: { label: { en: "NO CURE", zh: "无法解决" }, style: "red" },
};

const KEPT: Text = {
  en: "Once it has helped, these files keep it over a reboot:",
  zh: "确认有效后，由以下文件使其在重启后仍然有效：",
};

const WORDS = {
  plan: { en: "Plan", zh: "计划" },
  change: { en: "Change", zh: "改动" },
  keep: { en: "Keep", zh: "持久化" },
  noUse: { en: "No use", zh: "无效" },
  conflict: { en: "Conflict", zh: "冲突" },
  note: { en: "Note", zh: "注意" },
  advice: { en: "Advice", zh: "建议" },
  apply: { en: "Apply", zh: "执行" },
  undo: { en: "Undo", zh: "撤销" },
  status: { en: "Status", zh: "状态" },
  drift: { en: "Drift", zh: "偏离" },
  left: { en: "Left", zh: "保留" },
  mend: { en: "Mend", zh: "修正" },
  runs: { en: "Runs of remedy apply", zh: "remedy apply 的执行记录" },
  lostPerMillion: { en: "lost per million", zh: "每百万丢失" },
  squeezedPerMillion: { en: "squeezes per million", zh: "每百万 squeezed" },
  changed: { en: "Changed", zh: "改动" },
  before: { en: "before", zh: "之前" },
  after: { en: "after", zh: "之后" },
} satisfies Record<string, Text>;
