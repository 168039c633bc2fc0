import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

import * as v from "valibot";

import { MAX_SCRIPT_BYTES } from "../core/remedy-script.ts";
import { EXIT } from "../core/script/prelude.ts";
import { RemedyError } from "../errors.ts";

/** @throws RemedyError for a script that Cloud Assistant would not take: what runs here is what runs there. */
export function fitting(script: string): string {
  const bytes = Buffer.byteLength(script);
  if (bytes <= MAX_SCRIPT_BYTES) return script;
  throw new RemedyError({
    code: "script-too-long",
    expected: `at most ${MAX_SCRIPT_BYTES} bytes of script (--device names one interface, --rps off leaves masks alone)`,
    got: `${bytes}, since its queues have many different masks`,
    where: "the script of this plan",
  });
}

/** The line of JSON that every script ends with. */
export interface ScriptResult {
  readonly exitCode: number;
  readonly message: string;
  readonly changed: readonly string[];
  /** What could not be put back, or was not ours any more. */
  readonly left: readonly string[];
}

const resultLine = v.object({
  exitCode: v.number(),
  message: v.string(),
  changed: v.array(v.string()),
  left: v.array(v.string()),
});

/**
 * Runs a rendered script by /bin/sh. It has no more of our environment than it needs.
 *
 * @param stateDir where its journal lies.
 * @throws RemedyError when it did not end as scripts do.
 */
export async function runScript(script: string, stateDir: string): Promise<ScriptResult> {
  const child = spawn("/bin/sh", ["-c", script, "softnet-remedy"], {
    env: { SOFTNET_REMEDY_DIR: stateDir },
    cwd: "/",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? signal));
  });
  const [how, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  const parsed = v.safeParse(resultLine, jsonOf(stdout.trimEnd().split("\n").at(-1) ?? ""));
  if (parsed.success) return parsed.output;
  throw new RemedyError({
    code: "script-broke",
    expected: "a last line of JSON",
    got: `an end with ${how}: ${stderr.trim().split("\n").at(-1) || "nothing said"}`,
    where: "/bin/sh",
  });
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const COMPLAINTS: Readonly<Record<number, { readonly code: string; readonly expected: string }>> = {
  [EXIT.left]: { code: "left", expected: "to put everything back" },
  [EXIT.changedMeanwhile]: { code: "changed-meanwhile", expected: "settings as they were planned for" },
  [EXIT.notAllowed]: { code: "not-allowed", expected: "the right to change them" },
  [EXIT.refused]: { code: "refused", expected: "values that the kernel takes" },
  [EXIT.cannotWrite]: { code: "cannot-write", expected: "room and place for the files" },
  [EXIT.busy]: { code: "busy", expected: "no other run at work" },
  [EXIT.badJournal]: { code: "bad-journal", expected: "a journal that is ours alone" },
};

/** @throws RemedyError for a script that did not do what it should have. */
export function succeeded(result: ScriptResult, where: string): ScriptResult {
  if (result.exitCode === EXIT.done) return result;
  const complaint = COMPLAINTS[result.exitCode] ?? { code: "script-broke", expected: "a known end" };
  const left = result.left.length > 0 ? `, and not put back: ${result.left.join(", ")}` : "";
  throw new RemedyError({ ...complaint, got: `${result.message}${left}`, where });
}
