import { execFile } from "node:child_process";

import type { Clock } from "../clock.ts";

/** systemd, as far as it wants to hear of us. */
export interface ServiceManager {
  /** To be called after each sample that succeeded and from nowhere else: an agent that no longer samples shall be restarted. */
  readonly alive: () => void;
  readonly stopping: () => void;
}

/** Life signs in the time after which systemd would take us for hung: two of them may be lost. */
const SIGNS_PER_WATCHDOG = 3;
const SECOND_MS = 1000;

/**
 * Tells systemd that the agent is ready with its first sample, and that it lives with those after.
 *
 * Before systemd 246 a datagram is lost when its sender has ended before it is read. So the first signs come after 1, 2, 4, … seconds, and each
 * of them says again that we are ready.
 *
 * @param env what systemd set: `WATCHDOG_USEC`, where there is a watchdog.
 * @param tell sends such assignments as `READY=1`.
 */
export function serviceManager(
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  tell: (assignments: readonly string[]) => void,
): ServiceManager {
  const longestWaitMs = Number(env["WATCHDOG_USEC"] ?? Infinity) / 1000 / SIGNS_PER_WATCHDOG;
  let waitMs = Math.min(SECOND_MS, longestWaitMs);
  let nextSignMs = -Infinity;
  return {
    alive: () => {
      const nowMs = clock.monotonicMs();
      if (nowMs < nextSignMs) return;
      tell(["READY=1", "WATCHDOG=1"]);
      nextSignMs = nowMs + waitMs;
      waitMs = Math.min(2 * waitMs, longestWaitMs);
    },
    stopping: () => tell(["STOPPING=1"]),
  };
}

/**
 * By a child, since Node has no datagrams of AF_UNIX: 4 ms.
 *
 * @param failed gets one line why systemd did not hear of it.
 */
export function tellSystemd(assignments: readonly string[], failed: (reason: string) => void): void {
  execFile("systemd-notify", assignments, (error) => {
    if (error) failed(`systemd-notify ${assignments.join(" ")}: ${error.message.trim().split("\n")[0]}`);
  });
}
