import type { Prepared } from "./preparing.ts";
import { deferredSections, joined, noteLines, notesOf, stepSections } from "./text.ts";
import { type Allowance, type Contact, ownRulesOf } from "../core/alarm-account.ts";
import { ownEventRule } from "../core/alarm-event-rule.ts";
import type { Obstacle } from "../core/alarm-steps.ts";
import type { Site } from "../core/alarm-wish.ts";
import type { AlarmLevel } from "../core/alarm-rules.ts";
import {
  type AlarmChannel,
  type AlarmStatus,
  channelsOfLevel,
  type InstanceAlarms,
  isStale,
  LEVELS,
  ruleWord,
} from "../core/alarm-status.ts";
import type { Language, Text } from "../core/text.ts";
import { complaintText } from "../core/wording.ts";
import { tableLines } from "../terminal/layout.ts";
import { besideLabel, labelled, type Look } from "../terminal/look.ts";

export interface StatusToShow {
  readonly status: AlarmStatus;
  readonly prepared: Prepared;
  readonly regionId: string;
  readonly accountId: string;
  readonly site: Site;
}

/** So many instances are shown; those that need somebody come first. */
const MOST_ROWS = 40;

export function alarmStatusText(shown: StatusToShow, look: Look): string {
  const { lang } = look;
  const { status, prepared, regionId, accountId, site } = shown;
  const { account, plan } = prepared;
  const eventRule = ownEventRule(account);
  const where: Text = { en: `${regionId}, account ${accountId}`, zh: `${regionId}，账号 ${accountId}` };
  const isEmpty = status.instances.length === 0 && !eventRule && ownRulesOf(account, regionId).length === 0;
  return joined([
    [
      ...labelled(WORDS.alarms[lang], "bold", where[lang], look),
      ...(isEmpty ? labelled("", "reset", NONE[lang], look) : []),
      ...(eventRule
        ? labelled(
            "",
            "reset",
            `${eventRule.name}  ${eventRule.isEnabled ? FLEET.on[lang] : FLEET.off[lang]}`,
            look,
          )
        : []),
      ...instanceRows(status.instances, lang).map((line) => besideLabel("", "reset", line, look)),
    ],
    staleLines(status.instances, look),
    eventRule && status.instances.length === 0 ? labelled(WORDS.stale[lang], "red", NOBODY[lang], look) : [],
    ...(isEmpty ? [] : stepSections(plan.steps, look)),
    ...(isEmpty ? [] : deferredSections(plan.deferred, look)),
    ...(isEmpty ? [] : plan.obstacles.map((one) => obstacleLines(one, look))),
    ...notesOf(prepared, regionId).map((note) => noteLines(note, look)),
    isEmpty ? [] : toldLines(plan.contactGroups.join(", "), status.contacts, look),
    isEmpty ? [] : channelLines(site, look),
    [
      ...labelled(WORDS.quota[lang], "bold", quotaText(status)[lang], look),
      ...(ringsNobody(status, site) ? labelled("", "reset", NO_CALLS[lang], look) : []),
    ],
    [
      besideLabel(WORDS.graphs[lang], "bold", consoleUrl(regionId, site), look),
      ...labelled("", "reset", GRAPHS[lang], look),
    ],
  ]);
}

function instanceRows(instances: readonly InstanceAlarms[], lang: Language): readonly string[] {
  if (instances.length === 0) return [];
  const levels = LEVELS.filter((level) =>
    instances.some(({ rules }) => rules.some(({ rule }) => rule.level === level)),
  );
  const sorted = instances.toSorted((a, b) => weight(b) - weight(a));
  const left = instances.length - MOST_ROWS;
  const more: Text = { en: `and ${left} more`, zh: `另有 ${left} 个实例` };
  return [
    ...tableLines(
      [
        [HEAD.instance[lang], ...levels, HEAD.lastPoint[lang]],
        ...sorted
          .slice(0, MOST_ROWS)
          .map((one) => [one.instanceId, ...levels.map((level) => wordOf(one, level)), ageText(one)[lang]]),
      ],
      { namesFirst: true },
    ),
    ...(left > 0 ? [more[lang]] : []),
  ];
}

function wordOf({ rules }: InstanceAlarms, level: AlarmLevel): string {
  const own = rules.find(({ rule }) => rule.level === level);
  return own ? ruleWord(own) : "-";
}

function weight(one: InstanceAlarms): number {
  const words = one.rules.map(ruleWord);
  return (
    (words.includes("ALARM") ? 4 : 0) +
    (isStale(one) ? 2 : 0) +
    (words.every((word) => word === "OK") ? 0 : 1)
  );
}

function ageText({ isStopped, lastPointAgeSeconds }: InstanceAlarms): Text {
  if (isStopped) return { en: "stopped", zh: "已停止" };
  if (lastPointAgeSeconds === undefined) return { en: "none for a day", zh: "一天内没有" };
  const minutes = Math.round(lastPointAgeSeconds / 60);
  return minutes === 0 ? { en: "now", zh: "刚刚" } : { en: `${minutes} min ago`, zh: `${minutes} 分钟前` };
}

function staleLines(instances: readonly InstanceAlarms[], look: Look): readonly string[] {
  const count = instances.filter(isStale).length;
  if (count === 0) return [];
  const text: Text = {
    en: `${count === 1 ? "One instance has" : `${count} instances have`} sent nothing for more than five minutes. Is the agent running, and may it push? On the instance: softnet doctor. CloudMonitor itself tells nobody when data stops.`,
    zh: `${count} 个实例超过五分钟没有上报数据。请检查 agent 是否运行、是否有上报权限；可在该实例上执行 softnet doctor。数据中断时云监控不会报警。`,
  };
  return labelled(WORDS.stale[look.lang], "red", text[look.lang], look);
}

function obstacleLines({ where, expected, got }: Obstacle, look: Look): readonly string[] {
  return labelled(WORDS.differs[look.lang], "yellow", complaintText(where, expected, got)[look.lang], look);
}

function toldLines(group: string, contacts: readonly Contact[], look: Look): readonly string[] {
  if (contacts.length === 0) {
    const nobody: Text = {
      en: `The contact group ${group} has nobody in it.`,
      zh: `联系人组 ${group} 中没有任何联系人。`,
    };
    return labelled(WORDS.silent[look.lang], "red", nobody[look.lang], look);
  }
  return [
    ...labelled(WORDS.told[look.lang], "bold", group, look),
    ...contacts.flatMap((contact) => labelled("", "reset", `${contact.name}  ${channelsOf(contact)}`, look)),
  ];
}

function channelsOf({ mail, phone, others }: Contact): string {
  const shown = (name: string, channel: Contact["mail"]): string[] =>
    channel ? [`${name} ${channel.isPending ? "PENDING" : (channel.value ?? "OK")}`] : [];
  return [
    ...shown("Mail", mail),
    ...shown("SMS", phone),
    ...(others.dingWebHook ? ["DingTalk"] : []),
    ...(others.aliIM ? ["AliIM"] : []),
  ].join(", ");
}

function channelLines(site: Site, look: Look): readonly string[] {
  const text = LEVELS.map((level) => `${level} ${channelsText(level, site)[look.lang]}`).join(
    look.lang === "zh" ? "；" : "; ",
  );
  return labelled(WORDS.channels[look.lang], "bold", text, look);
}

const CHANNELS: Readonly<Record<AlarmChannel, Text>> = {
  phone: { en: "phone", zh: "电话" },
  sms: { en: "SMS", zh: "短信" },
  mail: { en: "e-mail", zh: "邮件" },
  chat: { en: "chat", zh: "钉钉群" },
};

function channelsText(level: AlarmLevel, site: Site): Text {
  const channels = channelsOfLevel(level, site).map((channel) => CHANNELS[channel]);
  return {
    en: channels.map(({ en }) => en).join(", "),
    zh: channels.map(({ zh }) => zh).join("、"),
  };
}

function quotaText({ quota }: AlarmStatus): Text {
  const of = ({ used, limit }: Allowance): string => `${used ?? "?"}/${limit ?? "?"}`;
  const { series, sms, phoneCalls } = quota;
  const edition = quota.edition ?? "?";
  return {
    en: `edition ${edition}; used: series ${of(series)}, SMS ${of(sms)}, phone calls ${of(phoneCalls)}`,
    zh: `版本 ${edition}；已用：时间序列 ${of(series)}，短信 ${of(sms)}，电话 ${of(phoneCalls)}`,
  };
}

/** Calls have no free allowance: without a package, CRITICAL rings nobody. */
function ringsNobody({ contacts, quota }: AlarmStatus, site: Site): boolean {
  const { used = 0, limit } = quota.phoneCalls;
  return (
    site === "china" &&
    limit !== undefined &&
    used >= limit &&
    contacts.some(({ phone }) => phone !== undefined)
  );
}

const NO_CALLS: Text = {
  en: "No phone call is left: CRITICAL comes by SMS, e-mail and chat only.",
  zh: "电话额度为零：CRITICAL 只通过短信、邮件和钉钉群通知。",
};

/** The graphs are a click further: deeper addresses of that console have changed before. */
export function consoleUrl(regionId: string, site: Site): string {
  const domain = site === "intl" ? "alibabacloud.com" : "aliyun.com";
  return `https://cloudmonitor.console.${domain}/?regionId=${regionId}`;
}

const GRAPHS: Text = {
  en: "There: Custom Monitoring, a metric that begins with softnet_, and the series cpu=all of the instance.",
  zh: "进入“自定义监控”，选择以 softnet_ 开头的指标和该实例 cpu=all 的时间序列。",
};

const NONE: Text = {
  en: "Nothing is set up yet: softnet alarms apply does it.",
  zh: "尚未配置报警：执行 softnet alarms apply 进行配置。",
};

const NOBODY: Text = {
  en: "No instance that there is has sent a point for a day: whether the agents are alive cannot be seen here.",
  zh: "现有实例在一天内均未上报数据：无法在此判断 agent 是否存活。",
};

const FLEET = {
  on: {
    en: "on: one rule for every instance that sends softnet_critical",
    zh: "已启用：一条规则覆盖所有上报 softnet_critical 的实例",
  },
  off: { en: "PAUSED: nobody is told of softnet_critical", zh: "已暂停：softnet_critical 不会发出报警" },
} satisfies Record<string, Text>;

const HEAD = {
  instance: { en: "instance", zh: "实例" },
  lastPoint: { en: "last point", zh: "最近数据点" },
} satisfies Record<string, Text>;

const WORDS = {
  alarms: { en: "Alarms", zh: "报警" },
  stale: { en: "STALE", zh: "无数据" },
  differs: { en: "Differs", zh: "差异" },
  silent: { en: "SILENT", zh: "收不到" },
  told: { en: "Told", zh: "通知" },
  channels: { en: "Channels", zh: "渠道" },
  quota: { en: "Quota", zh: "配额" },
  graphs: { en: "Graphs", zh: "图表" },
} satisfies Record<string, Text>;
