import assert from "node:assert/strict";
import { test } from "node:test";

import { eventOf } from "../../src/core/event-content.ts";
import type { Evidence, Finding } from "../../src/core/finding.ts";
import type { VerdictChange } from "../../src/core/verdict-over-time.ts";

function change(evidence: Readonly<Record<string, Evidence>>, to: "critical" | "healthy"): VerdictChange {
  const finding: Finding = {
    code: "backlog-too-small",
    severity: "critical",
    confidence: 0.9,
    summary: { en: "CPU 0 drops 250 packets/s.", zh: "CPU 0 每秒丢弃 250 个数据包。" },
    evidence,
    remedy: "backlog",
  };
  const verdict = {
    severity: "critical",
    findings: [finding],
    losesPackets: true,
    cannotHelp: [],
    elsewhere: [],
  } as const;
  return {
    event: to === "healthy" ? "softnet_recovered" : "softnet_critical",
    from: to === "healthy" ? "critical" : "healthy",
    to,
    atMs: 90_000,
    episode: { beganAtMs: 30_000, worst: "critical", verdict },
  };
}

const WHO = { instanceId: "i-1", groupId: 7 };

test("an event says what is lost, where, how to mend it, and the numbers without needless digits", () => {
  const evidence = { cpus: [0, 1], droppedPerSecond: 250.01773130697282, interfaces: ["eth0"] };
  assert.deepEqual(eventOf(change(evidence, "critical"), 1795348800000, WHO), {
    name: "softnet_critical",
    groupId: "7",
    atMs: 1795348800000,
    content:
      "i-1: CPU 0 drops 250 packets/s. CPU 0 每秒丢弃 250 个数据包。 fix: sudo softnet remedy apply; " +
      "evidence: cpus=0/1 droppedPerSecond=250.018 interfaces=eth0",
  });
});

test("an event of a finding that none of our commands fixes names none", () => {
  const { episode, ...rest } = change({ cpus: [1] }, "critical");
  const findings = episode.verdict.findings.map((finding) => ({ ...finding, remedy: null }));
  const unmended = { ...rest, episode: { ...episode, verdict: { ...episode.verdict, findings } } };
  assert.equal(
    eventOf(unmended, 0, WHO).content,
    "i-1: CPU 0 drops 250 packets/s. CPU 0 每秒丢弃 250 个数据包。 evidence: cpus=1",
  );
});

test("an event that is too long loses numbers and keeps the command", () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`evidence${i}`, i]));
  const { content } = eventOf(change(many, "critical"), 0, WHO);
  assert.equal(content.length, 900);
  assert.match(content, /fix: sudo softnet remedy apply; evidence: /);
});

test("an event of recovery says what it was and how long it lasted", () => {
  assert.equal(
    eventOf(change({}, "healthy"), 0, WHO).content,
    "i-1: no more loss. It was backlog-too-small for 60 s. 已恢复，不再丢包。",
  );
});
