import { systemClock } from "./clock.ts";
import type { CommonOptions, Io } from "./terminal/command.ts";
import { type NoObservation, type Observation, observe } from "./core/observation.ts";
import { HostError, UsageError } from "./errors.ts";
import { readCapture } from "./host/capture.ts";
import { Machine } from "./host/machine.ts";
import { readHostSettings } from "./host/settings.ts";
import { nonEmpty, type Option, wholeNumber } from "./options.ts";
import { readingsOfCapture, sampleMachine, waitUnlessAborted } from "./sampling.ts";

/** Unless `--for` says it. */
export const FOR_SECONDS = 10;

export const forSeconds: Option<number | undefined> = {
  flag: "for",
  placeholder: "SECONDS",
  ...wholeNumber({ min: 1, max: 3600 }),
  fallback: undefined,
  help: {
    en: `how long to watch this machine (default ${FOR_SECONDS})`,
    zh: `观察本机多少秒（默认 ${FOR_SECONDS}）`,
  },
};

export const from: Option<string | undefined> = {
  flag: "from",
  placeholder: "CAPTURE",
  ...nonEmpty("a capture file, or - for standard input"),
  fallback: undefined,
  help: {
    en: "judge a capture in place of this machine; - reads standard input",
    zh: "分析抓取文件而不是本机；- 表示标准输入",
  },
};

/** What a verb that watches a machine, or judges a capture, was asked for. */
export interface Asked extends CommonOptions {
  readonly forSeconds: number | undefined;
  readonly from: string | undefined;
}

/**
 * Watches the machine that was asked for, with its progress on a terminal, or reads the capture.
 *
 * @param everyMs time between two samples of a machine.
 * @returns undefined when a signal came first.
 * @throws HostError when it cannot tell; UsageError when the flags contradict.
 */
export async function observationOf(
  asked: Asked,
  io: Io,
  everyMs?: number,
): Promise<Observation | undefined> {
  if (asked.from === undefined) return observationOfMachine(asked, io, everyMs);
  refuseBesideCapture(asked);
  const { snapshots } = readCapture(asked.from);
  return observed(observe(readingsOfCapture(snapshots), readHostSettings(snapshots[0])), asked.from);
}

async function observationOfMachine(
  asked: Asked,
  io: Io,
  everyMs?: number,
): Promise<Observation | undefined> {
  using machine = new Machine(asked.root);
  const seconds = asked.forSeconds ?? FOR_SECONDS;
  const showsProgress = io.isTerminal && !asked.json;
  const world = { clock: systemClock, wait: waitUnlessAborted };
  const onProgress = (passed: number): void => {
    if (showsProgress) io.stderr(`\r${PROGRESS[asked.lang]} ${passed}/${seconds} s`);
  };
  const readings = await sampleMachine(machine, seconds, io.signal, world, onProgress, everyMs);
  if (showsProgress) io.stderr("\r\u001b[K");
  if (io.signal.aborted) return undefined;
  return observed(
    observe(readings, readHostSettings(machine)),
    asked.root === "/" ? "this machine" : asked.root,
  );
}

const PROGRESS = { en: "measuring", zh: "正在测量" };

function refuseBesideCapture({ forSeconds: seconds, root }: Asked): void {
  const beside = seconds === undefined ? (root === "/" ? undefined : "--root") : "--for";
  if (beside === undefined) return;
  throw new UsageError({
    code: "flags-contradict",
    expected: "either --from or a machine to watch",
    got: `both --from and ${beside}`,
    where: "command line",
  });
}

function observed(observation: Observation | NoObservation, where: string): Observation {
  if (observation.kind === "observation") return observation;
  throw new HostError({
    code: "cannot-tell",
    expected: "two readings of the same counters",
    got: GOT[observation.kind],
    where,
  });
}

const GOT: Readonly<Record<NoObservation["kind"], string>> = {
  "too-few-readings": "one",
  rebooted: "a reboot between them",
  "no-time-passed": "two of the same moment",
  "columns-changed": "another kernel's columns in the second",
};
