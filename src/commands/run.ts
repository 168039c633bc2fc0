import { join } from "node:path";

import type { Logger } from "pino";

import type { ClosedMinute } from "../agent/agent.ts";
import { AlarmWatch } from "../agent/alarm-watch.ts";
import { systemClock } from "../clock.ts";
import { type CommonOptions, defineVerb, type Io } from "../terminal/command.ts";
import { AGENT_OPTIONS, type AgentConfig } from "../config.ts";
import { alarmRules } from "../core/alarm-rules.ts";
import { firstBootProblem } from "../core/first-boot.ts";
import { toThousandths } from "../core/rounding.ts";
import type { Text } from "../core/text.ts";
import { statisticsOf } from "../core/window.ts";
import type { DeliveryReport } from "../agent/delivery.ts";
import { DriftWatch } from "../agent/drift-watch.ts";
import { HostError, UsageError } from "../errors.ts";
import { parseCpuList } from "../host/cpu-list.ts";
import { readFirstBootReport } from "../host/first-boot.ts";
import { type Host, readLine } from "../host/host.ts";
import { Machine } from "../host/machine.ts";
import { readSoftnetStat } from "../host/softnet-stat.ts";
import { leanRuntime } from "../lean-runtime.ts";
import { createLogger } from "../logger.ts";
import { type Incident, IncidentRecorder, type IncidentShelf } from "../agent/incidents.ts";
import { Judge } from "../agent/judge.ts";
import { isPushCron, PUSH_CRON_EXPECTED } from "../agent/push-cron.ts";
import { runWithConsole } from "../agent/run-with-console.ts";
import { type AgentParts, runOnce } from "../agent/service.ts";
import { refuseNoSink, sinkFinder } from "../agent/sink.ts";
import { RecentPoints } from "../store/recent-points.ts";
import { lockStateDir, openStateDir } from "../store/state-dir.ts";
import { Store } from "../store/store.ts";
import { version } from "../version.ts";
import type { WebhookSender } from "../agent/webhook-sender.ts";

export default defineVerb({
  name: "run",
  summary: {
    en: "the agent: samples, keeps history, pushes, serves the console",
    zh: "agent：采样、保存历史、推送指标、提供控制台",
  },
  details: {
    en: "With --json one document for each minute, on one line.\nExits with 0 when it is stopped, 2 when it cannot start. With --once: 0 delivered or stored locally, 1 queued only, 2 cannot start.",
    zh: "使用 --json 时每分钟输出一行，每行一个文档。\n退出码：0 被停止，2 无法启动。使用 --once 时：0 已送达或已保存在本地，1 仅在队列中，2 无法启动。",
  },
  options: {
    ...AGENT_OPTIONS,
    once: {
      flag: "once",
      isSwitch: true,
      help: {
        en: "send one window at the next minute boundary that leaves it 5 samples, and exit",
        zh: "在下一个能留出 5 个样本的整分钟发送一个窗口，然后退出",
      },
    },
  },
  run: (options, io) => runVerb(options, io),
});

type RunOptions = AgentConfig & CommonOptions & { readonly once: boolean };

async function runVerb(options: RunOptions, io: Io): Promise<number> {
  refuseRareCron(options.pushCron);
  using machine = new Machine(options.root);
  refuseWithoutCounters(machine, options.once);
  const possibleCpus = parseCpuList(readLine(machine, "/sys/devices/system/cpu/possible") ?? "")?.length;
  leanRuntime(possibleCpus ?? 1);
  const findSink = sinkFinder(options, io.env);
  if (options.sink === "cloudmonitor") refuseNoSink(await findSink());
  const dir = openStateDir(options.stateDir, io.env);
  using _lock = lockStateDir(dir);
  const log = createLogger(options.logLevel);
  using store = new Store({ dir, limitMb: options.stateMb, notice: (line) => log.warn(line) });
  const say = (line: Text): void => {
    if (!options.json) io.stdout(`${line[options.lang]}\n`);
  };
  say(greeting(machine));
  say({ en: `state    ${dir}`, zh: `状态     ${dir}` });
  const problem = firstBootProblem(readFirstBootReport(machine));
  if (problem) {
    say({ en: `problem  ${problem.en}`, zh: `问题     ${problem.zh}` });
    log.warn(`The setup is not complete: ${problem.en} (softnet doctor says what mends it)`);
  }
  const webhook = await webhookTo(options.webhook, store, log);
  const parts: AgentParts = {
    host: machine,
    clock: systemClock,
    config: options,
    store,
    stateDir: dir,
    recent: new RecentPoints(),
    judge: new Judge(machine),
    incidents: new IncidentRecorder({
      host: machine,
      clock: systemClock,
      shelf: shelfIn(store),
      dir: join(dir, "captures"),
    }),
    drift: new DriftWatch({ host: machine, dir: options.remedyDir, log }),
    alarms: new AlarmWatch({
      rules: alarmRules({ withSqueezed: false }),
      shelf: {
        read: () => store.values.read(ALARMS_KEY),
        write: (alarms) => store.values.write(ALARMS_KEY, alarms),
      },
      log,
    }),
    webhook,
    findSink,
    possibleCpus,
    log,
    say,
    onMinute: (minute) => {
      if (options.json) io.stdout(`${JSON.stringify({ schemaVersion: 1, ...summaryOf(minute) })}\n`);
    },
  };
  // Awaited here, or the store would be closed under the agent.
  return await (options.once ? sendOneWindow(parts, io) : serve(parts, io));
}

async function serve(parts: AgentParts, io: Io): Promise<number> {
  const onSample = await signsOfLife(parts, io);
  await runWithConsole({ ...parts, ...(onSample && { onSample }) }, io.signal);
  return 0;
}

/** For the service manager that started us, if it was one. @returns what is to be called after each sample. */
async function signsOfLife({ clock, log }: AgentParts, io: Io): Promise<(() => void) | undefined> {
  if (!io.env["NOTIFY_SOCKET"]) return undefined;
  const { serviceManager, tellSystemd } = await import("../agent/service-manager.ts");
  const manager = serviceManager(io.env, clock, (assignments) =>
    tellSystemd(assignments, (reason) => log.warn(reason)),
  );
  io.signal.addEventListener("abort", () => manager.stopping(), { once: true });
  return manager.alive;
}

/** @returns 0 delivered or kept locally, 1 queued only. */
async function sendOneWindow(parts: AgentParts, io: Io): Promise<number> {
  const { minute, round } = await runOnce(parts, io.signal);
  if (minute) parts.say(onceLine(minute, round));
  return round && round.left > 0 ? 1 : 0;
}

const INCIDENTS_KEY = "incidents";
const ALARMS_KEY = "alarms";
const WEBHOOK_KEY = "webhook";

/** An agent that tells nobody does without. */
async function webhookTo(
  url: string | undefined,
  store: Store,
  log: Logger,
): Promise<WebhookSender | undefined> {
  if (url === undefined) return undefined;
  const { openWebhook } = await import("../agent/webhook-sender.ts");
  const shelf = {
    read: () => store.values.read(WEBHOOK_KEY),
    write: (waiting: unknown) => store.values.write(WEBHOOK_KEY, waiting),
  };
  return openWebhook(url, { clock: systemClock, log, shelf });
}

function shelfIn(store: Store): IncidentShelf {
  return {
    read: () => (store.values.read(INCIDENTS_KEY) ?? []) as readonly Incident[],
    write: (incidents) => store.values.write(INCIDENTS_KEY, incidents),
  };
}

function refuseRareCron(cron: string): void {
  if (isPushCron(cron)) return;
  throw new UsageError({
    code: "bad-value",
    expected: PUSH_CRON_EXPECTED,
    got: JSON.stringify(cron),
    where: "--push-cron (SOFTNET_PUSH_CRON)",
  });
}

/** What is torn may be whole a second later, which the agent waits for; one window would wait for ever, and a file that is not there does not come. */
function refuseWithoutCounters(machine: Machine, isOnce: boolean): void {
  try {
    readSoftnetStat(machine, { takenAtMs: systemClock.nowMs(), monotonicMs: systemClock.monotonicMs() });
  } catch (error) {
    const isForEver = isOnce || (error instanceof HostError && error.code === "softnet-stat-absent");
    if (isForEver || !(error instanceof HostError)) throw error;
  }
}

function greeting(host: Host): Text {
  const name = readLine(host, "/proc/sys/kernel/hostname") ?? "?";
  const release = readLine(host, "/proc/sys/kernel/osrelease") ?? "?";
  const cpus = parseCpuList(readLine(host, "/sys/devices/system/cpu/online") ?? "")?.length ?? "?";
  return {
    en: `softnet  ${version} on ${name}: ${cpus} CPUs, Linux ${release}`,
    zh: `softnet  ${version}，主机 ${name}：${cpus} 个 CPU，Linux ${release}`,
  };
}

/** One line a minute for whoever reads the agent's standard output by machine. */
function summaryOf({ window, severities }: ClosedMinute): Readonly<Record<string, unknown>> {
  return {
    minute: new Date(window.startMs).toISOString(),
    elapsedSeconds: toThousandths(window.elapsedSeconds),
    dropped: statisticsOf(window.all.dropped),
    squeezed: statisticsOf(window.all.squeezed),
    severity: Math.max(0, ...severities),
  };
}

function onceLine({ window }: ClosedMinute, round: DeliveryReport | undefined): Text {
  const dropped = statisticsOf(window.all.dropped).sum;
  const squeezed = statisticsOf(window.all.squeezed).sum;
  const minute = new Date(window.startMs).toISOString().slice(0, 16);
  const fate: Text = round
    ? round.left > 0
      ? { en: `${round.left} calls wait in the queue`, zh: `${round.left} 个请求仍在队列中` }
      : { en: "delivered to CloudMonitor", zh: "已送达云监控" }
    : { en: "kept in the local history", zh: "已保存在本地历史中" };
  return {
    en: `${minute}Z  ${dropped} dropped, ${squeezed} squeezed: ${fate.en}`,
    zh: `${minute}Z  丢弃 ${dropped}，squeezed ${squeezed}：${fate.zh}`,
  };
}
