import assert from "node:assert/strict";
import { test } from "node:test";

import {
  alarmDimension,
  alarmRuleId,
  alarmRules,
  FLEET_EVENT_RULE,
  isBreached,
} from "../../src/core/alarm-rules.ts";

/** The contract's table: metric, statistic, operator, threshold, times, level. */
const CONTRACT = {
  dropped: "softnet_dropped_per_second Maximum > 0 x 3 WARN",
  critical: "softnet_severity Maximum >= 2 x 1 CRITICAL",
  squeezed: "softnet_squeezed_per_second Average > 1000 x 10 INFO",
};

for (const rule of alarmRules({ withSqueezed: true })) {
  test(`the rule ${rule.code} is the contract's`, () => {
    const { metricName, statistic, comparisonOperator, threshold, evaluationCount, level } = rule;
    assert.equal(
      `${metricName} ${statistic} ${comparisonOperator} ${threshold} x ${evaluationCount} ${level}`,
      CONTRACT[rule.code],
    );
    assert.deepEqual([rule.periodSeconds, rule.silenceSeconds], [60, 3600]);
  });

  test(`the rule ${rule.code} has one id for an instance, and looks at its host series`, () => {
    assert.equal(alarmRuleId(rule, "i-bp1abc"), `softnet-${rule.code}-${rule.level.toLowerCase()}-i-bp1abc`);
    assert.equal(alarmDimension("i-bp1abc"), "cpu=all&instanceId=i-bp1abc");
  });
}

test("squeezes alarm only where that was asked for", () => {
  assert.deepEqual(
    alarmRules({ withSqueezed: false }).map(({ code }) => code),
    ["critical", "dropped"],
  );
});

test("a fleet has one rule on the event that the critical rule would tell", () => {
  assert.equal(FLEET_EVENT_RULE.eventName, "softnet_critical");
  assert.equal(FLEET_EVENT_RULE.level, "CRITICAL");
  assert.ok(FLEET_EVENT_RULE.silenceSeconds <= 60, "one instance must not hide the next for long");
});

const breaches: readonly { code: string; value: number; breached: boolean }[] = [
  { code: "dropped", value: 0, breached: false },
  { code: "dropped", value: 0.001, breached: true },
  { code: "critical", value: 1, breached: false },
  { code: "critical", value: 2, breached: true },
  { code: "squeezed", value: 1000, breached: false },
  { code: "squeezed", value: 1000.5, breached: true },
];

for (const { code, value, breached } of breaches) {
  test(`a period of ${value} is ${breached ? "" : "not "}counted by the rule ${code}`, () => {
    const rule = alarmRules({ withSqueezed: true }).find((each) => each.code === code)!;
    assert.equal(isBreached(rule, value), breached);
  });
}
