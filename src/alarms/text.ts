import type { Prepared } from "./preparing.ts";
import { type AlarmAccount, type Contact, ownRulesOf } from "../core/alarm-account.ts";
import { ownEventRule } from "../core/alarm-event-rule.ts";
import type { AlarmPlan } from "../core/alarm-plan.ts";
import type { AlarmStep, Difference, RuleStep } from "../core/alarm-steps.ts";
import type { Kept } from "../core/alarm-removal.ts";
import { type AlarmRule, alarmRuleId, alarmRules, FLEET_EVENT_RULE } from "../core/alarm-rules.ts";
import type { Language, Text } from "../core/text.ts";
import { besideLabel, labelled, type Look, type Style } from "../terminal/look.ts";

/** What would be written, and what should be known besides. */
export function alarmPlanText(plan: AlarmsToShow, look: Look): string {
  const { lang } = look;
  return joined([
    plan.steps.length === 0 && plan.deferred.length === 0
      ? labelled(WORDS.inStep[lang], "green", plan.nothing[lang], look)
      : [],
    ...stepSections(plan.steps, look),
    ...deferredSections(plan.deferred, look),
    ...plan.notes.map((each) => noteLines(each, look)),
    plan.steps.length > 0 && plan.command !== undefined
      ? [besideLabel(WORDS.apply[lang], "bold", plan.command, look)]
      : [],
  ]);
}

export interface AlarmsToShow {
  readonly steps: readonly AlarmStep[];
  readonly deferred: readonly RuleStep[];
  readonly notes: readonly Note[];
  /** Said where there is no step. */
  readonly nothing: Text;
  /** That carries it out; undefined where that is about to happen. */
  readonly command: string | undefined;
}

/** Something to know that is no change. */
export interface Note extends Labelled {
  readonly text: Text;
}

export const IN_STEP: Text = {
  en: "The account has what it should have: nothing is to be changed.",
  zh: "账号中的报警配置与期望一致，无需改动。",
};

/** So many instances or rules are named; the rest is counted. */
const MOST_NAMED = 6;

export function stepSections(steps: readonly AlarmStep[], look: Look): readonly (readonly string[])[] {
  const byPlace = Map.groupBy(steps, placeOf);
  const of = (place: ReturnType<typeof placeOf>): readonly AlarmStep[] => byPlace.get(place) ?? [];
  return [
    ...of("people").map((step) => stepLines(step, look)),
    sentLines(of("data"), look),
    createdLines(of("new rules"), look),
    ...changedSections(of("changed rules"), ACTIONS.update, look),
    ...of("others").map((step) => stepLines(step, look)),
    switchedLines(of("switched rules"), look),
    ...of("removals").map((step) => stepLines(step, look)),
  ];
}

/** Where a step is shown: in the order in which they are taken, but rules that are treated alike together. */
function placeOf({ kind, action }: AlarmStep) {
  if (kind === "data") return "data";
  if (kind === "rule") {
    if (action === "create") return "new rules";
    return action === "update" ? "changed rules" : "switched rules";
  }
  if (action === "delete") return "removals";
  return kind === "contact" || kind === "group" ? "people" : "others";
}

/** What differs in rules that are paused. */
export function deferredSections(steps: readonly RuleStep[], look: Look): readonly (readonly string[])[] {
  return changedSections(steps, WAITS, look);
}

/** Rules that change alike are one section. */
function changedSections(
  steps: readonly AlarmStep[],
  { label, style }: Labelled,
  look: Look,
): readonly (readonly string[])[] {
  const alike = Map.groupBy(steps, ({ differences }) => JSON.stringify(differences));
  return [...alike.values()].map((group) => {
    const names = someOf(
      group.map(({ name }) => name),
      look.lang,
    );
    return [
      ...labelled(label[look.lang], style, `${ruleWord(group.length)[look.lang]} ${names}`, look),
      ...differenceLines(group[0]!.differences, "update", look),
      ...(group.some((step) => "isMadeAnew" in step && step.isMadeAnew)
        ? labelled("", "reset", MADE_ANEW[look.lang], look)
        : []),
    ];
  });
}

function ruleWord(count: number): Text {
  return count === 1 ? KINDS.rule : { en: "rules", zh: "规则" };
}

function stepLines({ kind, action, name, differences }: AlarmStep, look: Look): readonly string[] {
  const { label, style } = ACTIONS[action];
  const what =
    kind === "event"
      ? FIRST_EVENT[look.lang]
      : `${KINDS[kind][look.lang]}${kind === "target" ? "" : ` ${name}`}`;
  return [...labelled(label[look.lang], style, what, look), ...differenceLines(differences, action, look)];
}

/** What is new has no "before". */
function differenceLines(
  differences: readonly Difference[],
  action: AlarmStep["action"],
  look: Look,
): readonly string[] {
  const shown = action === "create" ? differences.filter(({ field }) => !QUIET.has(field)) : differences;
  return shown.map(({ field, from, to }) =>
    besideLabel(
      "",
      "reset",
      action === "create"
        ? `  ${field}  ${to ?? ""}`
        : `  ${field}  ${from ?? NONE[look.lang]} → ${to ?? NONE[look.lang]}`,
      look,
    ),
  );
}

/** Of no interest in what is new. */
const QUIET: ReadonlySet<string> = new Set([
  "Describe",
  "Description",
  "EventType",
  "Product",
  "LevelList",
  "EventTypeList",
  "Method",
]);

function sentLines(steps: readonly AlarmStep[], look: Look): readonly string[] {
  if (steps.length === 0) return [];
  const names = someOf(
    steps.map(({ name }) => name),
    look.lang,
  );
  const text: Text = {
    en: `a first point of 0 for ${names}: CloudMonitor takes a rule only on a series that it has seen`,
    zh: `为 ${names} 上报首个数据点 0：云监控只接受针对已有时间序列的规则`,
  };
  return labelled(ACTIONS.send.label[look.lang], ACTIONS.send.style, text[look.lang], look);
}

/** A line for each kind of rule, not for each rule. */
function createdLines(steps: readonly AlarmStep[], look: Look): readonly string[] {
  if (steps.length === 0) return [];
  const { label, style } = ACTIONS.create;
  const lines = alarmRules({ withSqueezed: true }).flatMap((rule) => {
    const prefix = alarmRuleId(rule, "");
    const ids = steps.map(({ name }) => name).filter((name) => name.startsWith(prefix));
    if (ids.length === 0) return [];
    const names = someOf(
      ids.map((id) => id.slice(prefix.length)),
      look.lang,
    );
    return [
      ...labelled(
        label[look.lang],
        style,
        `${KINDS.rule[look.lang]} ${conditionText(rule)[look.lang]}`,
        look,
      ),
      ...labelled("", "reset", names, look),
    ];
  });
  return [...lines, ...labelled("", "reset", toldText(steps)[look.lang], look)];
}

/** Whom new rules tell. */
function toldText(steps: readonly AlarmStep[]): Text {
  const valuesOf = (field: string): string =>
    [
      ...new Set(
        steps.flatMap(({ differences }) =>
          differences.flatMap((one) => (one.field === field && one.to ? [one.to] : [])),
        ),
      ),
    ].join(", ");
  const [groups, webhooks] = [valuesOf("ContactGroups"), valuesOf("Webhook")];
  return webhooks === ""
    ? { en: `They tell ${groups}.`, zh: `通知 ${groups}。` }
    : { en: `They tell ${groups}, and call ${webhooks}.`, zh: `通知 ${groups}，并调用 ${webhooks}。` };
}

/** `WARN when softnet_dropped_per_second Maximum > 0 in 3 minutes on end`. */
function conditionText({
  metricName,
  statistic,
  comparisonOperator,
  threshold,
  evaluationCount,
  level,
}: AlarmRule): Text {
  const condition = `${metricName} ${statistic} ${comparisonOperator} ${threshold}`;
  return {
    en: `${level}: ${condition} ${evaluationCount === 1 ? "in one minute" : `in ${evaluationCount} minutes on end`}`,
    zh: `${level}：${condition} ${evaluationCount === 1 ? "出现一分钟" : `连续 ${evaluationCount} 分钟`}`,
  };
}

function switchedLines(steps: readonly AlarmStep[], look: Look): readonly string[] {
  return (["delete", "pause", "resume"] as const).flatMap((action) => {
    const names = steps.filter((step) => step.action === action).map(({ name }) => name);
    if (names.length === 0) return [];
    const { label, style } = ACTIONS[action];
    const rules = `${ruleWord(names.length)[look.lang]} ${someOf(names, look.lang)}`;
    return labelled(label[look.lang], style, rules, look);
  });
}

function someOf(names: readonly string[], lang: Language): string {
  const more = names.length - MOST_NAMED;
  const shown = names.slice(0, MOST_NAMED).join(", ");
  if (more <= 0) return shown;
  return { en: `${shown} and ${more} more`, zh: `${shown} 等 ${names.length} 个` }[lang];
}

export function noteLines({ label, style, text }: Note, look: Look): readonly string[] {
  return labelled(label[look.lang], style, text[look.lang], look);
}

/** What an operator has to know beside the changes. */
export function notesOf({ account, plan, unlistedIds }: Prepared, regionId: string): readonly Note[] {
  const eventRule = ownEventRule(account);
  const [leaving, staying] = pausedRules(account, plan, regionId);
  return [
    ...pendingNotes(account.contacts, plan.contactGroups),
    ...pausedNote([...staying, ...(eventRule && !eventRule.isEnabled ? [eventRule.name] : [])]),
    ...replacedNote(leaving, plan),
    ...deferredNote(plan.deferred),
    ...unlistedNote(unlistedIds),
  ];
}

/** Our rules that somebody switched off: those that the plan takes away, and the others. */
function pausedRules(
  account: AlarmAccount,
  { steps }: AlarmPlan,
  regionId: string,
): readonly [leaving: readonly string[], staying: readonly string[]] {
  const gone = new Set(
    steps.flatMap(({ kind, action, name }) => (kind === "rule" && action === "delete" ? [name] : [])),
  );
  const paused = ownRulesOf(account, regionId).flatMap(({ found }) =>
    found.isEnabled ? [] : [found.ruleId],
  );
  return [paused.filter((ruleId) => gone.has(ruleId)), paused.filter((ruleId) => !gone.has(ruleId))];
}

/** What becomes of a pause when one rule for the fleet takes the place of those that were paused. */
function replacedNote(paused: readonly string[], { steps }: AlarmPlan): readonly Note[] {
  const made = steps.find((step) => step.kind === "event-rule" && step.action === "create");
  if (paused.length === 0 || made?.kind !== "event-rule" || !("isEnabled" in made)) return [];
  if (!made.isEnabled) return pausedNote([made.name]);
  return [
    note({
      en: `${someOf(paused, "en")}: paused until now. ${made.name} covers these instances too, and is on.`,
      zh: `${someOf(paused, "zh")}：此前已暂停。${made.name} 也覆盖这些实例，并处于启用状态。`,
    }),
  ];
}

/** Who is to be told, and has not clicked the link: nothing reaches them. */
function pendingIn(contacts: readonly Contact[], contactGroups: readonly string[]): readonly Contact[] {
  return contacts.filter(
    ({ groups, mail, phone }) =>
      contactGroups.some((group) => groups.includes(group)) && (mail?.isPending || phone?.isPending),
  );
}

function pendingNotes(contacts: readonly Contact[], contactGroups: readonly string[]): readonly Note[] {
  const pending = pendingIn(contacts, contactGroups);
  const [first] = pending;
  if (!first) return [];
  const names = pending.map((contact) => `${contact.name} (${pendingChannels(contact)})`);
  const who: Text =
    pending.length === 1
      ? {
          en: `The contact ${first.name} has not clicked its activation link (${pendingChannels(first)})`,
          zh: `联系人 ${first.name} 尚未点击激活链接（${pendingChannels(first)}）`,
        }
      : {
          en: `${names.length} contacts have not clicked their activation links: ${someOf(names, "en")}`,
          zh: `${names.length} 个联系人尚未点击激活链接：${someOf(names, "zh")}`,
        };
  return [
    {
      label: { en: "SILENT", zh: "收不到" },
      style: "red",
      text: {
        en: `${who.en}: until then no alarm arrives there. A link is good for 24 hours; the CloudMonitor console sends a new one (Alerts, Alert Contacts).`,
        zh: `${who.zh}，在此之前收不到任何报警。链接 24 小时内有效，可在云监控控制台的“报警联系人”页面重新发送。`,
      },
    },
  ];
}

function pendingChannels({ mail, phone }: Contact): string {
  return [...(mail?.isPending ? ["Mail"] : []), ...(phone?.isPending ? ["SMS"] : [])].join(", ");
}

/** The rules that somebody switched off; they stay so. */
function pausedNote(names: readonly string[]): readonly Note[] {
  if (names.length === 0) return [];
  return [
    {
      label: { en: "PAUSED", zh: "已暂停" },
      style: "yellow",
      text: {
        en: `${someOf(names, "en")}: nobody is told of these until softnet alarms resume.`,
        zh: `${someOf(names, "zh")}：执行 softnet alarms resume 之前不会发出报警。`,
      },
    },
  ];
}

/** What was asked for beside what is there is known to the command line only: it has to be said again. */
function deferredNote(deferred: readonly RuleStep[]): readonly Note[] {
  if (deferred.length === 0) return [];
  const names = deferred.map(({ name }) => name);
  return [
    note({
      en: `Paused rules are not written, as that may wake them, and these differ: ${someOf(names, "en")}. After softnet alarms resume, run softnet alarms apply with these flags again.`,
      zh: `已暂停的规则不会写入，以免被唤醒；以下规则与期望不同：${someOf(names, "zh")}。执行 softnet alarms resume 之后，请用相同参数再次执行 softnet alarms apply。`,
    }),
  ];
}

function unlistedNote(instanceIds: readonly string[]): readonly Note[] {
  if (instanceIds.length === 0) return [];
  return [
    note({
      en: `These instances have rules and are not in this list; they stay: ${someOf(instanceIds, "en")}. softnet alarms destroy --instance ID takes them away.`,
      zh: `以下实例有规则但不在此列表中，规则保留：${someOf(instanceIds, "zh")}。可用 softnet alarms destroy --instance ID 移除。`,
    }),
  ];
}

/** Everything is done, and how it is now cannot be read. */
export function unreadNote(why: string): Note {
  return note({
    en: `The changes are made; how the account is now could not be read, so what is said here is from before them. ${why}`,
    zh: `改动已完成；但无法重新读取账号的当前状态，以上为改动之前的情况。${why}`,
  });
}

export function keptNotes(kept: readonly Kept[]): readonly Note[] {
  return kept.map(({ kind, name, why }) =>
    note({
      en: `The ${KINDS[kind].en} ${name} stays: ${why.en}.`,
      zh: `保留${KINDS[kind].zh} ${name}：${why.zh}。`,
    }),
  );
}

export function otherRegionNotes(regions: readonly string[]): readonly Note[] {
  return regions.map((regionId) =>
    note({
      en: `The rules that softnet made for ${regionId} stay: softnet alarms destroy --region ${regionId} takes them away.`,
      zh: `softnet 为 ${regionId} 创建的规则保留：可用 softnet alarms destroy --region ${regionId} 移除。`,
    }),
  );
}

function note(text: Text): Note {
  return { label: { en: "Note", zh: "注意" }, style: "yellow", text };
}

/** How it went, and what has to be known now. */
export function alarmDoneText(count: number, notes: readonly Note[], look: Look): string {
  const text: Text =
    count === 1
      ? { en: "1 change made.", zh: "已完成 1 项改动。" }
      : { en: `${count} changes made.`, zh: `已完成 ${count} 项改动。` };
  return joined([
    labelled(WORDS.done[look.lang], "green", text[look.lang], look),
    ...notes.map((each) => noteLines(each, look)),
  ]);
}

export function joined(sections: readonly (readonly string[])[]): string {
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join("\n")}\n`)
    .join("\n");
}

const FIRST_EVENT: Text = {
  en: `a first event ${FLEET_EVENT_RULE.eventName} that is no incident: CloudMonitor takes a rule only on an event that it has seen`,
  zh: `首个 ${FLEET_EVENT_RULE.eventName} 事件（并非故障）：云监控只接受针对已有事件的规则`,
};

const MADE_ANEW: Text = {
  en: "deleted and made anew: no other call that makes such a rule takes that away",
  zh: "将删除后重建：创建此类规则的接口无法以其他方式清除该字段",
};

const NONE: Text = { en: "(none)", zh: "（无）" };

const KINDS: Readonly<Record<AlarmStep["kind"], Text>> = {
  contact: { en: "contact", zh: "联系人" },
  group: { en: "contact group", zh: "联系人组" },
  data: { en: "data", zh: "数据" },
  event: { en: "event", zh: "事件" },
  rule: { en: "rule", zh: "规则" },
  "event-rule": { en: "event rule", zh: "事件规则" },
  target: { en: "whom the event rule tells", zh: "事件规则的通知对象" },
};

interface Labelled {
  readonly label: Text;
  readonly style: Style;
}

const WAITS: Labelled = { label: { en: "Waits", zh: "待恢复" }, style: "yellow" };

const ACTIONS: Readonly<Record<AlarmStep["action"], Labelled>> = {
  create: { label: { en: "Create", zh: "创建" }, style: "green" },
  update: { label: { en: "Change", zh: "修改" }, style: "cyan" },
  delete: { label: { en: "Delete", zh: "删除" }, style: "red" },
  send: { label: { en: "Send", zh: "上报" }, style: "green" },
  pause: { label: { en: "Pause", zh: "暂停" }, style: "yellow" },
  resume: { label: { en: "Resume", zh: "恢复" }, style: "green" },
};

const WORDS = {
  inStep: { en: "In step", zh: "一致" },
  apply: { en: "Apply", zh: "执行" },
  done: { en: "Done", zh: "完成" },
} satisfies Record<string, Text>;
