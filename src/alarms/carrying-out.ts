import type { AlarmsAtHand } from "./preparing.ts";
import { exitCodeOfSignal, type Io } from "../terminal/command.ts";
import { isAgreed, notAgreed } from "../terminal/consent.ts";
import type { AlarmStep } from "../core/alarm-steps.ts";
import type { Language, Text } from "../core/text.ts";

interface Asked {
  readonly verb: string;
  readonly yes: boolean;
  readonly json: boolean;
  readonly lang: Language;
  /** What is about to be done; shown before the question. */
  readonly planText: string;
  readonly question: Text;
}

/** Fewer steps are done before a person wonders; and a fleet's thousands are no page of lines. */
const STEPS_A_LINE = 20;
const MOST_LINES = 20;

/**
 * Asks, then takes the steps one after the other and says how far it is.
 *
 * @returns the exit code of the signal that ended it early; undefined when all is done.
 * @throws UsageError `declined`; KnownError of the step that failed, after saying how many are done.
 */
export async function carryOutAsked(
  steps: readonly AlarmStep[],
  { alarms }: AlarmsAtHand,
  asked: Asked,
  io: Io,
): Promise<number | undefined> {
  const { lang } = asked;
  if (!asked.json || !asked.yes) io.stderr(asked.planText);
  if (!(await isAgreed(asked.question, asked.yes, lang, io))) return notAgreed(asked.verb, io);
  const say = (line: Text): void => io.stderr(`softnet: ${line[lang]}\n`);
  const stepsALine = Math.max(STEPS_A_LINE, Math.ceil(steps.length / MOST_LINES));
  let done = 0;
  try {
    await alarms.carryOut(steps, (count) => {
      const isTold = Math.floor(count / stepsALine) > Math.floor(done / stepsALine);
      done = count;
      if (isTold)
        say({ en: `${done} of ${steps.length} changes made`, zh: `已完成 ${done}/${steps.length} 项改动` });
      return !io.signal.aborted;
    });
  } catch (error) {
    say(unfinished(done, steps.length));
    throw error;
  }
  if (done === steps.length) return undefined;
  say(unfinished(done, steps.length));
  return exitCodeOfSignal(io.signal);
}

function unfinished(done: number, all: number): Text {
  return {
    en: `${done} of ${all} changes made. Run it again: it goes on from there.`,
    zh: `已完成 ${done}/${all} 项改动。再次执行即可从此处继续。`,
  };
}
