import { styleText } from "node:util";

import type { HostSettings } from "../core/host-settings.ts";
import type { Language, Text } from "../core/text.ts";
import { DEFAULT_THRESHOLDS } from "../core/thresholds.ts";
import {
  cpusInSight,
  type Troubles,
  type WatchedCpu,
  type WatchedRates,
  type WatchFrame,
} from "../core/watch.ts";
import { countText, cpuListText, percentText } from "../core/wording.ts";
import { padLeft, padRight, widthOf, wrapped } from "../terminal/layout.ts";

export interface WatchLook {
  readonly lang: Language;
  readonly colours: boolean;
}

/** What is shown besides the newest frame. */
export interface WatchView {
  readonly settings: HostSettings;
  /** The newest one; undefined while there is none. */
  readonly frame: WatchFrame | undefined;
  readonly troubles: Troubles;
  /** Since the first frame. */
  readonly sum: WatchSum;
  /** Why there are no new numbers, or which CPUs came or went. */
  readonly note: Text | undefined;
  readonly replay: { readonly capture: string; readonly frame: number; readonly frames: number } | undefined;
  /** Nothing will follow. */
  readonly isOver: boolean;
}

export interface WatchSum {
  readonly sinceMs: number | undefined;
  readonly dropped: number;
  readonly squeezed: number;
}

interface Column {
  readonly head: Text;
  readonly isPercent?: true;
  /** Undefined where the kernel does not say. */
  readonly value: (rates: WatchedRates) => number | undefined;
  readonly style?: (rates: WatchedRates, settings: HostSettings) => Style | undefined;
}

type Style = "red" | "yellow" | "dim" | "bold";

const COLUMNS: readonly Column[] = [
  { head: { en: "processed/s", zh: "处理/秒" }, value: ({ processedPerSecond }) => processedPerSecond },
  {
    head: { en: "dropped/s", zh: "丢弃/秒" },
    value: ({ droppedPerSecond }) => droppedPerSecond,
    style: ({ droppedPerSecond }) => (droppedPerSecond > 0 ? "red" : undefined),
  },
  {
    head: { en: "squeezed/s", zh: "squeezed/秒" },
    value: ({ squeezedPerSecond }) => squeezedPerSecond,
    style: ({ squeezedPerSecond }) => (squeezedPerSecond > 0 ? "yellow" : undefined),
  },
  { head: { en: "rps/s", zh: "rps/秒" }, value: ({ receivedRpsPerSecond }) => receivedRpsPerSecond },
  {
    head: { en: "flow limit/s", zh: "流限制/秒" },
    value: ({ flowLimitPerSecond }) => flowLimitPerSecond,
    style: ({ flowLimitPerSecond }) => (flowLimitPerSecond ? "yellow" : undefined),
  },
  {
    head: { en: "backlog", zh: "排队" },
    value: ({ backlog }) => backlog,
    style: ({ backlog }, { sysctls: { netdevMaxBacklog } }) => {
      if (!backlog || netdevMaxBacklog === undefined || netdevMaxBacklog < 0) return undefined;
      return backlog > netdevMaxBacklog ? "red" : backlog > netdevMaxBacklog / 2 ? "yellow" : undefined;
    },
  },
  {
    head: { en: "softirq", zh: "softirq" },
    isPercent: true,
    value: ({ load }) => load?.softirqPercent,
    style: ({ load }) => {
      const busy = load ? load.softirqPercent + load.stealPercent : 0;
      const { saturatedPercent, notSaturatedPercent } = DEFAULT_THRESHOLDS;
      return busy >= saturatedPercent ? "red" : busy >= notSaturatedPercent ? "yellow" : undefined;
    },
  },
  { head: { en: "steal", zh: "steal" }, isPercent: true, value: ({ load }) => load?.stealPercent },
];

/** For a person. */
function cellText({ value, isPercent }: Column, rates: WatchedRates): string {
  const shown = value(rates);
  if (shown === undefined) return "";
  return isPercent ? percentText(shown).en : countText(shown);
}

/** For `awk`: one word, and a number without separators. */
function wordText({ value }: Column, rates: WatchedRates): string {
  const shown = value(rates);
  return shown === undefined ? "-" : String(Math.round(shown * 10) / 10);
}

function headWord({ head, isPercent }: Column, lang: Language): string {
  return head[lang].replaceAll(" ", "_") + (isPercent ? "%" : "");
}

const GAP = "  ";
const CPU_HEAD = "CPU";

/**
 * The whole screen: who is watched, the table with the sum first, and what the words mean. On a small screen CPUs without trouble give way.
 */
export function watchScreen(
  view: WatchView,
  size: { readonly columns: number; readonly rows: number },
  look: WatchLook,
): readonly string[] {
  const { lang } = look;
  const head = [
    titleLine(view, lang),
    ...noteLines(view, lang).flatMap((note) => wrapped(note, size.columns)),
  ];
  const foot = footLines(view, lang);
  const cut = (line: string, style?: Style): string => styled(cutTo(line, size.columns), style, look);
  if (!view.frame) return [...head.map((line) => cut(line)), "", cut(WORDS.measuring[lang], "dim")];

  const { frame, settings } = view;
  // Title, notes, head of the table, the sum, the line that counts the others, and the foot with an empty line above.
  const places = size.rows - head.length - 3 - foot.length - 1;
  const shown = cpusInSight(frame, view.troubles, Math.max(1, places));
  const columns = fittingColumns(frame, size.columns);
  const widths = widthsOf(frame, columns, lang);
  const hidden = frame.cpus.length - shown.length;
  return [
    ...head.map((line, i) => cut(line, i === 0 ? "bold" : undefined)),
    cut(headLine(columns, widths, lang), "dim"),
    rowLine(WORDS.all[lang], frame.all, columns, widths, settings, look, "bold"),
    ...shown.map((cpu) => rowLine(String(cpu.cpu), cpu, columns, widths, settings, look)),
    ...(hidden > 0 ? [cut(othersLine(frame, shown, lang), "dim")] : []),
    "",
    ...foot.map((line) => cut(line, "dim")),
  ].slice(0, size.rows);
}

/** Lines for a file or another program: the time first, then the sum and every CPU. */
export function watchLines(
  frame: WatchFrame,
  lang: Language,
): { readonly head: string; readonly rows: readonly string[] } {
  const columns = printedColumns(frame);
  const heads = columns.map((column) => headWord(column, lang));
  const widths = heads.map((head) => Math.max(11, widthOf(head)));
  const line = (time: string, name: string, cells: readonly string[]): string =>
    [padRight(time, 8), padLeft(name, 4), ...cells.map((cell, i) => padLeft(cell, widths[i]!))]
      .join(GAP)
      .trimEnd();
  const row = (name: string, rates: WatchedRates): string =>
    line(
      timeText(frame.takenAtMs),
      name,
      columns.map((column) => wordText(column, rates)),
    );
  return {
    head: line("", CPU_HEAD, heads),
    rows: [row("all", frame.all), ...frame.cpus.map((cpu) => row(String(cpu.cpu), cpu))],
  };
}

/** What goes above the lines: who is watched, and whose counters these are. */
export function aboutLines(view: WatchView, lang: Language): readonly string[] {
  return [titleLine(view, lang), ...(view.settings.inOwnNetworkNamespace ? [WORDS.ownNamespace[lang]] : [])];
}

/** Who is watched, in one line. */
function titleLine({ settings, frame, replay }: WatchView, lang: Language): string {
  const { hostname, kernelRelease, sysctls } = settings;
  return [
    replay && `${WORDS.replay[lang]} ${replay.capture} ${replay.frame}/${replay.frames}`,
    frame && (replay ? new Date(frame.takenAtMs).toLocaleString("sv") : timeText(frame.takenAtMs)),
    hostname,
    kernelRelease && `Linux ${kernelRelease}`,
    frame && COUNTED.cpus(frame.cpus.length)[lang],
    frame && COUNTED.columns(frame.columns)[lang],
    sysctls.netdevMaxBacklog !== undefined && `netdev_max_backlog ${sysctls.netdevMaxBacklog}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** Text that may stand between two frames, for `watchLines` too. */
export function cpusChangedText({ appeared, left }: WatchFrame): Text | undefined {
  if (appeared.length === 0 && left.length === 0) return undefined;
  const en = [
    appeared.length > 0 ? `CPU ${cpuListText(appeared)} came online` : "",
    left.length > 0 ? `CPU ${cpuListText(left)} went offline` : "",
  ];
  const zh = [
    appeared.length > 0 ? `CPU ${cpuListText(appeared)} 已上线` : "",
    left.length > 0 ? `CPU ${cpuListText(left)} 已下线` : "",
  ];
  return { en: en.filter(Boolean).join(", "), zh: zh.filter(Boolean).join("，") };
}

export function timeText(ms: number): string {
  return new Date(ms).toTimeString().slice(0, 8);
}

function noteLines({ settings, note }: WatchView, lang: Language): readonly string[] {
  return [
    ...(settings.inOwnNetworkNamespace ? [WORDS.ownNamespace[lang]] : []),
    ...(note ? [note[lang]] : []),
  ];
}

function footLines({ sum, replay, isOver }: WatchView, lang: Language): readonly string[] {
  const { sinceMs, dropped, squeezed } = sum;
  const since =
    sinceMs === undefined ? [] : [SUM(timeText(sinceMs), countText(dropped), countText(squeezed))[lang]];
  return [...since, WORDS.legend[lang], ...(isOver ? [] : [WORDS[replay ? "ends" : "next"][lang]])];
}

function othersLine(frame: WatchFrame, shown: readonly WatchedCpu[], lang: Language): string {
  const isShown = new Set(shown.map(({ cpu }) => cpu));
  const others = frame.cpus.filter(({ cpu }) => !isShown.has(cpu));
  const isLosing = others.some(({ droppedPerSecond }) => droppedPerSecond > 0);
  const processed = countText(others.reduce((sum, cpu) => sum + cpu.processedPerSecond, 0));
  return COUNTED.others(others.length, processed, isLosing)[lang];
}

/** The columns that this kernel prints, and that `/proc/stat` gives. */
function printedColumns({ all }: WatchFrame): readonly Column[] {
  return COLUMNS.filter(({ value }) => value(all) !== undefined);
}

/** Those that are least needed are last, and give way. */
function fittingColumns(frame: WatchFrame, columns: number): readonly Column[] {
  const printed = printedColumns(frame);
  for (let count = printed.length; count > 3; count--) {
    const kept = printed.slice(0, count);
    const width = widthsOf(frame, kept, "en").reduce((sum, one) => sum + one + GAP.length, 4);
    if (width <= columns) return kept;
  }
  return printed.slice(0, 3);
}

function widthsOf(frame: WatchFrame, columns: readonly Column[], lang: Language): readonly number[] {
  return columns.map((column) => {
    const cells = [frame.all, ...frame.cpus].map((rates) => cellText(column, rates).length);
    return Math.max(widthOf(column.head[lang]), ...cells);
  });
}

function headLine(columns: readonly Column[], widths: readonly number[], lang: Language): string {
  return [padLeft(CPU_HEAD, 4), ...columns.map(({ head }, i) => padLeft(head[lang], widths[i]!))].join(GAP);
}

function rowLine(
  name: string,
  rates: WatchedRates,
  columns: readonly Column[],
  widths: readonly number[],
  settings: HostSettings,
  look: WatchLook,
  emphasis?: Style,
): string {
  const cells = columns.map((column, i) => {
    const text = cellText(column, rates);
    const quiet = text === "0" ? "dim" : emphasis;
    return styled(padLeft(text, widths[i]!), column.style?.(rates, settings) ?? quiet, look);
  });
  return [styled(padLeft(name, 4), emphasis, look), ...cells].join(GAP);
}

function cutTo(line: string, columns: number): string {
  if (widthOf(line) <= columns) return line;
  let cut = "";
  for (const character of line) {
    if (widthOf(cut) + widthOf(character) > columns - 1) break;
    cut += character;
  }
  return `${cut}…`;
}

function styled(text: string, style: Style | undefined, { colours }: WatchLook): string {
  if (!colours || style === undefined) return text;
  return styleText(style === "red" || style === "yellow" ? ["bold", style] : style, text, {
    validateStream: false,
  });
}

const SUM = (since: string, dropped: string, squeezed: string): Text => ({
  en: `since ${since}: ${dropped} packets dropped, ${squeezed} passes squeezed`,
  zh: `自 ${since} 起：丢弃 ${dropped} 个数据包，squeezed ${squeezed} 次`,
});

const COUNTED = {
  cpus: (count: number): Text => ({ en: count === 1 ? "1 CPU" : `${count} CPUs`, zh: `${count} 个 CPU` }),
  columns: (count: number): Text => ({ en: `${count} columns`, zh: `${count} 列` }),
  others: (count: number, processed: string, isLosing: boolean): Text => ({
    en: `and ${count} more CPUs${isLosing ? "" : " without a loss"}: ${processed} processed/s`,
    zh: `另有 ${count} 个 CPU${isLosing ? "" : "没有丢包"}：共处理 ${processed}/秒`,
  }),
};

const WORDS = {
  all: { en: "all", zh: "合计" },
  replay: { en: "replay of", zh: "回放" },
  measuring: { en: "measuring …", zh: "正在测量……" },
  ownNamespace: {
    en: "This is a container in its own network namespace: the counters are those of the whole machine.",
    zh: "这是使用独立网络命名空间的容器：计数器属于整台主机。",
  },
  legend: {
    en: "dropped: lost, queue full · squeezed: a pass ended early, no loss by itself",
    zh: "丢弃：队列已满而丢包 · squeezed：一轮处理提前结束，本身不是丢包",
  },
  ends: { en: "q ends", zh: "按 q 退出" },
  next: {
    en: "softnet diagnose says why · q ends",
    zh: "softnet diagnose 说明原因 · 按 q 退出",
  },
} satisfies Record<string, Text>;
