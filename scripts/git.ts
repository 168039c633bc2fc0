import { spawnSync } from "node:child_process";

/** The commit that the checkout is at, in eight digits; undefined where this is no checkout. */
export function commitOfCheckout(): string | undefined {
  return gitOutput("rev-parse", "--short=8", "HEAD");
}

/** When that commit was made, in seconds since the epoch: what is built of it bears this date, whenever it is built. */
export function commitSeconds(): number | undefined {
  const text = process.env["SOURCE_DATE_EPOCH"] ?? gitOutput("log", "-1", "--format=%ct");
  return text === undefined ? undefined : Number(text);
}

function gitOutput(...args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync("git", args, { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
