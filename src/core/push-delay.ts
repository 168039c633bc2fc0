import { fnv1a } from "./fnv.ts";

/** The fleet's calls are spread over this long, so that a thousand agents do not all call at second 0 of the minute. */
const SPREAD_SECONDS = 45;

/** The same instance always waits the same time: 0 to 44 seconds, by a hash of its id. */
export function pushDelaySeconds(instanceId: string): number {
  return fnv1a(instanceId) % SPREAD_SECONDS;
}
