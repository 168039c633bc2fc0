import { type CpuMask, cpuMaskText, cpusOfMask } from "../core/cpu-mask.ts";
import type { Finding, FindingSeverity, RemedyKind } from "../core/finding.ts";
import type { Observation, ObservedCpu, ObservedInterface } from "../core/observation.ts";
import type { Language, Text } from "../core/text.ts";
import type { Verdict } from "../core/verdict.ts";
import { countText, cpuListText, cpusText, percentText } from "../core/wording.ts";
import { quoted } from "../terminal/consent.ts";
import { narrowed, tableLines, widthOf } from "../terminal/layout.ts";
import { besideLabel, indented, labelled, type Look, type Style, styled } from "../terminal/look.ts";

export interface DiagnosisLook extends Look {
  /** Only there a table has to fit: a file takes lines of any length, and what is left out of it nobody can ask for. */
  readonly isTerminal: boolean;
  /** The file that the observation comes from: its host is not the one that reads this. */
  readonly capture: string | undefined;
}

/** Of a host with more CPUs, those without a loss are counted only. */
const MOST_CPU_ROWS = 16;

/** The verdict first, then what was measured, then the command that fixes it, and what would not. */
export function diagnosisText(observation: Observation, verdict: Verdict, look: DiagnosisLook): string {
  const sections = [
    verdictLines(observation, verdict, look),
    namespaceLines(observation, look),
    evidenceLines(observation, verdict, look),
    cureLines(observation, verdict, look),
    cannotHelpLines(verdict, look),
    elsewhereLines(verdict, look),
  ].filter((lines) => lines.length > 0);
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function verdictLines(observation: Observation, verdict: Verdict, look: DiagnosisLook): readonly string[] {
  if (verdict.findings.length === 0) return healthyLines(observation, verdict, look);
  return verdict.findings.flatMap((finding) =>
    labelled(LABEL[finding.severity][look.lang], STYLE[finding.severity], finding.summary[look.lang], look),
  );
}

function healthyLines(observation: Observation, verdict: Verdict, look: DiagnosisLook): readonly string[] {
  const { lang } = look;
  const { all, sampledSeconds } = observation;
  const packets = countText(all.processedPerSecond);
  const seconds = countText(sampledSeconds);
  const none: Text = {
    en: `No packet arrived in ${seconds} s, so none was lost.`,
    zh: `${seconds} 秒内没有收到数据包，也就没有丢包。`,
  };
  const nothing: Text = {
    en: `Nothing is lost between the NIC and the sockets: none of ${packets} packets/s in ${seconds} s.`,
    zh: `网卡与套接字之间没有丢包：${seconds} 秒内每秒 ${packets} 个数据包，无一丢失。`,
  };
  const squeezed = countText(all.squeezedPerSecond);
  const few: Text = {
    en: `The ${squeezed} squeezes/s are normal.`,
    zh: `每秒 ${squeezed} 次 squeezed 属于正常现象。`,
  };
  const next = verdict.elsewhere[0];
  return [
    ...labelled(LABEL.healthy[lang], "green", (all.processedPerSecond > 0 ? nothing : none)[lang], look),
    ...(all.squeezedPerSecond > 0 ? labelled("", "reset", few[lang], look) : []),
    ...(next ? labelled(WORDS.lookNext[lang], "yellow", elsewhereText(next, lang), look) : []),
  ];
}

function namespaceLines({ settings }: Observation, look: DiagnosisLook): readonly string[] {
  return settings.inOwnNetworkNamespace
    ? labelled(WORDS.note[look.lang], "yellow", WORDS.ownNamespace[look.lang], look)
    : [];
}

/** Which command mends what the findings point to. */
function cureLines({ settings }: Observation, { findings }: Verdict, look: DiagnosisLook): readonly string[] {
  if (findings.length === 0) return [];
  const { lang } = look;
  const remedies = new Set(findings.map(({ remedy }) => remedy));
  const changes = (["backlog", "rps", "budget"] as const).filter((remedy) => remedies.has(remedy));
  // A larger instance has no faster CPUs for a single flow.
  const isSingleFlow = findings.some(({ code }) => code === "single-flow");
  const advice =
    remedies.has("instance") && !isSingleFlow
      ? labelled(WORDS.fix[lang], "bold", WORDS.instance[lang], look)
      : [];
  if (changes.length === 0) return advice;
  const isElsewhere = look.capture !== undefined || settings.inOwnNetworkNamespace;
  const apply = `sudo softnet remedy apply${isElsewhere ? ON_THAT_HOST[lang] : ""}`;
  const plan = `softnet remedy plan${look.capture === undefined ? "" : ` --from ${quoted(look.capture)}`}`;
  return [
    // A command is copied as one line.
    besideLabel(WORDS.fix[lang], "bold", apply, look),
    ...labelled("", "reset", fixNote(changes, lang), look),
    besideLabel(WORDS.preview[lang], "bold", plan, look),
    ...advice,
  ];
}

/** Beside a command. */
export const ON_THAT_HOST: Text = { en: "     (on the host itself)", zh: "     （在该主机上执行）" };

function fixNote(changes: readonly Exclude<RemedyKind, "instance">[], lang: Language): string {
  const what = changes.map((change) => CHANGE[change][lang]).join(lang === "en" ? " and " : "并");
  return {
    en: `It ${what}, measures whether that helped, and takes it back if not.`,
    zh: `它会${what}，测量是否有效，无效则自动撤销。`,
  }[lang];
}

const CHANGE: Readonly<Record<Exclude<RemedyKind, "instance">, Text>> = {
  backlog: { en: "raises netdev_max_backlog", zh: "调大 netdev_max_backlog" },
  rps: { en: "spreads the packets with RPS", zh: "用 RPS 分散数据包" },
  budget: { en: "raises netdev_budget", zh: "调大 netdev_budget" },
};

function cannotHelpLines({ cannotHelp }: Verdict, look: DiagnosisLook): readonly string[] {
  const { lang } = look;
  return cannotHelp.flatMap(({ what, why }) =>
    labelled(
      WORDS.cannotHelp[lang],
      "yellow",
      lang === "en" ? `${what.en} cannot help here. ${why.en}` : `${what.zh}：在这里没有用。${why.zh}`,
      look,
    ),
  );
}

function evidenceLines(observation: Observation, verdict: Verdict, look: DiagnosisLook): readonly string[] {
  const { lang } = look;
  const { settings, sampledSeconds, samples } = observation;
  const where = [settings.hostname, settings.kernelRelease && `Linux ${settings.kernelRelease}`];
  const title = [
    ...where.filter((part) => part !== undefined),
    { en: `${countText(sampledSeconds)} s`, zh: `${countText(sampledSeconds)} 秒` }[lang],
    { en: samples === 1 ? "1 sample" : `${samples} samples`, zh: `${samples} 次采样` }[lang],
  ].join(" · ");
  return [
    styled(WORDS.measured[lang] + title, "bold", look),
    ...indented(cpuTable(observation, verdict, look)),
    ...indented(interfaceTable(observation, look)),
    ...indented([sysctlLine(observation)].filter((line) => line !== "")),
  ];
}

/** What indented lines have room for. */
function tableWidth({ columns, isTerminal }: DiagnosisLook): number {
  return isTerminal ? columns - 2 : Number.POSITIVE_INFINITY;
}

function cpuTable(observation: Observation, verdict: Verdict, look: DiagnosisLook): readonly string[] {
  const { lang } = look;
  const { shown, left } = cpusToShow(observation.cpus, verdict);
  const isLimited = shown.some(({ flowLimitPerSecond }) => flowLimitPerSecond);
  const columns = CPU_COLUMNS.filter((column) => isLimited || column !== FLOW_LIMIT);
  const rows = [
    columns.map(({ head }) => head[lang]),
    ...shown.map((cpu) => columns.map(({ cell }) => cell(cpu) ?? "")),
  ];
  const rest: Text = {
    en: `and ${left.length} more without a loss: CPUs ${cpuListText(left)}`,
    zh: `另有 ${left.length} 个 CPU 没有丢包：${cpuListText(left)}`,
  };
  return [...tableLines(narrowed(rows, tableWidth(look))), ...(left.length > 0 ? [rest[lang]] : [])];
}

/** Those of the findings and those that lose something, and of the others the busiest. */
function cpusToShow(
  cpus: readonly ObservedCpu[],
  { findings }: Verdict,
): { readonly shown: readonly ObservedCpu[]; readonly left: readonly number[] } {
  const found = new Set(findings.flatMap(({ evidence }) => (evidence["cpus"] as readonly number[]) ?? []));
  const weight = (cpu: ObservedCpu): number =>
    (found.has(cpu.cpu) ? 2e15 : 0) + (cpu.droppedPerSecond > 0 ? 1e15 : 0) + cpu.processedPerSecond;
  const byWeight = cpus.toSorted((a, b) => weight(b) - weight(a));
  const byId = (a: ObservedCpu, b: ObservedCpu): number => a.cpu - b.cpu;
  return {
    shown: byWeight.slice(0, MOST_CPU_ROWS).sort(byId),
    left: byWeight
      .slice(MOST_CPU_ROWS)
      .sort(byId)
      .map(({ cpu }) => cpu),
  };
}

interface CpuColumn {
  readonly head: Text;
  readonly cell: (cpu: ObservedCpu) => string | undefined;
}

/** Only where it dropped something: it seldom does. */
const FLOW_LIMIT: CpuColumn = {
  head: { en: "flow limit/s", zh: "流限制/秒" },
  cell: ({ flowLimitPerSecond }) =>
    flowLimitPerSecond === undefined ? undefined : countText(flowLimitPerSecond),
};

/** Those that are least needed are last, and give way on a narrow terminal. */
const CPU_COLUMNS: readonly CpuColumn[] = [
  { head: { en: "CPU", zh: "CPU" }, cell: ({ cpu }) => String(cpu) },
  {
    head: { en: "processed/s", zh: "处理/秒" },
    cell: ({ processedPerSecond }) => countText(processedPerSecond),
  },
  { head: { en: "dropped/s", zh: "丢弃/秒" }, cell: ({ droppedPerSecond }) => countText(droppedPerSecond) },
  {
    head: { en: "squeezed/s", zh: "squeezed/秒" },
    cell: ({ squeezedPerSecond }) => countText(squeezedPerSecond),
  },
  FLOW_LIMIT,
  {
    head: { en: "most waiting", zh: "最长排队" },
    cell: ({ backlogs }) => backlogs && countText(backlogs.maximum),
  },
  {
    head: { en: "softirq", zh: "softirq" },
    cell: ({ load }) => load && percentText(load.softirqPercent).en,
  },
  { head: { en: "steal", zh: "steal" }, cell: ({ load }) => load && percentText(load.stealPercent).en },
  { head: { en: "idle", zh: "idle" }, cell: ({ load }) => load && percentText(load.idlePercent).en },
];

/** Interfaces that received or lost something. What is long is put in short before a column gives way to it. */
function interfaceTable({ interfaces, settings }: Observation, look: DiagnosisLook): readonly string[] {
  const active = interfaces.filter(
    (one) => (one.rxPacketsPerSecond ?? 0) + (one.rxDroppedPerSecond ?? 0) + (one.rxMissedPerSecond ?? 0) > 0,
  );
  if (active.length === 0) return [];
  const busiest = active
    .toSorted(
      (a, b) =>
        (b.rxDroppedPerSecond ?? 0) - (a.rxDroppedPerSecond ?? 0) ||
        (b.rxPacketsPerSecond ?? 0) - (a.rxPacketsPerSecond ?? 0),
    )
    .slice(0, MOST_INTERFACE_ROWS);
  const { lang } = look;
  const { possible } = settings.cpus;
  const rowsWith = (say: SayMasks): readonly (readonly string[])[] => [
    INTERFACE_HEADS.map((head) => head[lang]),
    ...busiest.map((one) => [
      one.name,
      one.driver ?? one.kind,
      optionalCount(one.rxPacketsPerSecond),
      optionalCount(one.rxDroppedPerSecond),
      String(one.rxQueues.length),
      say(masksOf(one), possible, lang),
      one.receivingCpus ? cpuListText(one.receivingCpus) : "",
      optionalCount(one.rxMissedPerSecond),
    ]),
  ];
  const width = tableWidth(look);
  const [whole, short] = [narrowed(rowsWith(wholeMasks), width), narrowed(rowsWith(shortMasks), width)];
  const isShortNeeded = whole[0]!.length < short[0]!.length;
  return tableLines(isShortNeeded ? short : whole, { namesFirst: true });
}

const MOST_INTERFACE_ROWS = 8;

/** Each once. */
function masksOf({ rxQueues }: ObservedInterface): readonly CpuMask[] {
  return [...new Set(rxQueues.flatMap(({ rpsCpus }) => (rpsCpus === undefined ? [] : [rpsCpus])))];
}

type SayMasks = (masks: readonly CpuMask[], possibleCpus: number | undefined, lang: Language) => string;

/** As the kernel prints them. */
const wholeMasks: SayMasks = (masks, possibleCpus) =>
  masks.map((mask) => cpuMaskText(mask, possibleCpus)).join(" ");

/** `CPUs 0-103` for one, `32 masks` for more, where that is shorter. */
const shortMasks: SayMasks = (masks, possibleCpus, lang) => {
  const whole = wholeMasks(masks, possibleCpus, lang);
  const count = masks.length;
  const one = masks[0] ?? 0n;
  const short: Text =
    count === 1
      ? one === 0n
        ? { en: "0", zh: "0" }
        : cpusText(cpusOfMask(one))
      : { en: `${count} masks`, zh: `${count} 个掩码` };
  return widthOf(short[lang]) < widthOf(whole) ? short[lang] : whole;
};

/** Those that are least needed are last. What is missed is told in words as well. */
const INTERFACE_HEADS: readonly Text[] = [
  { en: "interface", zh: "接口" },
  { en: "kind", zh: "类型" },
  { en: "packets/s", zh: "收包/秒" },
  { en: "rx_dropped/s", zh: "rx_dropped/秒" },
  { en: "queues", zh: "队列" },
  { en: "rps_cpus", zh: "rps_cpus" },
  { en: "IRQ CPUs", zh: "中断 CPU" },
  { en: "rx_missed/s", zh: "rx_missed/秒" },
];

function optionalCount(value: number | undefined): string {
  return value === undefined ? "" : countText(value);
}

function sysctlLine({ settings }: Observation): string {
  const { netdevMaxBacklog, netdevBudget, netdevBudgetUsecs } = settings.sysctls;
  const shown = {
    netdev_max_backlog: netdevMaxBacklog,
    netdev_budget: netdevBudget,
    netdev_budget_usecs: netdevBudgetUsecs,
  };
  return Object.entries(shown)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key} ${value}`)
    .join(" · ");
}

function elsewhereLines({ findings, elsewhere }: Verdict, look: DiagnosisLook): readonly string[] {
  // A healthy verdict has named the first one already.
  const others = findings.length === 0 ? elsewhere.slice(1) : elsewhere;
  return others.flatMap((note) =>
    labelled(WORDS.elsewhere[look.lang], "yellow", elsewhereText(note, look.lang), look),
  );
}

function elsewhereText(
  { counter, interface: name, perSecond, means }: Verdict["elsewhere"][number],
  lang: Language,
): string {
  const which = name === undefined ? counter : `${counter} ${name}`;
  const rate = countText(perSecond);
  return lang === "en"
    ? `${which} grows by ${rate}/s: ${means.en}.`
    : `${which} 每秒增长 ${rate}：${means.zh}。`;
}

const STYLE: Readonly<Record<FindingSeverity, Style>> = {
  critical: "red",
  warning: "yellow",
  reason: "cyan",
};

const LABEL: Readonly<Record<Finding["severity"] | "healthy", Text>> = {
  critical: { en: "CRITICAL", zh: "严重" },
  warning: { en: "WARNING", zh: "警告" },
  reason: { en: "  why", zh: "  原因" },
  healthy: { en: "HEALTHY", zh: "正常" },
};

const WORDS = {
  fix: { en: "Fix", zh: "修复" },
  preview: { en: "Preview", zh: "预览" },
  note: { en: "Note", zh: "注意" },
  cannotHelp: { en: "No use", zh: "无效" },
  elsewhere: { en: "Also lost", zh: "另有丢失" },
  lookNext: { en: "Look next", zh: "接着查看" },
  measured: { en: "Measured: ", zh: "测量：" },
  instance: {
    en: "Take an instance of a network-enhanced family (c7ne, g7ne, …) with more packets/s and receive queues, or spread the traffic over more instances.",
    zh: "请选用网络增强型实例规格族（c7ne、g7ne 等），获得更高的 PPS 和更多接收队列，或把流量分散到更多实例。",
  },
  ownNamespace: {
    en: "This is a container in its own network namespace. The counters are those of the whole machine; its settings can be seen and changed on the host only.",
    zh: "当前是位于独立网络命名空间中的容器。计数器属于整台机器；相关参数只能在宿主机上查看和修改。",
  },
} satisfies Record<string, Text>;
