import { exitCodeOfSignal, type Io } from "./command.ts";
import type { Language, Text } from "../core/text.ts";
import { UsageError } from "../errors.ts";
import type { Switch } from "../options.ts";

/** Of every verb that changes something. */
export const yes: Switch = {
  flag: "yes",
  isSwitch: true,
  help: { en: "do not ask", zh: "不询问" },
};

/** @throws UsageError where nobody could be asked later: before anything is measured or changed. */
export function refuseWithoutConsent(isYes: boolean, io: Io, verb: string): void {
  if (isYes || io.canAsk) return;
  throw new UsageError({
    code: "consent-missing",
    expected: "--yes, or a terminal to ask on",
    got: "neither",
    where: verb,
  });
}

/** @throws UsageError for anybody but root, with the line that does it. */
export function refuseWithoutRoot(io: Io, verb: string): void {
  if (io.isRoot) return;
  // sudo passes on no environment by itself.
  const env = Object.entries(io.env).flatMap(([name, value]) =>
    name.startsWith("SOFTNET_") && value ? [`${name}=${value}`] : [],
  );
  const line = ["sudo", ...env, ...io.commandLine].map(quoted).join(" ");
  // At the line's end, where it can be copied.
  throw new UsageError({ code: "not-root", expected: "root", got: `another user: ${line}`, where: verb });
}

/** For a shell. */
export function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** True for --yes, and for a yes that was typed; anything else is a no. */
export async function isAgreed(question: Text, isYes: boolean, lang: Language, io: Io): Promise<boolean> {
  if (isYes) return true;
  const answer = await io.ask(`${question[lang]} [y/N] `);
  // Whatever ended the question left the cursor behind it.
  if (answer === undefined) io.stderr("\n");
  return /^\s*(y|yes|是)\s*$/i.test(answer ?? "");
}

/**
 * How a verb ends that nobody agreed to.
 *
 * @returns the exit code of the signal that came in place of an answer.
 * @throws UsageError where the answer was no.
 */
export function notAgreed(verb: string, io: Io): number {
  if (io.signal.aborted) return exitCodeOfSignal(io.signal);
  throw new UsageError({ code: "declined", expected: "yes", got: "no", where: verb });
}
