import { type AnyVerb, type Io, languageOf } from "./terminal/command.ts";
import type { Text } from "./core/text.ts";
import { KnownError, UsageError } from "./errors.ts";
import { overallHelp, verbHelp } from "./terminal/help.ts";
import { versionLine } from "./version.ts";

interface VerbEntry {
  readonly name: string;
  /** Loaded when it is called: the agent must not carry what only an operator needs. */
  readonly load: () => Promise<AnyVerb>;
}

/** In the order in which somebody comes to need them. */
export const VERBS: readonly VerbEntry[] = [
  { name: "run", load: async () => (await import("./commands/run.ts")).default },
  { name: "watch", load: async () => (await import("./commands/watch.ts")).default },
  { name: "diagnose", load: async () => (await import("./commands/diagnose.ts")).default },
  { name: "capture", load: async () => (await import("./commands/capture.ts")).default },
  { name: "remedy plan", load: async () => (await import("./commands/remedy-plan.ts")).default },
  { name: "remedy apply", load: async () => (await import("./commands/remedy-apply.ts")).default },
  { name: "remedy undo", load: async () => (await import("./commands/remedy-undo.ts")).default },
  { name: "remedy status", load: async () => (await import("./commands/remedy-status.ts")).default },
  { name: "alarms plan", load: async () => (await import("./commands/alarms-plan.ts")).default },
  { name: "alarms apply", load: async () => (await import("./commands/alarms-apply.ts")).default },
  { name: "alarms status", load: async () => (await import("./commands/alarms-status.ts")).default },
  { name: "alarms pause", load: async () => (await import("./commands/alarms-pause.ts")).default },
  { name: "alarms resume", load: async () => (await import("./commands/alarms-resume.ts")).default },
  { name: "alarms destroy", load: async () => (await import("./commands/alarms-destroy.ts")).default },
  { name: "doctor", load: async () => (await import("./commands/doctor.ts")).default },
  { name: "cloud-init", load: async () => (await import("./commands/cloud-init.ts")).default },
];

/** Runs one command line. @returns the exit code. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    const { code, expected, got, where } = error;
    if (args.includes("--json")) {
      io.stdout(`${JSON.stringify({ schemaVersion: 1, error: { code, expected, got, where } })}\n`);
    }
    io.stderr(`softnet: ${error.message}\n`);
    return 2;
  }
}

async function dispatch(given: readonly string[], io: Io): Promise<number> {
  const args = asVerbFirst(given);
  if (args[0] === "--version" || args[0] === "-V") {
    io.stdout(`softnet ${versionLine(process.versions.node)}\n`);
    return 0;
  }
  const [first = "--help", second = ""] = args;
  const entries = isHelp(first) ? VERBS : isHelp(second) ? verbsUnder(first) : [];
  if (entries.length > 0) {
    const verbs = await Promise.all(entries.map(({ load }) => load()));
    io.stdout(overallHelp(verbs, languageAsked(args, io), io.columns));
    return 0;
  }
  const { entry, rest } = findVerb(args);
  const verb = await entry.load();
  if (rest.some(isHelp)) {
    io.stdout(verbHelp(verb, languageAsked(rest, io), io.columns));
    return 0;
  }
  return verb.start(rest, io);
}

/** `softnet --lang zh watch` is `softnet watch --lang zh`, and `softnet help watch` is `softnet watch --help`. */
function asVerbFirst(args: readonly string[]): readonly string[] {
  const langWords = args[0] === "--lang" ? 2 : args[0]?.startsWith("--lang=") ? 1 : 0;
  const [first = "help", ...rest] = args.slice(langWords);
  const lang = args.slice(0, langWords);
  return first === "help" ? [...rest, "--help", ...lang] : [first, ...rest, ...lang];
}

function isHelp(word: string): boolean {
  return word === "--help" || word === "-h";
}

/** `remedy plan` and its like, for `remedy`. */
function verbsUnder(word: string): readonly VerbEntry[] {
  return VERBS.filter(({ name }) => name.startsWith(`${word} `));
}

/** A verb is one word or two (`remedy plan`). */
function findVerb(args: readonly string[]): { entry: VerbEntry; rest: readonly string[] } {
  for (const words of [2, 1]) {
    const entry = VERBS.find(({ name }) => name === args.slice(0, words).join(" "));
    if (entry) return { entry, rest: args.slice(words) };
  }
  const under = verbsUnder(args[0]!);
  const known = under.length > 0 ? under : VERBS;
  throw new UsageError({
    code: "unknown-verb",
    expected: `one of: ${known.map(({ name }) => name).join(", ")}`,
    got: under.length > 0 ? args.slice(0, 2).join(" ") : args[0]!,
    where: "command line",
  });
}

/** Help is shown before the options are parsed, and in the language that was asked for. */
function languageAsked(args: readonly string[], io: Io): keyof Text {
  const words = args.flatMap((arg) => (arg.startsWith("--lang=") ? arg.split("=") : arg));
  const asked = words.includes("--lang") ? words[words.indexOf("--lang") + 1] : undefined;
  return asked === "en" || asked === "zh" ? asked : languageOf(io.env);
}
