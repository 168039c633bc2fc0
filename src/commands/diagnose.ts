import { systemClock } from "../clock.ts";
import { type CommonOptions, defineVerb, exitCodeOfSignal, type Io } from "../command.ts";
import { diagnosisDocument } from "../core/diagnosis.ts";
import { type NoObservation, type Observation, observe } from "../core/observation.ts";
import { verdictOf } from "../core/verdict.ts";
import { diagnosisText } from "../diagnosis-text.ts";
import { HostError, UsageError } from "../errors.ts";
import { readCapture } from "../host/capture.ts";
import { Machine } from "../host/machine.ts";
import { readHostSettings } from "../host/settings.ts";
import { nonEmpty, type Option, wholeNumber } from "../options.ts";
import { readingsOfCapture, sampleMachine, waitUnlessAborted } from "../sampling.ts";

const FOR_SECONDS = 10;

const forSeconds: Option<number | undefined> = {
  flag: "for",
  placeholder: "SECONDS",
  ...wholeNumber({ min: 1, max: 3600 }),
  fallback: undefined,
  help: {
    en: `how long to watch this machine (default ${FOR_SECONDS})`,
    zh: `观察本机多少秒（默认 ${FOR_SECONDS}）`,
  },
};

const from: Option<string | undefined> = {
  flag: "from",
  placeholder: "CAPTURE",
  ...nonEmpty("a capture file, or - for standard input"),
  fallback: undefined,
  help: {
    en: "judge a capture in place of this machine; - reads standard input",
    zh: "分析抓取文件而不是本机；- 表示标准输入",
  },
};

export default defineVerb({
  name: "diagnose",
  summary: {
    en: "say whether packets are lost between NIC and sockets, why, and what helps",
    zh: "判断网卡与套接字之间是否丢包、为什么、怎样解决",
  },
  details: {
    en: "Exits with 0 when healthy, 1 with findings, 2 when it could not tell.",
    zh: "退出码：0 健康，1 有发现，2 无法判断。",
  },
  options: { forSeconds, from },
  run: async (options, io) => {
    const observation = await observationOf(options, io);
    if (observation === undefined) return exitCodeOfSignal(io.signal);

    const verdict = verdictOf(observation);
    io.stdout(
      options.json
        ? `${JSON.stringify(diagnosisDocument(observation, verdict, options.lang))}\n`
        : diagnosisText(observation, verdict, {
            lang: options.lang,
            columns: io.columns,
            colours: io.isTerminal && !io.env["NO_COLOR"],
            capture: options.from,
          }),
    );
    return verdict.findings.length === 0 ? 0 : 1;
  },
});

interface Asked extends CommonOptions {
  readonly forSeconds: number | undefined;
  readonly from: string | undefined;
}

/** Undefined when a signal came first. */
async function observationOf(asked: Asked, io: Io): Promise<Observation | undefined> {
  if (asked.from === undefined) return observationOfMachine(asked, io);
  refuseBesideCapture(asked);
  const { snapshots } = readCapture(asked.from);
  return observed(observe(readingsOfCapture(snapshots), readHostSettings(snapshots[0])), asked.from);
}

async function observationOfMachine(asked: Asked, io: Io): Promise<Observation | undefined> {
  using machine = new Machine(asked.root);
  const seconds = asked.forSeconds ?? FOR_SECONDS;
  const showsProgress = io.isTerminal && !asked.json;
  const world = { clock: systemClock, wait: waitUnlessAborted };
  const readings = await sampleMachine(machine, seconds, io.signal, world, (passed) => {
    if (showsProgress) io.stderr(`\r${PROGRESS[asked.lang]} ${passed}/${seconds} s`);
  });
  if (showsProgress) io.stderr("\r\u001b[K");
  if (io.signal.aborted) return undefined;
  return observed(observe(readings, readHostSettings(machine)), "this machine");
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
