import { basename } from "node:path";

import { systemClock } from "../clock.ts";
import { type CommonOptions, defineVerb, exitCodeOfSignal, type Io } from "../terminal/command.ts";
import type { NoDelta } from "../core/delta.ts";
import type { HostSettings } from "../core/host-settings.ts";
import type { Reading } from "../core/observation.ts";
import type { Text } from "../core/text.ts";
import { frameBetween, troublesWith, type WatchFrame } from "../core/watch.ts";
import { watchDocument } from "../core/watch-document.ts";
import { HostError, UsageError } from "../errors.ts";
import { readCapture } from "../host/capture.ts";
import { Machine } from "../host/machine.ts";
import { takeReading } from "../host/reading.ts";
import { readHostSettings } from "../host/settings.ts";
import { readNetSysctls } from "../host/sysctl.ts";
import { nonEmpty, number, type Option, wholeNumber } from "../options.ts";
import { readingsOfCapture, type SamplingWorld, waitUnlessAborted } from "../sampling.ts";
import { drawing, type Terminal } from "../terminal/terminal.ts";
import {
  cpusChangedText,
  timeText,
  aboutLines,
  watchLines,
  watchScreen,
  type WatchView,
} from "../reports/watch-text.ts";

const EVERY_SECONDS = 1;

const everySeconds: Option<number | undefined> = {
  flag: "every",
  placeholder: "SECONDS",
  ...number({ min: 0.1, max: 3600 }),
  fallback: undefined,
  help: {
    en: `seconds from one update to the next (default ${EVERY_SECONDS}; of a replay, as it was recorded)`,
    zh: `更新间隔秒数（默认 ${EVERY_SECONDS}；回放时按记录的间隔）`,
  },
};

const count: Option<number | undefined> = {
  flag: "count",
  placeholder: "N",
  ...wholeNumber({ min: 1, max: 1_000_000_000 }),
  fallback: undefined,
  help: { en: "end after so many updates", zh: "更新若干次后结束" },
};

const replay: Option<string | undefined> = {
  flag: "replay",
  placeholder: "CAPTURE",
  ...nonEmpty("a capture file, or - for standard input"),
  fallback: undefined,
  help: {
    en: "show a capture in place of this machine; - reads standard input",
    zh: "回放抓取文件而不是本机；- 表示标准输入",
  },
};

export default defineVerb({
  name: "watch",
  summary: {
    en: "show what each CPU does with received packets, live",
    zh: "实时显示每个 CPU 处理收到的数据包的情况",
  },
  details: {
    en: "On a terminal a table that renews itself, elsewhere lines; with --json one document a line.\nExits with 0, with 2 when it cannot read the counters.",
    zh: "在终端上是自动刷新的表格，否则逐行输出；使用 --json 时每行一个文档。\n退出码：0，无法读取计数器时为 2。",
  },
  options: { everySeconds, count, replay },
  run: async (options, io) => {
    const quit = new AbortController();
    const signal = AbortSignal.any([io.signal, quit.signal]);
    const source = sourceOf(options, io, signal);
    try {
      const display = displayOf(options, io, () => quit.abort());
      try {
        await watch(source, options.count, display);
      } finally {
        display.close();
      }
    } finally {
      source.close();
    }
    return io.signal.aborted ? exitCodeOfSignal(io.signal) : 0;
  },
});

interface Asked extends CommonOptions {
  readonly everySeconds: number | undefined;
  readonly count: number | undefined;
  readonly replay: string | undefined;
}

/** What is watched: a machine or a capture. */
interface Source {
  readonly settings: HostSettings;
  /** One by one, when each is due; a reading that failed is the complaint about it. Ends when the signal aborts. */
  readonly readings: AsyncIterable<Reading | HostError>;
  /** Settings that may have changed meanwhile. */
  readonly refreshed: (settings: HostSettings) => HostSettings;
  readonly replay: { readonly capture: string; readonly frames: number } | undefined;
  readonly close: () => void;
}

/** Where it is shown: a terminal, a file, or another program. */
interface Display {
  /** A new frame, or a note on why there is none. */
  readonly show: (view: WatchView, frame: WatchFrame | undefined) => void;
  readonly close: () => void;
}

async function watch(source: Source, mostFrames: number | undefined, display: Display): Promise<void> {
  let view = firstView(source.settings);
  let before: Reading | undefined;
  let frames = 0;
  display.show(view, undefined);
  for await (const taken of source.readings) {
    const came = taken instanceof HostError ? taken : before && frameBetween(before, taken);
    if (!(taken instanceof HostError)) before = taken;
    if (came === undefined) continue; // The first reading has no rates yet.
    if (came instanceof HostError || came.kind !== "frame") {
      view = viewWithout(view, came);
      display.show(view, undefined);
      continue;
    }
    frames++;
    view = viewAfter(view, came, source, frames);
    display.show(view, came);
    if (frames === mostFrames) return;
  }
}

function firstView(settings: HostSettings): WatchView {
  return {
    settings,
    frame: undefined,
    troubles: new Map(),
    sum: { sinceMs: undefined, dropped: 0, squeezed: 0 },
    note: undefined,
    replay: undefined,
    isOver: false,
  };
}

function viewAfter(view: WatchView, frame: WatchFrame, source: Source, frames: number): WatchView {
  return {
    ...view,
    settings: source.refreshed(view.settings),
    frame,
    troubles: troublesWith(view.troubles, frame),
    sum: {
      sinceMs: view.sum.sinceMs ?? frame.takenAtMs - frame.elapsedSeconds * 1000,
      dropped: view.sum.dropped + frame.dropped,
      squeezed: view.sum.squeezed + frame.squeezed,
    },
    note: cpusChangedText(frame),
    replay: source.replay && { ...source.replay, frame: frames },
  };
}

/** The numbers stay as they were, and it is said why. */
function viewWithout(view: WatchView, why: HostError | NoDelta): WatchView {
  const note = why instanceof HostError ? { en: why.message, zh: why.message } : NO_FRAME[why.kind];
  return { ...view, note };
}

const NO_FRAME: Readonly<Record<NoDelta["kind"], Text>> = {
  rebooted: { en: "the machine was rebooted: its counters began anew", zh: "主机已重启：计数器重新开始" },
  "no-time-passed": { en: "two readings of the same moment", zh: "两次读取的时刻相同" },
  "columns-changed": { en: "the kernel prints other columns than before", zh: "内核输出的列与之前不同" },
};

function sourceOf(asked: Asked, io: Io, signal: AbortSignal): Source {
  const world = { clock: systemClock, wait: waitUnlessAborted };
  return asked.replay === undefined
    ? machineSource(asked, signal, world)
    : captureSource(asked, asked.replay, io, signal, world);
}

function machineSource(
  { root, everySeconds: every }: Asked,
  signal: AbortSignal,
  world: SamplingWorld,
): Source {
  const machine = new Machine(root);
  return {
    settings: readHostSettings(machine),
    readings: readingsOfMachine(machine, (every ?? EVERY_SECONDS) * 1000, signal, world),
    refreshed: (settings) => ({ ...settings, sysctls: readNetSysctls(machine) }),
    replay: undefined,
    close: () => machine[Symbol.dispose](),
  };
}

/** @throws HostError when the very first reading fails: then there is nothing to watch. */
async function* readingsOfMachine(
  machine: Machine,
  everyMs: number,
  signal: AbortSignal,
  { clock, wait }: SamplingWorld,
): AsyncGenerator<Reading | HostError> {
  const beganMs = clock.monotonicMs();
  for (let index = 0; !signal.aborted; index++) {
    const moment = { takenAtMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
    try {
      yield takeReading(machine, moment, "counters");
    } catch (error) {
      if (!(error instanceof HostError) || index === 0) throw error;
      yield error;
    }
    // A time that has passed already, because the machine was suspended, is left out and not made up for.
    const passedMs = clock.monotonicMs() - beganMs;
    await wait(everyMs - (passedMs % everyMs), signal);
  }
}

function captureSource(
  asked: Asked,
  path: string,
  io: Io,
  signal: AbortSignal,
  { wait }: SamplingWorld,
): Source {
  if (asked.root !== "/") {
    throw new UsageError({
      code: "flags-contradict",
      expected: "either --replay or a machine to watch",
      got: "both --replay and --root",
      where: "command line",
    });
  }
  const { snapshots } = readCapture(path);
  const readings = readingsOfCapture(snapshots);
  const isShown = io.terminal !== undefined && !asked.json;
  return {
    settings: readHostSettings(snapshots[0]),
    readings: (async function* replayed() {
      for (const [index, reading] of readings.entries()) {
        const recordedMs =
          index === 0 ? 0 : reading.softnet.monotonicMs - readings[index - 1]!.softnet.monotonicMs;
        // What nobody watches need not take its time.
        const paceMs =
          asked.everySeconds === undefined ? (isShown ? recordedMs : 0) : asked.everySeconds * 1000;
        if (index > 0 && paceMs > 0) await wait(paceMs, signal);
        if (signal.aborted) return;
        yield reading;
      }
    })(),
    refreshed: (settings) => settings,
    replay: { capture: basename(path), frames: readings.length - 1 },
    close: () => {},
  };
}

function displayOf({ json, lang }: Asked, io: Io, quit: () => void): Display {
  const { terminal, env } = io;
  if (json) return documents(io);
  if (!terminal || env["TERM"] === "dumb") return lines(io, lang);
  return screen(io, terminal, { lang, colours: !env["NO_COLOR"] }, quit);
}

function documents(io: Io): Display {
  return {
    show: ({ settings }, frame) => {
      if (frame) io.stdout(`${JSON.stringify(watchDocument(frame, settings))}\n`);
    },
    close: () => {},
  };
}

function lines(io: Io, lang: Asked["lang"]): Display {
  let head: string | undefined;
  const print = (texts: readonly string[]): void => io.stdout(texts.map((text) => `${text}\n`).join(""));
  return {
    show: (view, frame) => {
      if (view.note) print([`${timeText(frame?.takenAtMs ?? systemClock.nowMs())}  ${view.note[lang]}`]);
      if (!frame) return;
      if (head === undefined) print(aboutLines(view, lang));
      const table = watchLines(frame, lang);
      // Again only when the kernel prints other columns.
      if (table.head !== head) print([table.head]);
      head = table.head;
      print(table.rows);
    },
    close: () => {},
  };
}

function screen(
  io: Io,
  terminal: Terminal,
  look: { readonly lang: Asked["lang"]; readonly colours: boolean },
  quit: () => void,
): Display {
  let latest: WatchView | undefined;
  const draw = (): void => {
    if (latest) io.stdout(drawing(watchScreen(latest, terminal.size(), look)));
  };
  const giveBack = terminal.take(draw, quit);
  return {
    show: (view) => {
      latest = view;
      draw();
    },
    close: () => {
      giveBack();
      // The terminal shows again what was there before: the last numbers go below it.
      if (!latest?.frame) return;
      const last = watchScreen({ ...latest, isOver: true }, terminal.size(), look);
      io.stdout(`${last.join("\n")}\n`);
    },
  };
}
