import * as v from "valibot";

import { AGENT_OPTIONS } from "../config.ts";
import type { Option } from "../options.ts";
import { isPushCron, PUSH_CRON_EXPECTED } from "./push-cron.ts";

/** What the agent would have expected; undefined where it takes the value. */
export function refusedAs(option: Option<unknown>, value: string): string | undefined {
  if (!v.is(option.schema, value)) return option.expected;
  return option.env === AGENT_OPTIONS.pushCron.env && !isPushCron(value) ? PUSH_CRON_EXPECTED : undefined;
}

/** A value as a complaint shows it. */
export function shownValue(option: Option<unknown>, value: string): string {
  return option.isSecret ? "something else" : JSON.stringify(value);
}
