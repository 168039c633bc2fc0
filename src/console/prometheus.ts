import { SEVERITY_VALUE } from "../core/finding.ts";
import {
  COLUMN,
  hasBacklogLen,
  hasFlowLimitCount,
  hasReceivedRps,
  type SoftnetSample,
  wordAt,
} from "../core/softnet-sample.ts";
import { version } from "../version.ts";
import type { ConsoleView } from "./view.ts";

export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

interface KernelMetric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly column: number;
  readonly isPrinted: (columns: number) => boolean;
}

const always = (): boolean => true;
const hasColumn =
  (column: number) =>
  (columns: number): boolean =>
    columns > column;

/**
 * node_exporter's names and label, so that its dashboards and rules work; the last two are ours, named alike.
 *
 * Source for the names: collector/softnet_linux.go of node_exporter 1.5 to 1.8.
 */
const KERNEL_METRICS: readonly KernelMetric[] = [
  {
    name: "node_softnet_processed_total",
    type: "counter",
    help: "Packets taken from the NIC or the backlog",
    column: COLUMN.processed,
    isPrinted: always,
  },
  {
    name: "node_softnet_dropped_total",
    type: "counter",
    help: "Packets thrown away because the backlog was full or a flow was over its limit",
    column: COLUMN.dropped,
    isPrinted: always,
  },
  {
    name: "node_softnet_times_squeezed_total",
    type: "counter",
    help: "Passes that ended by budget or time with packets left",
    column: COLUMN.timeSqueeze,
    isPrinted: always,
  },
  {
    name: "node_softnet_cpu_collision_total",
    type: "counter",
    help: "Collisions on the device lock while sending; zero since Linux 4",
    column: COLUMN.cpuCollision,
    isPrinted: always,
  },
  {
    name: "node_softnet_received_rps_total",
    type: "counter",
    help: "Wake-ups of this CPU by RPS",
    column: COLUMN.receivedRps,
    isPrinted: hasReceivedRps,
  },
  {
    name: "node_softnet_flow_limit_count_total",
    type: "counter",
    help: "Packets thrown away because one flow filled more than its share of the backlog",
    column: COLUMN.flowLimitCount,
    isPrinted: hasFlowLimitCount,
  },
  {
    name: "node_softnet_backlog_len",
    type: "gauge",
    help: "Packets waiting in the backlog",
    column: COLUMN.backlogLen,
    isPrinted: hasBacklogLen,
  },
  {
    name: "node_softnet_input_qlen",
    type: "gauge",
    help: "Packets of the backlog that have just arrived",
    column: COLUMN.inputQlen,
    isPrinted: hasColumn(COLUMN.inputQlen),
  },
  {
    name: "node_softnet_process_qlen",
    type: "gauge",
    help: "Packets of the backlog that are being worked on",
    column: COLUMN.processQlen,
    isPrinted: hasColumn(COLUMN.processQlen),
  },
];

/** Everything of `/metrics`: the kernel's counters as the last sample had them, and the agent about itself. */
export function metricsText(view: ConsoleView, nowMs: number): string {
  const latest = view.latest();
  const lines: string[] = [];
  if (latest) for (const metric of KERNEL_METRICS) pushKernelMetric(lines, metric, latest.sample);
  pushAgentMetrics(lines, view, nowMs);
  return `${lines.join("\n")}\n`;
}

function pushKernelMetric(lines: string[], metric: KernelMetric, sample: SoftnetSample): void {
  if (!metric.isPrinted(sample.columns)) return;
  lines.push(`# HELP ${metric.name} ${metric.help}`, `# TYPE ${metric.name} ${metric.type}`);
  for (let row = 0; row < sample.cpus.length; row++) {
    lines.push(`${metric.name}{cpu="${sample.cpus[row]}"} ${wordAt(sample, row, metric.column)}`);
  }
}

function pushAgentMetrics(lines: string[], view: ConsoleView, nowMs: number): void {
  const { samples, sampleErrors, pushes, webhook, state, sink } = view.status();
  const latest = view.latest();
  const verdict = view.verdict();
  const push = (
    name: string,
    type: "counter" | "gauge",
    help: string,
    value: number | undefined,
    labels = "",
  ): void => {
    if (value === undefined) return;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, `${name}${labels} ${value}`);
  };
  const ageSeconds = (atMs: number | undefined): number | undefined =>
    atMs === undefined ? undefined : Math.max(0, (nowMs - atMs) / 1000);

  push("softnet_build_info", "gauge", "Version of the agent", 1, `{version="${version}"}`);
  push(
    "softnet_severity",
    "gauge",
    "Verdict: 0 healthy, 1 warning, 2 critical",
    verdict && SEVERITY_VALUE[verdict.severity],
  );
  push("softnet_samples_total", "counter", "Samples taken", samples);
  push("softnet_sample_errors_total", "counter", "Samples that failed", sampleErrors);
  push(
    "softnet_last_sample_age_seconds",
    "gauge",
    "Age of the last good sample",
    ageSeconds(latest?.sample.takenAtMs),
  );
  push(
    "softnet_sink_cloudmonitor",
    "gauge",
    "1 while points go to CloudMonitor",
    sink.kind === "local" ? 0 : 1,
  );
  push("softnet_pushes_total", "counter", "Calls that CloudMonitor accepted", pushes.accepted);
  push(
    "softnet_push_ambiguous_repeats_total",
    "counter",
    "Calls repeated because nobody knows whether the first one arrived",
    pushes.ambiguousRepeats,
  );
  push("softnet_batches_given_up_total", "counter", "Batches that became too old to be sent", pushes.givenUp);
  push("softnet_queued_batches", "gauge", "Batches that wait for CloudMonitor", pushes.queuedBatches);
  push(
    "softnet_quota_reached",
    "gauge",
    "1 while CloudMonitor takes only a part for want of series",
    pushes.quotaReached ? 1 : 0,
  );
  push(
    "softnet_last_push_age_seconds",
    "gauge",
    "Time since CloudMonitor last accepted a call",
    ageSeconds(pushes.lastAcceptedAtMs),
  );
  const alarms = view.alarms?.() ?? [];
  if (alarms.length > 0) {
    lines.push("# HELP softnet_alarm 1 while the rule is an alarm", "# TYPE softnet_alarm gauge");
    for (const { code, state: level } of alarms) {
      lines.push(`softnet_alarm{alarm="${code}"} ${level === "ok" ? 0 : 1}`);
    }
  }
  push("softnet_webhook_told_total", "counter", "Alarms that the webhook took", webhook?.delivered);
  push(
    "softnet_webhook_given_up_total",
    "counter",
    "Alarms that the webhook did not take for all the tries",
    webhook?.givenUp,
  );
  push("softnet_webhook_waiting", "gauge", "Alarms that wait for the webhook", webhook?.waiting);
  const drift = view.drift?.();
  push(
    "softnet_remedy_drift",
    "gauge",
    "Settings and files that are no longer as softnet remedy set them",
    drift && drift.problem === undefined ? drift.settings.length : undefined,
  );
  push("softnet_state_bytes", "gauge", "Size of history and queue on disk", state.bytes);
  push("softnet_state_limit_bytes", "gauge", "What history and queue may take on disk", state.limitBytes);
  const { user, system } = process.cpuUsage();
  push("process_cpu_seconds_total", "counter", "CPU time of the agent", (user + system) / 1e6);
  push("process_resident_memory_bytes", "gauge", "Resident memory of the agent", process.memoryUsage.rss());
}
