import { createTask } from "node-cron";
import type { Logger } from "pino";

import { type AgentMemory, type AgentWorld, type ClosedMinute, newMemory, resume, tick } from "./agent.ts";
import { memoryOf, stateOf } from "./agent-state.ts";
import type { AlarmWatch } from "./alarm-watch.ts";
import { type Clock, everyStep } from "../clock.ts";
import type { AgentConfig } from "../config.ts";
import { alarmCause, type AlarmWho } from "../core/alarm-document.ts";
import { seriesAtMost } from "../core/cpu-series.ts";
import type { SoftnetDelta } from "../core/delta.ts";
import type { HostSeverity } from "../core/finding.ts";
import type { SeriesSettings } from "../core/metrics.ts";
import { pushDelaySeconds } from "../core/push-delay.ts";
import type { SoftnetSample } from "../core/softnet-sample.ts";
import type { Text } from "../core/text.ts";
import { statisticsOf } from "../core/window.ts";
import {
  deliver,
  type DeliveryMemory,
  type DeliveryReport,
  newDeliveryMemory,
  sleepUnlessAborted,
} from "./delivery.ts";
import type { DriftWatch } from "./drift-watch.ts";
import { EventSender } from "./event-sender.ts";
import { HostError, KnownError, StoreError, UsageError } from "../errors.ts";
import { type Host, readLine } from "../host/host.ts";
import { readSoftnetStat } from "../host/softnet-stat.ts";
import type { IncidentRecorder } from "./incidents.ts";
import { type Judge, type Judgement, spokenVerdict } from "./judge.ts";
import type { CloudSink, NoSink } from "./sink.ts";
import type { RecentPoints } from "../store/recent-points.ts";
import type { Store } from "../store/store.ts";
import type { WebhookSender } from "./webhook-sender.ts";

/** What a running agent is made of. `softnet run` hands over the real parts, the demonstration a replayed host. */
export interface AgentParts {
  readonly host: Host;
  readonly clock: Clock;
  readonly config: AgentConfig;
  readonly store: Store;
  readonly recent: RecentPoints;
  readonly findSink: () => Promise<CloudSink | NoSink>;
  /** Where the store lies; for people. */
  readonly stateDir: string;
  readonly judge: Judge;
  readonly incidents: IncidentRecorder;
  readonly drift: DriftWatch;
  readonly alarms: AlarmWatch;
  /** Undefined where none is set. */
  readonly webhook: WebhookSender | undefined;
  readonly possibleCpus: number | undefined;
  readonly log: Logger;
  /** One line for a person who watches the agent start. */
  readonly say: (line: Text) => void;
  /** Hears of each minute when it is closed. */
  readonly onMinute?: (minute: ClosedMinute) => void;
  /** Hears of each tick, also of one that brought no sample. */
  readonly onTick?: () => Promise<void>;
  /** Hears of each sample, and never of a tick without. */
  readonly onSample?: () => void;
}

/** What the agent counts about itself: `/metrics`, `/healthz` and the console show it. */
export interface AgentStatus {
  readonly startedAtMs: number;
  samples: number;
  sampleErrors: number;
  /** Why the last sample failed; undefined when it did not. */
  sampleProblem: AgentProblem | undefined;
  lastSample: SoftnetSample | undefined;
  lastDelta: SoftnetDelta | undefined;
  judgement: Judgement | undefined;
  /** When the severity became what it is; undefined before its first change. */
  severitySinceMs: number | undefined;
  sink: CloudSink | NoSink | undefined;
  /** Added up over all rounds. */
  delivery: Omit<DeliveryReport, "left" | "stoppedBy">;
  lastDeliveredAtMs: number | undefined;
  lastRound: DeliveryReport | undefined;
  lastRoundAtMs: number | undefined;
  /** Why the disk would not take the last minute; it is tried again with the next one. */
  storeProblem: AgentProblem | undefined;
}

export interface AgentProblem {
  readonly atMs: number;
  /** One line, as it is logged. */
  readonly message: string;
}

export interface RunningAgent {
  readonly status: AgentStatus;
  /** Resolves when the agent was stopped and its state is kept; rejects for a bug. */
  readonly ended: Promise<void>;
}

/** `once` ends with the first window of at least this many samples. */
const SAMPLES_FOR_ONCE = 5;
const ASK_FOR_SINK_SECONDS = 60;
const CHECK_DRIFT_SECONDS = 60;
/** Closed minutes are held this long when the disk is full: as long as CloudMonitor takes them. */
const MOST_UNKEPT_MINUTES = 15;
const MEMORY_KEY = "agent";

/** Samples, closes minutes and pushes until the signal aborts. The open window is then kept for the next process. */
export function startAgent(parts: AgentParts, signal: AbortSignal): RunningAgent {
  const agent = new Agent(parts);
  return { status: agent.status, ended: agent.runUntil(signal) };
}

/**
 * Samples until a window of at least five samples has closed, and sends it without delay.
 *
 * @returns the round of delivery, and undefined where there is no sink: the minute is kept locally.
 */
export async function runOnce(
  parts: AgentParts,
  signal: AbortSignal,
): Promise<{ minute: ClosedMinute | undefined; round: DeliveryReport | undefined }> {
  const agent = new Agent(parts);
  const minute = await agent.sampleOneWindow(signal);
  if (!minute) return { minute, round: undefined };
  const [round] = await Promise.all([agent.deliverNow(signal), agent.tellAllAlarms()]);
  return { minute, round };
}

class Agent {
  readonly status: AgentStatus;
  readonly #parts: AgentParts;
  readonly #world: AgentWorld;
  readonly #deliveryMemory: DeliveryMemory = newDeliveryMemory();
  readonly #unkept: ClosedMinute[] = [];
  readonly #events: EventSender;
  /** Rejected by what no part of the agent foresaw: it then ends, with its state kept. */
  readonly #failed = Promise.withResolvers<never>();
  #memory: AgentMemory | undefined;
  #round: Promise<void> | undefined;
  #onMinute: (minute: ClosedMinute) => void;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    this.#onMinute = parts.onMinute ?? (() => {});
    this.status = {
      startedAtMs: parts.clock.nowMs(),
      samples: 0,
      sampleErrors: 0,
      sampleProblem: undefined,
      lastSample: undefined,
      lastDelta: undefined,
      judgement: undefined,
      severitySinceMs: undefined,
      sink: undefined,
      delivery: {
        accepted: 0,
        partlyAccepted: 0,
        refused: 0,
        givenUp: 0,
        sends: 0,
        ambiguousRepeats: 0,
        retries: 0,
      },
      lastDeliveredAtMs: undefined,
      lastRound: undefined,
      lastRoundAtMs: undefined,
      storeProblem: undefined,
    };
    this.#events = new EventSender(parts.clock, parts.log);
    this.#world = {
      takeSample: () => this.#takeSample(),
      judge: (delta, sample) => this.#judge(delta, sample),
      show: (sample, delta) => {
        this.status.lastSample = sample;
        this.status.lastDelta = delta;
        if (delta) parts.recent.add(delta);
      },
      keep: (minute, memory) => this.#keep(minute, memory),
      series: () => this.#series(),
    };
  }

  async runUntil(signal: AbortSignal): Promise<void> {
    const { config, clock, log } = this.#parts;
    const stopSampling = this.#startSampling();
    const firstSink = this.#findSink();
    firstSink.catch(this.#failed.reject);
    const stopAsking = everyStep(ASK_FOR_SINK_SECONDS, clock, () => {
      this.#findSink().catch(this.#failed.reject);
    });
    const stopTelling = everyStep(config.sampleSeconds, clock, () => {
      this.#events.send(this.#cloud()).catch(this.#failed.reject);
      this.#tellWebhook((webhook) => webhook.send()).catch(this.#failed.reject);
    });
    this.#checkDrift();
    const stopChecking = everyStep(CHECK_DRIFT_SECONDS, clock, () => this.#checkDrift());
    const push = createTask(
      config.pushCron,
      () => this.#deliverAfterDelay(signal).catch(this.#failed.reject),
      {
        noOverlap: true,
        suppressMissedWarning: true,
        logger: cronLogger(log),
      },
    );
    await push.start();
    try {
      await Promise.race([aborted(signal), this.#failed.promise]);
    } finally {
      stopSampling();
      stopAsking();
      stopTelling();
      stopChecking();
      await push.stop();
      await Promise.allSettled([firstSink, this.#round, this.#parts.webhook?.close()]);
      this.#noteIncident(() => this.#parts.incidents.close());
      this.#keepMemory();
    }
  }

  async sampleOneWindow(signal: AbortSignal): Promise<ClosedMinute | undefined> {
    const closed = Promise.withResolvers<ClosedMinute>();
    const heard = this.#onMinute;
    this.#onMinute = (minute) => {
      heard(minute);
      if (statisticsOf(minute.window.all.dropped).sampleCount >= SAMPLES_FOR_ONCE) closed.resolve(minute);
    };
    // Who we are must be known before the window closes, or it would not be queued.
    await this.#findSink();
    const stopSampling = this.#startSampling();
    try {
      return await Promise.race([closed.promise, aborted(signal), this.#failed.promise]);
    } finally {
      stopSampling();
      this.#keepMemory();
    }
  }

  async tellAllAlarms(): Promise<void> {
    await this.#tellWebhook((webhook) => webhook.sendAll());
  }

  /** Undefined where there is no sink. */
  async deliverNow(signal: AbortSignal): Promise<DeliveryReport | undefined> {
    await (this.#round ??= this.#deliver(signal).finally(() => {
      this.#round = undefined;
    }));
    return this.status.lastRound;
  }

  #startSampling(): () => void {
    this.#sampleOnce();
    return everyStep(this.#parts.config.sampleSeconds, this.#parts.clock, () => {
      this.#tickOnce().catch(this.#failed.reject);
    });
  }

  async #tickOnce(): Promise<void> {
    this.#sampleOnce();
    await this.#parts.onTick?.();
  }

  #checkDrift(): void {
    try {
      this.#parts.drift.check();
    } catch (bug) {
      this.#failed.reject(bug);
    }
  }

  #takeSample(): SoftnetSample {
    const { host, clock } = this.#parts;
    return readSoftnetStat(host, { takenAtMs: clock.nowMs(), monotonicMs: clock.monotonicMs() });
  }

  #sampleOnce(): void {
    const { config, clock, log } = this.#parts;
    try {
      this.#memory ??= this.#beginMemory();
      tick(this.#memory, this.#world, config);
      this.status.samples++;
      if (this.status.samples === 1) {
        const { cpus, columns } = this.status.lastSample!;
        log.info(`First sample: ${cpus.length} CPUs, ${columns} columns`);
      }
      this.status.sampleProblem = undefined;
      this.#parts.onSample?.();
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      this.status.sampleErrors++;
      const { message } = error;
      if (this.status.sampleProblem?.message !== message) log.warn(`No sample: ${message}`);
      this.status.sampleProblem = { atMs: clock.nowMs(), message };
    }
  }

  /** Continues what the last process left behind, if it is of any use. */
  #beginMemory(): AgentMemory {
    const left = memoryOf(this.#parts.store.values.read(MEMORY_KEY));
    return left ? resume(left, this.#takeSample(), this.#world, this.#parts.config) : newMemory();
  }

  #judge(delta: SoftnetDelta, sample: SoftnetSample): HostSeverity {
    const { judge, log } = this.#parts;
    const judgement = judge.judge(delta, sample);
    this.status.judgement = judgement;
    const { change } = judgement;
    if (change) {
      this.status.severitySinceMs = sample.takenAtMs;
      const first = change.episode.verdict.findings[0];
      log.warn(
        { event: change.event, from: change.from, code: first?.code },
        first?.summary.en ?? change.event,
      );
      this.#events.add(change, sample.takenAtMs, this.#series());
    }
    this.#noteIncident(() => this.#parts.incidents.note(delta, change));
    return judgement.severity;
  }

  /** A full disk costs a capture and not the verdict. */
  #noteIncident(note: () => void): void {
    try {
      note();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#parts.log.error(`No capture of the incident: ${error.message}`);
    }
  }

  #cloud(): CloudSink | undefined {
    const { sink } = this.status;
    return sink && "cloud" in sink ? sink : undefined;
  }

  #series(): SeriesSettings | undefined {
    const sink = this.#cloud();
    if (!sink) return undefined;
    const { groupId, hostSeries } = this.#parts.config;
    return { instanceId: sink.instanceId, groupId, hostSeries };
  }

  /** One transaction a minute; what the disk would not take is tried again with the next one. */
  #keep(minute: ClosedMinute, memory: AgentMemory): void {
    const { store, clock, log, alarms, webhook } = this.#parts;
    this.#unkept.push(minute);
    this.#noteAlarms(minute);
    try {
      store.inOneTransaction(() => {
        for (const { window, severities, batches } of this.#unkept) {
          store.history.add(window, Math.max(0, ...severities));
          store.queue.add(window.startMs, batches);
        }
        store.values.write(MEMORY_KEY, stateOf(memory));
        alarms.save();
        webhook?.save();
      });
      this.#unkept.length = 0;
      this.status.storeProblem = undefined;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.error(`A closed minute waits in memory: ${error.message}`);
      this.status.storeProblem = { atMs: clock.nowMs(), message: error.message };
      if (this.#unkept.length > MOST_UNKEPT_MINUTES) this.#unkept.shift();
    }
    this.#onMinute(minute);
  }

  #noteAlarms(minute: ClosedMinute): void {
    const { alarms, webhook, host, config } = this.#parts;
    const { judgement } = this.status;
    const cause = judgement && alarmCause(spokenVerdict(judgement));
    const who: AlarmWho = {
      instanceId: this.#cloud()?.instanceId ?? config.instanceId,
      hostname: readLine(host, "/proc/sys/kernel/hostname"),
    };
    const documents = alarms.note(minute, cause, who);
    webhook?.add(documents);
  }

  async #tellWebhook(tell: (webhook: WebhookSender) => Promise<void>): Promise<void> {
    const { webhook, log } = this.#parts;
    try {
      if (webhook) await tell(webhook);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.error(`An alarm may be told twice: ${error.message}`);
    }
  }

  #keepMemory(): void {
    const { store, log } = this.#parts;
    if (!this.#memory) return;
    try {
      store.values.write(MEMORY_KEY, stateOf(this.#memory));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.error(`The open minute is lost: ${error.message}`);
    }
  }

  async #findSink(): Promise<void> {
    const before = this.status.sink;
    if (before && !("missing" in before)) return;
    const { config, log, say, possibleCpus } = this.#parts;
    const found = await this.#askForSink();
    this.status.sink = found;
    if ("missing" in found) {
      if (before && "missing" in before && before.missing.en === found.missing.en) return;
      say({
        en: `sink     local history only: ${found.missing.en}`,
        zh: `输出     仅保存在本地：${found.missing.zh}`,
      });
      log.info(`Running locally: ${found.missing.en}`);
      return;
    }
    const series = seriesAtMost(config, possibleCpus ?? 1);
    say({
      en: `sink     CloudMonitor in ${found.regionId} as ${found.instanceId}, at most ${series} series`,
      zh: `输出     云监控 ${found.regionId}，实例 ${found.instanceId}，最多 ${series} 条时间序列`,
    });
    log.info(
      { series },
      `Pushing to CloudMonitor in ${found.regionId} as ${found.instanceId}: this configuration takes at most ${series} series of the account's quota`,
    );
  }

  /** A setting that cannot work ends the agent when it starts; later, and for anything else, it runs locally and says why. */
  async #askForSink(): Promise<CloudSink | NoSink> {
    try {
      return await this.#parts.findSink();
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      if (error instanceof UsageError && !this.status.sink) throw error;
      return { missing: { en: error.message, zh: error.message } };
    }
  }

  async #deliverAfterDelay(signal: AbortSignal): Promise<void> {
    const sink = this.#cloud();
    if (!sink) return;
    // The minute that has just ended closes with the next sample: never send before it.
    const seconds = Math.max(pushDelaySeconds(sink.instanceId), 1.5 * this.#parts.config.sampleSeconds);
    await sleepUnlessAborted(seconds * 1000, signal);
    if (!signal.aborted) await this.deliverNow(signal);
  }

  async #deliver(signal: AbortSignal): Promise<void> {
    try {
      await this.#deliverRound(signal);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#parts.log.error(`The queue cannot be used: ${error.message}`);
    }
  }

  async #deliverRound(signal: AbortSignal): Promise<void> {
    const { store, clock, config, log } = this.#parts;
    const sink = this.#cloud();
    if (!sink) return;
    const report = await deliver(
      store.queue,
      {
        put: (entries) => sink.cloud.putMetrics(entries),
        nowMs: clock.nowMs,
        sleep: sleepUnlessAborted,
        random: Math.random,
        log,
        signal,
      },
      config,
      this.#deliveryMemory,
    );
    this.status.lastRound = report;
    this.status.lastRoundAtMs = clock.nowMs();
    for (const key of Object.keys(this.status.delivery) as (keyof AgentStatus["delivery"])[]) {
      this.status.delivery[key] += report[key];
    }
    if (report.accepted + report.partlyAccepted > 0) this.status.lastDeliveredAtMs = clock.nowMs();
    log.debug({ report }, "Delivered");
  }
}

/** node-cron has a voice of its own; it speaks through ours. */
function cronLogger(log: Logger) {
  return {
    info: (message: string) => log.debug(message),
    debug: (message: string | Error) => log.debug(String(message)),
    warn: (message: string) => log.warn(message),
    error: (message: string | Error, error?: Error) => log.error(error ?? message, "The push failed"),
  };
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
