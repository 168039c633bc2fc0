/** The fleet's calls are spread over this long, so that a thousand agents do not all call at second 0 of the minute. */
const SPREAD_SECONDS = 45;

/** The same instance always waits the same time: 0 to 44 seconds, by FNV-1a over its id. */
export function pushDelaySeconds(instanceId: string): number {
  let hash = 0x811c9dc5;
  for (const character of instanceId) {
    hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
  }
  return (hash >>> 0) % SPREAD_SECONDS;
}
