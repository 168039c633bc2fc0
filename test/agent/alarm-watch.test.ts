import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { AlarmWatch } from "../../src/agent/alarm-watch.ts";
import type { AlarmCause } from "../../src/core/alarm-document.ts";
import { alarmRules } from "../../src/core/alarm-rules.ts";
import { minuteOf } from "../store/windows.ts";

const NOON_MS = Date.UTC(2026, 10, 22, 12);
const WHO = { instanceId: "i-bp1", hostname: "web-17" };
const CAUSE: AlarmCause = {
  finding: "cpu-bottleneck",
  summary: { en: "CPU 1 cannot keep up.", zh: "CPU 1 处理不过来。" },
  evidence: { droppedPerSecond: 992, cpus: [1] },
  fix: "sudo softnet remedy apply",
};

/** A state directory that outlives the watches on it. */
function kept() {
  let stored: string | undefined;
  const logged: string[] = [];
  const note = (line: unknown): void => void logged.push(String(line));
  return {
    logged,
    store: (alarms: unknown) => (stored = JSON.stringify(alarms)),
    watch: () =>
      new AlarmWatch({
        rules: alarmRules({ withSqueezed: false }),
        shelf: {
          read: () => (stored === undefined ? undefined : JSON.parse(stored)),
          write: (alarms) => (stored = JSON.stringify(alarms)),
        },
        log: { info: note, warn: note },
      }),
  };
}

function minute(at: number, dropped: number, severity: number) {
  return {
    window: minuteOf(NOON_MS + at * 60_000, { dropped: { 1: dropped } }),
    severities: [0, severity],
    batches: [],
  };
}

describe("the alarms of this machine", () => {
  test("tell what is lost, where, since when, why, and what fixes it", () => {
    const watch = kept().watch();
    const [document, ...others] = watch.note(minute(0, 992, 2), CAUSE, WHO);
    assert.deepEqual(others, []);
    assert.deepEqual(document, {
      schemaVersion: 1,
      id: `softnet-critical-critical-i-bp1-${NOON_MS + 60_000}`,
      alarm: "critical",
      level: "CRITICAL",
      state: "alarm",
      repeated: false,
      instanceId: "i-bp1",
      hostname: "web-17",
      since: "2026-11-22T12:00:00.000Z",
      at: "2026-11-22T12:01:00.000Z",
      rule: {
        metricName: "softnet_severity",
        statistic: "Maximum",
        comparisonOperator: ">=",
        threshold: 2,
        evaluationCount: 1,
        value: 2,
      },
      finding: "cpu-bottleneck",
      summary: {
        en: "i-bp1: the kernel keeps dropping packets. CPU 1 cannot keep up.",
        zh: "i-bp1：内核持续丢包。CPU 1 处理不过来。",
      },
      evidence: { droppedPerSecond: 992, cpus: [1] },
      fix: "sudo softnet remedy apply",
    });
  });

  test("tell of the recovery what it was about, in another process too", () => {
    const machine = kept();
    const first = machine.watch();
    for (const at of [0, 1, 2]) first.note(minute(at, 5, 1), CAUSE, WHO);
    first.save();

    const second = machine.watch();
    assert.deepEqual(
      second.standings().map(({ rule, isAlarm, sinceMs }) => [rule.code, isAlarm, sinceMs]),
      [
        ["critical", false, undefined],
        ["dropped", true, NOON_MS],
      ],
    );
    assert.deepEqual(second.note(minute(3, 5, 1), undefined, WHO), [], "it was told by the first");
    const [document] = second.note(minute(4, 0, 1), undefined, { instanceId: undefined, hostname: "web-17" });
    assert.deepEqual(
      [
        document?.state,
        document?.alarm,
        document?.finding,
        document?.since,
        document?.fix,
        document?.summary,
      ],
      [
        "recovered",
        "dropped",
        "cpu-bottleneck",
        "2026-11-22T12:00:00.000Z",
        null,
        {
          en: "web-17: recovered after 4 min: the kernel drops packets.",
          zh: "web-17：已恢复，持续了 4 分钟：内核丢弃数据包。",
        },
      ],
    );
    assert.deepEqual(machine.logged, [
      "Alarm WARN dropped: i-bp1: the kernel drops packets. CPU 1 cannot keep up.",
      "Alarm WARN dropped: web-17: recovered after 4 min: the kernel drops packets.",
    ]);
  });

  test("begin anew where what was kept is damaged or of another version", () => {
    for (const stored of [{ alarmsVersion: 2, rules: {} }, { alarmsVersion: 1, rules: { dropped: {} } }, 7]) {
      const machine = kept();
      machine.store(stored);
      assert.ok(
        machine
          .watch()
          .standings()
          .every(({ isAlarm }) => !isAlarm),
      );
    }
  });

  test("say how far a row has come", () => {
    const watch = kept().watch();
    const detail = () => watch.standings().find(({ rule }) => rule.code === "dropped")!.detail;
    assert.equal(detail().en, "raised by dropped packets in 3 minutes in a row");
    watch.note(minute(0, 5, 1), CAUSE, WHO);
    watch.note(minute(1, 5, 1), CAUSE, WHO);
    assert.equal(detail().en, "raised by dropped packets in 3 minutes in a row (2 so far)");
    assert.equal(detail().zh, "连续 3 分钟有丢包时报警（已有 2 分钟）");
  });
});
