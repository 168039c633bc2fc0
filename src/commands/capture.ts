import { closeSync, existsSync, openSync, rmSync, writeFileSync } from "node:fs";

import { systemClock } from "../clock.ts";
import { type CommonOptions, defineVerb, exitCodeOfSignal, type Io } from "../terminal/command.ts";
import { renderCaptureScript, snapshotTimes } from "../core/capture-script.ts";
import { fileProblemOf, HostError, UsageError } from "../errors.ts";
import { renderCapture } from "../host/capture.ts";
import { Machine } from "../host/machine.ts";
import { nonEmpty, type Option, type Switch, wholeNumber } from "../options.ts";
import { takeSnapshots, waitUnlessAborted } from "../sampling.ts";

/** So that a capture of a large host stays readable: it is held in memory as a whole. */
const MOST_SNAPSHOTS = 601;

const forSeconds: Option<number> = {
  flag: "for",
  placeholder: "SECONDS",
  ...wholeNumber({ min: 1, max: 86_400 }),
  fallback: 10,
  help: { en: "how long to watch", zh: "观察多少秒" },
};

const everySeconds: Option<number> = {
  flag: "every",
  placeholder: "SECONDS",
  ...wholeNumber({ min: 1, max: 3600 }),
  fallback: 1,
  help: { en: "seconds from one snapshot to the next", zh: "两次快照之间的秒数" },
};

const out: Option<string | undefined> = {
  flag: "out",
  placeholder: "FILE",
  ...nonEmpty("a file to write"),
  fallback: undefined,
  help: { en: "write there in place of standard output", zh: "写入该文件而不是标准输出" },
};

const gzip: Switch = {
  flag: "gzip",
  isSwitch: true,
  help: {
    en: "one line of gzip and base64, which survives mail and Cloud Assistant",
    zh: "输出为一行 gzip+base64，可经邮件和云助手传递",
  },
};

const script: Switch = {
  flag: "script",
  isSwitch: true,
  help: {
    en: "print the sh script that captures where softnet is not installed",
    zh: "打印 sh 脚本，用于在未安装 softnet 的主机上抓取",
  },
};

export default defineVerb({
  name: "capture",
  summary: {
    en: "record what the kernel does with received packets, to judge it elsewhere",
    zh: "记录内核如何处理收到的数据包，供在别处分析",
  },
  details: {
    en: [
      "  softnet capture --out HOST.capture               on the machine that suffers",
      "  softnet capture --script | ssh HOST sh > HOST.capture",
      "  softnet diagnose --from HOST.capture             anywhere",
      "",
      "A capture is text and holds counters, settings of the network and the kernel's and host's names; no addresses, no traffic.",
      "Exits with 0 when it is written, 2 when it could not be.",
    ].join("\n"),
    zh: [
      "  softnet capture --out HOST.capture               在出现问题的主机上",
      "  softnet capture --script | ssh HOST sh > HOST.capture",
      "  softnet diagnose --from HOST.capture             在任意机器上",
      "",
      "抓取文件是文本，包含计数器、网络设置、内核名和主机名；不含地址，也不含流量内容。",
      "退出码：0 已写出，2 无法写出。",
    ].join("\n"),
  },
  refuses: ["json"],
  options: { forSeconds, everySeconds, out, gzip, script },
  run: async (options, io) => {
    refuseTooMany(options);
    refuseRootBesideScript(options);
    const text = await writing(options.out, async () =>
      options.script ? renderCaptureScript(options) : captureText(options, io),
    );
    if (text === undefined) return exitCodeOfSignal(io.signal);
    if (options.out === undefined) io.stdout(text);
    return 0;
  },
});

interface Asked extends CommonOptions {
  readonly forSeconds: number;
  readonly everySeconds: number;
  readonly out: string | undefined;
  readonly gzip: boolean;
  readonly script: boolean;
}

/** Undefined when a signal came first. */
async function captureText(asked: Asked, io: Io): Promise<string | undefined> {
  using machine = new Machine(asked.root);
  const due = snapshotTimes(asked.forSeconds, asked.everySeconds);
  const world = { clock: systemClock, wait: waitUnlessAborted };
  // On standard output the capture itself may be passing over the terminal.
  const showsProgress = io.isTerminal && asked.out !== undefined;
  const snapshots = await takeSnapshots(machine, due, io.signal, world, (passed) => {
    if (showsProgress) io.stderr(`\r${PROGRESS[asked.lang]} ${passed}/${asked.forSeconds} s`);
  });
  if (showsProgress) io.stderr("\r\u001b[K");
  return snapshots && renderCapture(snapshots, asked.gzip ? "gzip" : "plain");
}

const PROGRESS = { en: "recording", zh: "正在记录" };

function refuseTooMany({ forSeconds: seconds, everySeconds: every }: Asked): void {
  const count = snapshotTimes(seconds, every).length;
  if (count <= MOST_SNAPSHOTS) return;
  throw new UsageError({
    code: "too-many-snapshots",
    expected: `at most ${MOST_SNAPSHOTS} snapshots (raise --every)`,
    got: String(count),
    where: "--for and --every",
  });
}

function refuseRootBesideScript({ script: asksScript, root }: Asked): void {
  if (!asksScript || root === "/") return;
  throw new UsageError({
    code: "flags-contradict",
    expected: "either --script or a machine to record",
    got: "both --script and --root",
    where: "command line",
  });
}

/**
 * Writes the text to the file if there is one to write, and makes sure that it can before the time is spent and not after it. Where no text
 * comes, everything is left as it was.
 */
async function writing(
  path: string | undefined,
  making: () => Promise<string | undefined>,
): Promise<string | undefined> {
  if (path === undefined) return making();
  const isNew = !existsSync(path);
  orCannotWrite(path, () => closeSync(openSync(path, "a")));
  let isWritten = false;
  try {
    const text = await making();
    if (text === undefined) return undefined;
    orCannotWrite(path, () => writeFileSync(path, text));
    isWritten = true;
    return text;
  } finally {
    if (!isWritten && isNew) rmSync(path);
  }
}

function orCannotWrite(path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    throw new HostError({
      code: "cannot-write",
      expected: "a file that can be written",
      got: fileProblemOf(error, "no such folder"),
      where: path,
    });
  }
}
