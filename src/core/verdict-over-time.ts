import { type HostSeverity, SEVERITY_VALUE } from "./finding.ts";
import type { Verdict } from "./verdict.ts";

/**
 * One verdict a host, held over time: raised fast and cleared slowly, so that a fault is one episode however it flickers. Times are
 * of a clock that never steps, in milliseconds.
 */
export interface Course {
  readonly severity: HostSeverity;
  /** Since when it has been so. */
  readonly sinceMs: number;
  /** While the severity is not healthy. */
  readonly episode: Episode | undefined;
  /** For warning and critical: since when each verdict has been at least so bad, or not so bad. */
  readonly trends: Readonly<Record<RaisedSeverity, Trend>>;
  readonly lastMs: number;
}

export interface Episode {
  readonly beganAtMs: number;
  readonly worst: RaisedSeverity;
  /** The last verdict that was as bad as the worst one: what to say about the episode. */
  readonly verdict: Verdict;
}

export type RaisedSeverity = Exclude<HostSeverity, "healthy">;

interface Trend {
  /** Undefined while the verdict is not so bad. */
  readonly reachedSinceMs: number | undefined;
  /** The same, counting only verdicts with lost packets. */
  readonly lossSinceMs: number | undefined;
  /** Undefined while it is. */
  readonly belowSinceMs: number | undefined;
}

/** A change of the held severity: what is told as a custom event. */
export interface VerdictChange {
  readonly event: "softnet_warning" | "softnet_critical" | "softnet_recovered";
  readonly from: HostSeverity;
  readonly to: HostSeverity;
  readonly atMs: number;
  /** The episode that begins, goes on or ends here. */
  readonly episode: Episode;
}

export interface Hysteresis {
  /** Long enough for the second reading of a CPU's time, which tells a burst from an overload. */
  readonly raiseAfterSeconds: number;
  /** Without a lost packet there is no hurry, and squeezes come and go. */
  readonly raiseWithoutLossAfterSeconds: number;
  /** Traffic that hurts comes back within minutes. */
  readonly clearAfterSeconds: number;
  /** Nothing is known of a longer gap between two verdicts. */
  readonly mostGapSeconds: number;
}

/** netdata holds an alarm for up to two hours, rpc-maas none at all; five minutes are one Period 300 of CloudMonitor. */
const DEFAULT_HYSTERESIS: Hysteresis = {
  raiseAfterSeconds: 2,
  raiseWithoutLossAfterSeconds: 60,
  clearAfterSeconds: 300,
  mostGapSeconds: 30,
};

const NO_TREND: Trend = { reachedSinceMs: undefined, lossSinceMs: undefined, belowSinceMs: undefined };

export function newCourse(nowMs: number): Course {
  return {
    severity: "healthy",
    sinceMs: nowMs,
    episode: undefined,
    trends: { warning: NO_TREND, critical: NO_TREND },
    lastMs: nowMs,
  };
}

/** The course after one more verdict, and the change it made, if any. */
export function advance(
  course: Course,
  nowMs: number,
  verdict: Verdict,
  hysteresis: Hysteresis = DEFAULT_HYSTERESIS,
): { readonly course: Course; readonly change: VerdictChange | undefined } {
  const isGap = nowMs - course.lastMs > hysteresis.mostGapSeconds * 1000;
  const trendOf = (severity: RaisedSeverity): Trend =>
    trendAfter(isGap ? NO_TREND : course.trends[severity], severity, nowMs, verdict);
  const trends = { warning: trendOf("warning"), critical: trendOf("critical") };
  const to = severityAfter(course.severity, trends, nowMs, hysteresis);
  const episode = to === "healthy" ? undefined : episodeAfter(course, to, nowMs, verdict);
  if (to === course.severity) {
    return { course: { ...course, episode, trends, lastMs: nowMs }, change: undefined };
  }
  return {
    course: { severity: to, sinceMs: nowMs, episode, trends, lastMs: nowMs },
    change: {
      event: EVENT[to],
      from: course.severity,
      to,
      atMs: nowMs,
      episode: episode ?? course.episode!,
    },
  };
}

const EVENT = {
  healthy: "softnet_recovered",
  warning: "softnet_warning",
  critical: "softnet_critical",
} as const satisfies Record<HostSeverity, VerdictChange["event"]>;

function trendAfter(trend: Trend, severity: RaisedSeverity, nowMs: number, verdict: Verdict): Trend {
  if (SEVERITY_VALUE[verdict.severity] < SEVERITY_VALUE[severity]) {
    return { ...NO_TREND, belowSinceMs: trend.belowSinceMs ?? nowMs };
  }
  return {
    reachedSinceMs: trend.reachedSinceMs ?? nowMs,
    lossSinceMs: verdict.losesPackets ? (trend.lossSinceMs ?? nowMs) : undefined,
    belowSinceMs: undefined,
  };
}

function severityAfter(
  held: HostSeverity,
  trends: Course["trends"],
  nowMs: number,
  hysteresis: Hysteresis,
): HostSeverity {
  const hasLasted = (sinceMs: number | undefined, seconds: number): boolean =>
    sinceMs !== undefined && nowMs - sinceMs >= seconds * 1000;
  // Once packets have been lost for so long, the verdict of the moment counts: it began as a warning while little was known.
  const losesFor = hasLasted(trends.warning.lossSinceMs, hysteresis.raiseAfterSeconds);
  const isRaised = ({ reachedSinceMs }: Trend): boolean =>
    (losesFor && reachedSinceMs !== undefined) ||
    hasLasted(reachedSinceMs, hysteresis.raiseWithoutLossAfterSeconds);
  const isCleared = ({ belowSinceMs }: Trend): boolean =>
    hasLasted(belowSinceMs, hysteresis.clearAfterSeconds);
  for (const severity of ["critical", "warning"] as const) {
    const isHeld = SEVERITY_VALUE[held] >= SEVERITY_VALUE[severity];
    if (isHeld ? !isCleared(trends[severity]) : isRaised(trends[severity])) return severity;
  }
  return "healthy";
}

function episodeAfter(course: Course, to: RaisedSeverity, nowMs: number, verdict: Verdict): Episode {
  const { episode } = course;
  if (episode === undefined) return { beganAtMs: nowMs, worst: to, verdict };
  const worst = SEVERITY_VALUE[to] > SEVERITY_VALUE[episode.worst] ? to : episode.worst;
  return {
    beganAtMs: episode.beganAtMs,
    worst,
    verdict: verdict.severity === worst ? verdict : episode.verdict,
  };
}
