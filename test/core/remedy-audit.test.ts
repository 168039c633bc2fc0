import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { failuresIn, type RepairRecord } from "../../src/core/remedy-audit.ts";

const measure = { lostPerMillion: 90_000, squeezedPerMillion: 0, packetsPerSecond: 20_000 };

function run(given: Partial<RepairRecord>): RepairRecord {
  const target = "net.core.netdev_max_backlog";
  return {
    time: "2026-11-22T20:00:00.123Z",
    verb: "remedy apply",
    result: "undone",
    tried: [{ kind: "sysctl", target, from: "1000", to: "5000", key: "netdev_max_backlog" }],
    before: measure,
    after: measure,
    proof: "not-improved",
    persisted: false,
    ...given,
  };
}

describe("what did not help is remembered", () => {
  const rows: readonly { name: string; runs: readonly RepairRecord[]; isRemembered: boolean }[] = [
    { name: "where it was taken back", runs: [run({})], isRemembered: true },
    {
      name: "where it could not be taken back",
      runs: [run({ result: "broken", problem: "not put back" })],
      isRemembered: true,
    },
    {
      name: "not where something came in between",
      runs: [run({ result: "broken", after: null, proof: null })],
      isRemembered: false,
    },
    {
      name: "not where a signal ended it",
      runs: [run({ result: "interrupted", after: null, proof: null })],
      isRemembered: false,
    },
    {
      name: "not where nobody agreed",
      runs: [run({ result: "declined", after: null, proof: null })],
      isRemembered: false,
    },
    {
      name: "until it helps",
      runs: [run({}), run({ result: "kept", proof: "improved" })],
      isRemembered: false,
    },
    {
      name: "also over a run that was declined",
      runs: [run({}), run({ result: "declined", after: null, proof: null })],
      isRemembered: true,
    },
  ];
  for (const { name, runs, isRemembered } of rows) {
    test(name, () => {
      assert.deepEqual(
        failuresIn(runs).map(({ key, isTakenBack }) => [key, isTakenBack]),
        isRemembered ? [["netdev_max_backlog", runs[0]!.result === "undone"]] : [],
      );
    });
  }
});
