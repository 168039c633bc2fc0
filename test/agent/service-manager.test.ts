import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { serviceManager } from "../../src/agent/service-manager.ts";

const MINUTE = { WATCHDOG_USEC: "60000000" };

/** @returns at which seconds an agent that samples each second, but for some, tells that it lives. */
function secondsOfSigns(
  env: Readonly<Record<string, string>>,
  seconds: number,
  samples = (_second: number) => true,
): readonly number[] {
  let second = 0;
  const told: number[] = [];
  const clock = { nowMs: () => 0, monotonicMs: () => second * 1000 };
  const manager = serviceManager(env, clock, (assignments) => {
    assert.deepEqual(assignments, ["READY=1", "WATCHDOG=1"]);
    told.push(second);
  });
  for (; second < seconds; second++) if (samples(second)) manager.alive();
  return told;
}

describe("what systemd hears", () => {
  test("begins with the first sample, is repeated soon, and then comes three times within its patience", () => {
    assert.deepEqual(secondsOfSigns(MINUTE, 100), [0, 1, 3, 7, 15, 31, 51, 71, 91]);
  });

  test("stays away while no sample succeeds", () => {
    assert.deepEqual(
      secondsOfSigns(MINUTE, 40, (second) => second < 5),
      [0, 1, 3],
    );
  });

  test("comes in time though samples are rare", () => {
    const env = { WATCHDOG_USEC: "30000000" };
    assert.deepEqual(
      secondsOfSigns(env, 60, (second) => second % 10 === 0),
      [0, 10, 20, 30, 40, 50],
    );
  });

  test("is that the agent is ready also where there is no watchdog", () => {
    assert.deepEqual(secondsOfSigns({}, 10), [0, 1, 3, 7]);
  });

  test("ends with that it stops", () => {
    const told: (readonly string[])[] = [];
    const clock = { nowMs: () => 0, monotonicMs: () => 0 };
    serviceManager(MINUTE, clock, (assignments) => told.push(assignments)).stopping();
    assert.deepEqual(told, [["STOPPING=1"]]);
  });
});
