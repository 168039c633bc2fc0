import { parse, validate } from "node-cron";

import { firesOftenEnough } from "../core/cron.ts";

export const PUSH_CRON_EXPECTED =
  "a cron expression that fires once in a minute at most and every 15 minutes at least, all day";

/** Seconds are ours: a cron that fires each second would cost tens of megabytes, and one that rests at night would lose it. */
export function isPushCron(cron: string): boolean {
  return validate(cron) && firesOftenEnough(parse(cron));
}
