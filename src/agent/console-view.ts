import type { AlarmStanding } from "./alarm-watch.ts";
import type { Clock } from "../clock.ts";
import type { AlarmState, ConsoleView, CurrentVerdict, Problem, Sink } from "../console/view.ts";
import { type Host, readText } from "../host/host.ts";
import { readHostSettings } from "../host/settings.ts";
import { type Judgement, spokenVerdict } from "./judge.ts";
import type { PlanWatch } from "./plan-watch.ts";
import type { AgentParts, AgentStatus } from "./service.ts";

/** The running agent, in the words of the console. */
export function consoleViewOf(parts: AgentParts, status: AgentStatus, plans: PlanWatch): ConsoleView {
  const { config, recent, store, host, incidents } = parts;
  const settings = keptFor(SETTINGS_KEPT_MS, parts.clock, () => readHostSettings(host));
  const bootedAtMs = bootTimeOf(host);
  return {
    recent,
    history: store.history,
    latest: () => {
      const { lastSample, lastDelta } = status;
      if (!lastSample) return undefined;
      const softirqPercent = softirqOf(status.judgement);
      return { sample: lastSample, delta: lastDelta, ...(softirqPercent && { softirqPercent }) };
    },
    verdict: () => verdictOf(status),
    incidents: { list: () => incidents.incidents(), readCapture: (name) => incidents.readCapture(name) },
    alarms: () => parts.alarms.standings().map(alarmState),
    drift: () => parts.drift.report,
    plan: () => plans.plan,
    settings,
    identity: () => ({
      instanceId: cloudOf(status)?.instanceId ?? config.instanceId,
      instanceType: undefined,
      region: cloudOf(status)?.regionId ?? config.region,
      bootedAtMs,
    }),
    status: () => ({
      startedAtMs: status.startedAtMs,
      sampleEverySeconds: config.sampleSeconds,
      samples: status.samples,
      sampleErrors: status.sampleErrors,
      sampleProblem: status.sampleProblem,
      sink: sinkOf(status),
      pushes: {
        accepted: status.delivery.accepted + status.delivery.partlyAccepted,
        ambiguousRepeats: status.delivery.ambiguousRepeats,
        givenUp: status.delivery.givenUp,
        queuedBatches: store.queue.length,
        lastAcceptedAtMs: status.lastDeliveredAtMs,
        quotaReached: (status.lastRound?.partlyAccepted ?? 0) > 0,
        problem: pushProblemOf(status),
      },
      webhook: parts.webhook?.status,
      state: {
        dir: parts.stateDir,
        bytes: store.bytes,
        limitBytes: store.limitBytes,
        problem: status.storeProblem,
      },
    }),
  };
}

/** Held over time as CloudMonitor gets it. */
function verdictOf({ judgement, severitySinceMs }: AgentStatus): CurrentVerdict | undefined {
  if (!judgement) return undefined;
  const { verdict, course } = judgement;
  return {
    ...spokenVerdict(judgement),
    losesPackets: verdict.losesPackets,
    severity: course.severity,
    sinceMs: severitySinceMs,
  };
}

function alarmState({ rule, isAlarm, sinceMs, detail }: AlarmStanding): AlarmState {
  return { code: rule.code, name: rule.name, state: isAlarm ? STATE_OF[rule.level] : "ok", sinceMs, detail };
}

const STATE_OF = { INFO: "info", WARN: "warning", CRITICAL: "critical" } as const;

function softirqOf(judgement: Judgement | undefined): ReadonlyMap<number, number> | undefined {
  if (!judgement?.observation) return undefined;
  return new Map(
    judgement.observation.cpus.flatMap(({ cpu, load }): [number, number][] =>
      load ? [[cpu, load.softirqPercent + load.stealPercent]] : [],
    ),
  );
}

/** Settings change when somebody changes them; the page asks each second. */
const SETTINGS_KEPT_MS = 10_000;

function keptFor<T>(ms: number, clock: Clock, read: () => T): () => T {
  let kept: { readonly value: T; readonly untilMs: number } | undefined;
  return () => {
    const nowMs = clock.monotonicMs();
    if (!kept || nowMs >= kept.untilMs) kept = { value: read(), untilMs: nowMs + ms };
    return kept.value;
  };
}

function cloudOf({ sink }: AgentStatus) {
  return sink && "cloud" in sink ? sink : undefined;
}

function sinkOf(status: AgentStatus): Sink {
  const { sink } = status;
  if (sink && "cloud" in sink) return { kind: "cloudmonitor", endpoint: sink.endpoint };
  return {
    kind: "local",
    why: sink?.missing ?? { en: "looking for CloudMonitor", zh: "正在寻找云监控" },
  };
}

function pushProblemOf({ lastRound, lastRoundAtMs }: AgentStatus): Problem | undefined {
  const stopped = lastRound?.stoppedBy;
  if (stopped === undefined || stopped === "signal" || lastRoundAtMs === undefined) return undefined;
  return { atMs: lastRoundAtMs, message: `the last round ended early: ${stopped}` };
}

/** `btime` of `/proc/stat`, epoch milliseconds. */
function bootTimeOf(host: Host): number | undefined {
  const match = /^btime (\d+)$/m.exec(readText(host, "/proc/stat") ?? "");
  return match ? Number(match[1]) * 1000 : undefined;
}
