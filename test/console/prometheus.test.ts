import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { metricsText } from "../../src/console/prometheus.ts";
import { BACKLOG_DRIFT, DROPPED_ALARM, SimulatedHost, WEBHOOK } from "./simulated-host.ts";

/** What node_exporter 1.5 to 1.8 calls them (collector/softnet_linux.go). */
const NODE_EXPORTER_NAMES = [
  "node_softnet_processed_total",
  "node_softnet_dropped_total",
  "node_softnet_times_squeezed_total",
  "node_softnet_cpu_collision_total",
  "node_softnet_received_rps_total",
  "node_softnet_flow_limit_count_total",
  "node_softnet_backlog_len",
];

/** Reads the text format strictly: HELP and TYPE once before the samples of a name, every series once, a line's end at the end. */
function parsed(text: string) {
  assert.ok(text.endsWith("\n"));
  const types = new Map<string, string>();
  const series = new Map<string, number>();
  let current = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const help = /^# HELP ([a-z_]+) \S.*$/.exec(line);
    const type = /^# TYPE ([a-z_]+) (counter|gauge)$/.exec(line);
    const sample = /^([a-z_]+)(\{[a-z]+="[^"\\\n]*"\})? (-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/.exec(line);
    if (help) {
      current = help[1]!;
      assert.ok(!types.has(current), `${current} begins twice`);
    } else if (type) {
      assert.equal(type[1], current);
      types.set(current, type[2]!);
    } else {
      assert.ok(sample, `not the text format: ${line}`);
      assert.equal(sample[1], current);
      const name = `${sample[1]}${sample[2] ?? ""}`;
      assert.ok(!series.has(name), `${name} comes twice`);
      series.set(name, Number(sample[3]));
    }
  }
  return { types, series };
}

describe("/metrics", () => {
  test("has node_exporter's names and label, and the kernel's numbers", () => {
    using host = new SimulatedHost({ cpus: 3 });
    host.tick({ dropped: { 2: 4_000_000_000 }, squeezed: { 1: 7 }, backlog: { 0: 12 }, processed: 100 });
    const { types, series } = parsed(metricsText(host.view, host.nowMs));
    assert.deepEqual(
      [...types.keys()].filter((name) => name.startsWith("node_")),
      [...NODE_EXPORTER_NAMES, "node_softnet_input_qlen", "node_softnet_process_qlen"],
    );
    for (const name of NODE_EXPORTER_NAMES) {
      assert.equal(types.get(name), name.endsWith("_total") ? "counter" : "gauge");
      for (const cpu of [0, 1, 2]) assert.ok(series.has(`${name}{cpu="${cpu}"}`), name);
    }
    assert.equal(series.get('node_softnet_dropped_total{cpu="2"}'), 4_000_000_000);
    assert.equal(series.get('node_softnet_times_squeezed_total{cpu="1"}'), 7);
    assert.equal(series.get('node_softnet_backlog_len{cpu="0"}'), 12);
  });

  test("have no severity before the first verdict", () => {
    using host = new SimulatedHost();
    const severity = () => parsed(metricsText(host.view, host.nowMs)).series.get("softnet_severity");
    assert.equal(severity(), 0);
    host.isMeasuring = true;
    assert.equal(severity(), undefined);
  });

  test("counts what is no longer as a remedy set it, and does not call 0 what nobody can tell", () => {
    using host = new SimulatedHost();
    const drift = () => parsed(metricsText(host.view, host.nowMs)).series.get("softnet_remedy_drift");
    assert.equal(drift(), undefined);
    host.more.drift = () => ({ settings: [], problem: undefined });
    assert.equal(drift(), 0);
    host.more.drift = () => ({ settings: [BACKLOG_DRIFT], problem: undefined });
    assert.equal(drift(), 1);
    host.more.drift = () => ({ settings: [], problem: "not a journal" });
    assert.equal(drift(), undefined);
  });

  test("tells which rules are alarms, and what became of them at the webhook", () => {
    using host = new SimulatedHost();
    const names = () => [...parsed(metricsText(host.view, host.nowMs)).types.keys()];
    assert.ok(
      !names().some((name) => name.startsWith("softnet_alarm") || name.startsWith("softnet_webhook")),
    );
    host.more.alarms = () => DROPPED_ALARM;
    host.status = { ...host.status, webhook: WEBHOOK };
    const { series } = parsed(metricsText(host.view, host.nowMs));
    assert.deepEqual(
      ['softnet_alarm{alarm="critical"}', 'softnet_alarm{alarm="dropped"}'].map((name) => series.get(name)),
      [0, 1],
    );
    assert.deepEqual(
      ["told_total", "given_up_total", "waiting"].map((name) => series.get(`softnet_webhook_${name}`)),
      [3, 1, 2],
    );
  });

  const widths: { columns: number; absent: string[] }[] = [
    {
      columns: 9,
      absent: ["received_rps_total", "flow_limit_count_total", "backlog_len", "input_qlen", "process_qlen"],
    },
    { columns: 10, absent: ["flow_limit_count_total", "backlog_len", "input_qlen", "process_qlen"] },
    { columns: 11, absent: ["backlog_len", "input_qlen", "process_qlen"] },
    { columns: 13, absent: ["input_qlen", "process_qlen"] },
    { columns: 15, absent: [] },
  ];
  for (const { columns, absent } of widths) {
    test(`leaves out what a kernel with ${columns} columns does not print`, () => {
      using host = new SimulatedHost({ columns });
      host.tick();
      const { types } = parsed(metricsText(host.view, host.nowMs));
      const all = [...NODE_EXPORTER_NAMES, "node_softnet_input_qlen", "node_softnet_process_qlen"];
      assert.deepEqual(
        all.filter((name) => !types.has(name)),
        absent.map((name) => `node_softnet_${name}`),
      );
    });
  }

  test("tells of the agent itself", () => {
    using host = new SimulatedHost();
    host.tick();
    host.verdict = { ...host.verdict, severity: "critical" };
    host.status = {
      ...host.status,
      sampleErrors: 3,
      sink: { kind: "cloudmonitor", endpoint: "cms-vpc.cn-hangzhou.aliyuncs.com" },
      pushes: {
        accepted: 12,
        ambiguousRepeats: 2,
        givenUp: 1,
        queuedBatches: 4,
        lastAcceptedAtMs: host.nowMs - 30_000,
        quotaReached: true,
        problem: undefined,
      },
    };
    const { series } = parsed(metricsText(host.view, host.nowMs + 500));
    const own = Object.fromEntries([...series].filter(([name]) => name.startsWith("softnet_")));
    assert.match(Object.keys(own)[0]!, /^softnet_build_info\{version="\d+\.\d+\.\d+"\}$/);
    assert.deepEqual(Object.fromEntries(Object.entries(own).slice(1)), {
      softnet_severity: 2,
      softnet_samples_total: 1,
      softnet_sample_errors_total: 3,
      softnet_last_sample_age_seconds: 0.5,
      softnet_sink_cloudmonitor: 1,
      softnet_pushes_total: 12,
      softnet_push_ambiguous_repeats_total: 2,
      softnet_batches_given_up_total: 1,
      softnet_queued_batches: 4,
      softnet_quota_reached: 1,
      softnet_last_push_age_seconds: 30.5,
      softnet_state_bytes: 1_840_000,
      softnet_state_limit_bytes: 64_000_000,
    });
  });

  test("before the first sample tells of the agent alone", () => {
    using host = new SimulatedHost();
    host.latest = undefined;
    const { types } = parsed(metricsText(host.view, host.nowMs));
    assert.ok(types.has("softnet_samples_total"));
    assert.deepEqual(
      [...types.keys()].filter((name) => name.startsWith("node_") || name.includes("age")),
      [],
    );
  });
});
