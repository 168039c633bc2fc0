import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { PushOutcome } from "../../src/core/delivery.ts";
import type { MetricEntry } from "../../src/core/metrics.ts";
import {
  deliver,
  type DeliveryReport,
  newDeliveryMemory,
  sleepUnlessAborted,
} from "../../src/agent/delivery.ts";
import { MemoryQueue } from "../double/memory-queue.ts";

const NOON = Date.UTC(2026, 10, 22, 12);
const MINUTE_MS = 60_000;

const accepted: PushOutcome = { kind: "accepted" };
const unanswered: PushOutcome = { kind: "ambiguous", reason: "no answer in time" };
const unsent: PushOutcome = { kind: "unsent", code: "ECONNREFUSED" };
const throttled: PushOutcome = { kind: "throttled", retryAfterMs: undefined };
const denied: PushOutcome = { kind: "denied", code: "NoPermission", reason: "allow it cms:PutCustomMetric" };
const partly: PushOutcome = { kind: "partly-accepted", reason: "reach max time series num" };
const refused: PushOutcome = { kind: "refused", code: "400", reason: "metric name" };

function entriesNamed(name: string): readonly MetricEntry[] {
  return [
    {
      metricName: "softnet_severity",
      groupId: "0",
      dimensions: '{"cpu":"all","instanceId":"i-1"}',
      type: "1",
      period: "60",
      time: name,
      values: "{}",
    },
  ];
}

/** A cloud that answers by a script, then accepts; a clock that moves only when somebody sleeps. */
function setUp(script: readonly PushOutcome[] = []) {
  const queue = new MemoryQueue();
  const answers = [...script];
  const stop = new AbortController();
  const memory = newDeliveryMemory();
  const it = {
    nowMs: NOON,
    queue,
    stop,
    sent: [] as string[],
    slept: [] as number[],
    log: [] as string[],
    /** How long a call takes. */
    callMs: 0,
    /** Windows by how many minutes before noon they end. */
    wait(...minutes: readonly number[]): void {
      for (const minute of minutes) {
        queue.add(NOON - (minute + 1) * MINUTE_MS, [entriesNamed(`-${minute}`)]);
      }
    },
    put: (entries: readonly MetricEntry[]): Promise<PushOutcome> => {
      it.sent.push(entries[0]!.time);
      it.nowMs += it.callMs;
      return Promise.resolve(answers.shift() ?? accepted);
    },
    answer(...outcomes: readonly PushOutcome[]): void {
      answers.push(...outcomes);
    },
    round: (): Promise<DeliveryReport> =>
      deliver(
        queue,
        {
          put: (entries) => it.put(entries),
          nowMs: () => it.nowMs,
          sleep: (ms) => {
            it.slept.push(ms);
            it.nowMs += ms;
            return Promise.resolve();
          },
          random: () => 0.5,
          log: {
            info: (message: unknown) => it.log.push(String(message)),
            warn: (message: unknown) => it.log.push(String(message)),
          },
          signal: stop.signal,
        },
        { backfillSeconds: 900 },
        memory,
      ),
  };
  return it;
}

describe("a round of delivery", () => {
  test("sends the newest window first, then the oldest, and empties the queue", async () => {
    const it = setUp();
    it.wait(3, 2, 1);
    assert.deepEqual(await it.round(), {
      accepted: 3,
      partlyAccepted: 0,
      refused: 0,
      givenUp: 0,
      sends: 3,
      ambiguousRepeats: 0,
      retries: 0,
      left: 0,
      stoppedBy: undefined,
    } satisfies DeliveryReport);
    assert.deepEqual(it.sent, ["-1", "-3", "-2"]);
    assert.deepEqual(it.queue.waiting(), []);
  });

  test("gives up what is older than the backfill, without sending it", async () => {
    const it = setUp();
    it.wait(16, 1);
    assert.partialDeepStrictEqual(await it.round(), { accepted: 1, givenUp: 1, left: 0 });
    assert.deepEqual(it.sent, ["-1"]);
    assert.deepEqual(it.queue.waiting(), []);
  });

  const ROWS: readonly {
    name: string;
    script: readonly PushOutcome[];
    sent: readonly string[];
    report: Partial<DeliveryReport>;
  }[] = [
    {
      name: "repeats at once what may not have arrived, and counts it",
      script: [unanswered],
      sent: ["-1", "-1", "-2"],
      report: { accepted: 2, ambiguousRepeats: 1, retries: 0, left: 0 },
    },
    {
      name: "repeats at once what could not be sent, and counts it apart",
      script: [unsent],
      sent: ["-1", "-1", "-2"],
      report: { accepted: 2, ambiguousRepeats: 0, retries: 1, left: 0 },
    },
    {
      name: "counts a repeat as ambiguous if any call before it was",
      script: [unanswered, unsent],
      sent: ["-1", "-1", "-1", "-2"],
      report: { accepted: 2, ambiguousRepeats: 2, retries: 0, left: 0 },
    },
    {
      name: "leaves a batch that nobody confirms and goes on with the next",
      script: [unanswered, unanswered, unanswered],
      sent: ["-1", "-1", "-1", "-2"],
      report: { accepted: 1, ambiguousRepeats: 2, left: 1, stoppedBy: undefined },
    },
    {
      name: "stops when nothing can be sent",
      script: [unsent, unsent, unsent],
      sent: ["-1", "-1", "-1"],
      report: { accepted: 0, retries: 2, left: 2, stoppedBy: "unsent" },
    },
    {
      name: "stops when throttling goes on",
      script: [throttled, throttled, throttled],
      sent: ["-1", "-1", "-1"],
      report: { accepted: 0, retries: 2, left: 2, stoppedBy: "throttled" },
    },
    {
      name: "stops at once when it is denied",
      script: [denied],
      sent: ["-1"],
      report: { accepted: 0, left: 2, stoppedBy: "denied" },
    },
    {
      name: "repeats nothing that was taken in part",
      script: [partly],
      sent: ["-1", "-2"],
      report: { accepted: 1, partlyAccepted: 1, left: 0 },
    },
    {
      name: "repeats nothing that was refused",
      script: [refused],
      sent: ["-1", "-2"],
      report: { accepted: 1, refused: 1, left: 0 },
    },
  ];
  for (const { name, script, sent, report } of ROWS) {
    test(name, async () => {
      const it = setUp(script);
      it.wait(2, 1);
      assert.partialDeepStrictEqual(await it.round(), report);
      assert.deepEqual(it.sent, sent);
      assert.equal(it.queue.waiting().length, report.left);
    });
  }

  test("remembers across rounds that a call may have arrived", async () => {
    const it = setUp([unanswered, unanswered, unanswered]);
    it.wait(1);
    assert.equal((await it.round()).left, 1);
    assert.partialDeepStrictEqual(await it.round(), {
      accepted: 1,
      sends: 1,
      ambiguousRepeats: 1,
      retries: 0,
    });
  });

  test("counts a retry across rounds", async () => {
    const it = setUp([denied]);
    it.wait(1);
    await it.round();
    assert.partialDeepStrictEqual(await it.round(), {
      accepted: 1,
      sends: 1,
      ambiguousRepeats: 0,
      retries: 1,
    });
  });

  test("ends before the next minute's round, however slow the calls are", async () => {
    const it = setUp(Array.from({ length: 20 }, () => unanswered));
    it.callMs = 8000;
    it.wait(4, 3, 2, 1);
    assert.equal((await it.round()).stoppedBy, "time");
    assert.ok(it.nowMs - NOON < MINUTE_MS);
  });
});

describe("between two calls", () => {
  test("there is a pause, drawn by chance", async () => {
    const it = setUp([unanswered, unanswered]);
    it.wait(1);
    await it.round();
    assert.deepEqual(it.slept, [1250, 1250]);
  });

  test("the pause is as long as the cloud asks for", async () => {
    const it = setUp([{ kind: "throttled", retryAfterMs: 7000 }]);
    it.wait(1);
    assert.equal((await it.round()).accepted, 1);
    assert.deepEqual(it.slept, [7000]);
  });

  test("a longer wait than the round is kept by the rounds after it", async () => {
    const it = setUp([{ kind: "throttled", retryAfterMs: 90_000 }]);
    it.wait(1);
    assert.partialDeepStrictEqual(await it.round(), { sends: 1, stoppedBy: "throttled" });
    it.nowMs += MINUTE_MS;
    assert.partialDeepStrictEqual(await it.round(), { sends: 0, left: 1, stoppedBy: "throttled" });
    it.nowMs += MINUTE_MS;
    assert.equal((await it.round()).accepted, 1);
  });

  test("a clock that was set back does not prolong the wait", async () => {
    const it = setUp([{ kind: "throttled", retryAfterMs: 90_000 }]);
    it.wait(1);
    await it.round();
    it.nowMs -= 3_600_000;
    assert.equal((await it.round()).accepted, 1);
  });
});

describe("stopping", () => {
  test("begins no call", async () => {
    const it = setUp();
    it.wait(2, 1);
    it.stop.abort();
    assert.partialDeepStrictEqual(await it.round(), { sends: 0, left: 2, stoppedBy: "signal" });
  });

  test("takes the answer that comes in the moments after", async () => {
    const it = setUp();
    it.wait(2, 1);
    it.put = () => {
      it.stop.abort();
      return Promise.resolve(accepted);
    };
    assert.partialDeepStrictEqual(await it.round(), { accepted: 1, left: 1, stoppedBy: "signal" });
  });

  test("leaves a call that does not come back, marked as perhaps arrived", async () => {
    const it = setUp();
    it.wait(1);
    it.put = () => {
      queueMicrotask(() => it.stop.abort());
      return Promise.withResolvers<PushOutcome>().promise;
    };
    assert.partialDeepStrictEqual(await it.round(), { sends: 1, left: 1 });
    assert.equal(it.queue.waiting()[0]!.ambiguousSends, 1);
    assert.ok(it.nowMs - NOON < 5000);
  });
});

describe("a pause", () => {
  test("ends without an error when the process has to stop", async () => {
    const stop = new AbortController();
    const pause = sleepUnlessAborted(3_600_000, stop.signal);
    stop.abort();
    await pause;
    await sleepUnlessAborted(3_600_000, stop.signal);
  });

  test("ends by itself", () => sleepUnlessAborted(1, new AbortController().signal));
});

describe("the log", () => {
  test("says once what mends a denial, and when it is mended", async () => {
    const it = setUp([denied, denied]);
    it.wait(1);
    await it.round();
    await it.round();
    await it.round();
    assert.deepEqual(it.log, [
      "CloudMonitor denies points with NoPermission: allow it cms:PutCustomMetric",
      "CloudMonitor takes points again",
    ]);
  });

  test("says a denial again that came back", async () => {
    const it = setUp([denied, accepted, denied]);
    it.wait(1);
    await it.round();
    await it.round();
    it.wait(1);
    await it.round();
    assert.equal(it.log.filter((line) => line.includes("denies")).length, 2);
  });

  test("says once that the quota is used up, whatever is accepted between", async () => {
    const it = setUp([partly, accepted, partly, accepted]);
    it.wait(4, 3, 2, 1);
    await it.round();
    assert.deepEqual(it.log, ["CloudMonitor takes a part of the points: reach max time series num"]);
  });

  test("is silent about trouble that was over a moment later", async () => {
    const it = setUp([unanswered, unsent, accepted]);
    it.wait(1);
    await it.round();
    assert.deepEqual(it.log, []);
  });
});
