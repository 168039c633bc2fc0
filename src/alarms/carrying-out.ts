import { changesDocument } from "./document.ts";
import type { AlarmsAtHand } from "./preparing.ts";
import { alarmDoneText, alarmPlanText, type Note, unreadNote } from "./text.ts";
import { exitCodeOfSignal, type Io } from "../terminal/command.ts";
import { isAgreed, notAgreed } from "../terminal/consent.ts";
import type { AlarmStep, RuleStep } from "../core/alarm-steps.ts";
import type { Language, Text } from "../core/text.ts";
import { KnownError } from "../errors.ts";
import { lookAt } from "../terminal/look.ts";

interface Asked {
  readonly verb: string;
  readonly yes: boolean;
  readonly json: boolean;
  readonly lang: Language;
  readonly question: Text;
}

/** What is about to be done; shown before the question. */
interface Changes {
  readonly steps: readonly AlarmStep[];
  /** What waits until a paused rule is resumed. */
  readonly deferred?: readonly RuleStep[];
  readonly notes: readonly Note[];
  /** Said where there is nothing to do. */
  readonly nothing: Text;
  /** What has to be known once it is done, where that is not what was known before. */
  readonly notesAfter?: () => Promise<readonly Note[]>;
}

/** Fewer steps are done before a person wonders; and a fleet's thousands are no page of lines. */
const STEPS_A_LINE = 20;
const MOST_LINES = 20;

/**
 * What every verb does that changes the account: it ends where there is nothing to do, else it asks, takes the steps, and says how it went.
 *
 * @returns the exit code.
 * @throws UsageError `declined`; KnownError of the step that failed, after saying how many are done.
 */
export async function makeChanges(
  { steps, deferred = [], notes, nothing, notesAfter }: Changes,
  at: AlarmsAtHand,
  asked: Asked,
  io: Io,
): Promise<number> {
  const { json, lang } = asked;
  const look = lookAt(lang, io);
  const planText = alarmPlanText({ steps, deferred, notes, nothing, command: undefined }, look);
  if (steps.length === 0) {
    const result = deferred.length === 0 ? "in-step" : "planned";
    io.stdout(json ? changesDocument(result, steps, deferred, notes, lang) : planText);
    return 0;
  }
  if (!json || !asked.yes) io.stderr(planText);
  if (!(await isAgreed(asked.question, asked.yes, lang, io))) return notAgreed(asked.verb, io);
  const cut = await carryOut(steps, at, lang, io);
  if (cut !== undefined) return cut;
  const known = notesAfter ? await notesOr(notes, notesAfter) : notes;
  io.stdout(
    json ? changesDocument("done", steps, deferred, known, lang) : alarmDoneText(steps.length, known, look),
  );
  return 0;
}

/** What was known before, where it cannot be read anew: everything is done all the same. */
async function notesOr(
  before: readonly Note[],
  notesAfter: () => Promise<readonly Note[]>,
): Promise<readonly Note[]> {
  try {
    return await notesAfter();
  } catch (error) {
    if (error instanceof KnownError) return [...before, unreadNote(error.message)];
    throw error;
  }
}

/** Takes the steps one after the other and says how far it is. @returns the exit code of the signal that ended it early. */
async function carryOut(
  steps: readonly AlarmStep[],
  { alarms }: AlarmsAtHand,
  lang: Language,
  io: Io,
): Promise<number | undefined> {
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
    const isOfSite = error instanceof KnownError && error.code === "site-refused";
    say((isOfSite ? unfinishedAtSite : unfinished)(done, steps.length));
    throw error;
  }
  if (done === steps.length) return undefined;
  say(unfinished(done, steps.length));
  return exitCodeOfSignal(io.signal);
}

/** Run again as it is, it would be refused again. */
function unfinishedAtSite(done: number, all: number): Text {
  return {
    en: `${done} of ${all} changes made. With --site intl, where that is the account's site, it goes on from there.`,
    zh: `已完成 ${done}/${all} 项改动。如果账号属于国际站，加上 --site intl 即可从此处继续。`,
  };
}

function unfinished(done: number, all: number): Text {
  return {
    en: `${done} of ${all} changes made. Run it again: it goes on from there.`,
    zh: `已完成 ${done}/${all} 项改动。再次执行即可从此处继续。`,
  };
}
