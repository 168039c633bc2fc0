import { parse, validate } from "node-cron";

import { firesOftenEnough, minutesApart } from "../core/cron.ts";

export const PUSH_CRON_EXPECTED =
  "a cron expression that fires once in a minute at most and every 15 minutes at least, all day";

/** Seconds are ours: a cron that fires each second would cost tens of megabytes, and one that rests at night would lose it. */
export function isPushCron(cron: string): boolean {
  return validate(cron) && firesOftenEnough(parse(cron));
}

/** How many minutes pass between two pushes at the most; undefined for a cron that the agent would refuse. */
export function pushMinutesApart(cron: string): number | undefined {
  return isPushCron(cron) ? minutesApart(parse(cron)) : undefined;
}
