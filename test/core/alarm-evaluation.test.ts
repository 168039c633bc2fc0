import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  type AlarmNews,
  type AlarmTrack,
  alarmValue,
  evaluatePeriod,
} from "../../src/core/alarm-evaluation.ts";
import { type AlarmRule, alarmRules } from "../../src/core/alarm-rules.ts";
import { minuteOf } from "../store/windows.ts";

const NOON_MS = Date.UTC(2026, 10, 22, 12);
const MINUTE_MS = 60_000;
const [CRITICAL, DROPPED, SQUEEZED] = alarmRules({ withSqueezed: true }) as [AlarmRule, AlarmRule, AlarmRule];

/** Evaluates minute after minute. @returns what was told, by the minute. */
function told(rule: AlarmRule, values: readonly (number | undefined)[], startsMs?: readonly number[]) {
  const news: [number, AlarmNews][] = [];
  let track: AlarmTrack | undefined;
  for (const [i, value] of values.entries()) {
    if (value === undefined) continue;
    const startMs = startsMs?.[i] ?? NOON_MS + i * MINUTE_MS;
    const result = evaluatePeriod(rule, track, { startMs, value });
    track = result.track;
    if (result.news) news.push([i, result.news]);
  }
  return { news, track };
}

const times = (count: number, value: number): number[] => Array.from({ length: count }, () => value);

describe("a rule on three minutes with drops", () => {
  const rows: { name: string; values: (number | undefined)[]; news: [number, AlarmNews][] }[] = [
    { name: "is quiet while nothing is dropped", values: times(200, 0), news: [] },
    { name: "is quiet after two", values: [5, 5, 0, 5, 5, 0], news: [] },
    { name: "is raised by the third", values: [0, 5, 1, 7], news: [[3, "raised"]] },
    {
      name: "recovers with the first minute without",
      values: [5, 5, 5, 0, 0],
      news: [
        [2, "raised"],
        [3, "recovered"],
      ],
    },
    {
      name: "is raised again in the same hour after it has recovered",
      values: [5, 5, 5, 0, 5, 5, 5],
      news: [
        [2, "raised"],
        [3, "recovered"],
        [6, "raised"],
      ],
    },
    {
      name: "is told again after each hour while it stands",
      values: times(125, 5),
      news: [
        [2, "raised"],
        [62, "repeated"],
        [122, "repeated"],
      ],
    },
    { name: "counts no minute that nobody watched", values: [5, 5, undefined, 5, 5], news: [] },
    {
      name: "stands over minutes that nobody watched",
      values: [5, 5, 5, undefined, undefined, 5, 0],
      news: [
        [2, "raised"],
        [6, "recovered"],
      ],
    },
  ];
  for (const { name, values, news } of rows) {
    test(name, () => assert.deepEqual(told(DROPPED, values).news, news));
  }

  test("knows since when", () => {
    assert.equal(told(DROPPED, [0, 5, 5, 5, 5]).track?.sinceMs, NOON_MS + MINUTE_MS);
    assert.equal(told(DROPPED, [5, 5, 5, 0]).track?.sinceMs, undefined);
  });

  test("is silent for an hour by the new time when the clock is set back", () => {
    const before = [0, 1, 2].map((minute) => NOON_MS + minute * MINUTE_MS);
    const after = Array.from({ length: 62 }, (_, minute) => NOON_MS - 600 * MINUTE_MS + minute * MINUTE_MS);
    const { news } = told(DROPPED, times(65, 5), [...before, ...after]);
    assert.deepEqual(news, [
      [2, "raised"],
      [63, "repeated"],
    ]);
  });
});

test("a critical minute is told at once, and a warning is not", () => {
  assert.deepEqual(told(CRITICAL, [0, 1, 2, 2, 1]).news, [
    [2, "raised"],
    [4, "recovered"],
  ]);
});

describe("the value of a rule", () => {
  const window = minuteOf(NOON_MS, { dropped: { 0: 70, 1: 30 }, timeSqueeze: { 1: 4 } });
  test("is the statistic of the point that CloudMonitor gets", () => {
    assert.deepEqual(
      [CRITICAL, DROPPED, SQUEEZED].map((rule) => alarmValue(rule, window, [0, 2, 1])),
      [2, 100, 4],
    );
  });

  test("is none where the minute was not judged", () => {
    assert.equal(alarmValue(CRITICAL, window, []), undefined);
  });
});
