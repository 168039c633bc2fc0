import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * For node:test's `skip` option: false when all these programs are there, else the line that says which is not.
 *
 * @throws Error where `npm test` has installed what the tests need: there a skipped test would be a hole that nobody sees.
 */
export function skipWithout(...programs: readonly string[]): string | false {
  const missing = programs.filter((program) => !isOnPath(program));
  if (missing.length === 0) return false;
  const reason = `needs ${missing.join(", ")}`;
  if (process.env["SOFTNET_TEST_SKIP_NOTHING"] === "1") throw new Error(reason);
  return reason;
}

export function skipWithoutRoot(): string | false {
  return process.getuid?.() === 0 ? false : "needs root";
}

function isOnPath(program: string): boolean {
  // A user's PATH may lack what only root runs.
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => existsSync(join(folder, program)));
}
