import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";

import type { Account, AccountOptions } from "./account.ts";
import { call, type Parameter } from "./call.ts";
import { MINUTE_MS, NOON_MS, putMinute, seeded, SEVERITY_RULE } from "./seeded.ts";

type Fields = Readonly<Record<string, Parameter>>;

function withRule(change: Fields = {}, options: AccountOptions = {}): Account {
  const account = seeded(options);
  const { Code } = call(account.families, "PutCustomMetricRule", { ...SEVERITY_RULE, ...change });
  assert.equal(Code, "200");
  return account;
}

/** Evaluates half a minute after the end of the minute that begins `minutes` after noon. */
function evaluateAfter(account: Account, minutes: number): string {
  account.evaluate(NOON_MS + (minutes + 1.5) * MINUTE_MS);
  return account.state.metricRules.get("softnet-critical")!.alertState;
}

/** Puts a minute after another and evaluates after each. */
function statesOf(account: Account, maxima: readonly (number | undefined)[]): string[] {
  return maxima.map((maximum, i) => {
    if (maximum !== undefined) putMinute(account, i + 1, maximum);
    return evaluateAfter(account, i + 1);
  });
}

describe("the double's threshold rules", () => {
  test("alarm at the first minute that meets a count of one, and are well again after it", () => {
    assert.deepEqual(statesOf(withRule(), [1, 2, 2, 0]), ["OK", "ALARM", "ALARM", "OK"]);
  });

  test("count minutes in a row", () => {
    const account = withRule({ EvaluationCount: 3 });
    assert.deepEqual(statesOf(account, [2, 2, 0, 2, 2, 2]), ["OK", "OK", "OK", "OK", "OK", "ALARM"]);
  });

  test("take a gap for no minute in a row", () => {
    const account = withRule({ EvaluationCount: 2 });
    assert.deepEqual(statesOf(account, [2, undefined, 2, 2]), ["OK", "OK", "OK", "ALARM"]);
  });

  test("wait for a point that comes late, and then for none", () => {
    const account = withRule();
    assert.deepEqual(statesOf(account, [2, undefined, undefined, undefined]), [
      "ALARM",
      "ALARM",
      "ALARM",
      "INSUFFICIENT_DATA",
    ]);
  });

  test("look at the statistic that they name", () => {
    assert.deepEqual(statesOf(withRule({ Statistics: "Average" }), [2, 4]), ["OK", "ALARM"]);
  });

  test("sum several minutes up to a longer period", () => {
    const account = withRule({ Period: 120 });
    assert.deepEqual(statesOf(account, [0, 2, 0, 0]), ["OK", "OK", "ALARM", "ALARM"]);
  });

  test("are silent after one notification until the silence is over", () => {
    const account = withRule({ SilenceTime: 300 });
    statesOf(account, [2, 2, 2, 2, 2, 2, 2]);
    assert.deepEqual(
      account.outbox.notifications.filter(({ channel }) => channel === "Mail").map(({ atMs }) => atMs),
      [2.5, 7.5].map((minutes) => NOON_MS + minutes * MINUTE_MS),
    );
  });

  test("tell an alarm that comes back after it was over", () => {
    const account = withRule();
    statesOf(account, [2, 0, 2]);
    assert.equal(account.outbox.notifications.filter(({ channel }) => channel === "Mail").length, 2);
  });

  test("do not tell an alarm again because its points failed to come for a while", () => {
    const account = withRule();
    assert.deepEqual(statesOf(account, [2, undefined, undefined, undefined, 2]), [
      "ALARM",
      "ALARM",
      "ALARM",
      "INSUFFICIENT_DATA",
      "ALARM",
    ]);
    assert.equal(account.outbox.notifications.filter(({ channel }) => channel === "Mail").length, 1);
  });

  test("tell nothing outside their hours, which are China's", () => {
    const account = withRule({ EffectiveInterval: "09:00-17:00" });
    statesOf(account, [2]);
    assert.deepEqual(account.outbox.notifications, []);
    const atNight = withRule({ EffectiveInterval: "19:00-06:00" });
    statesOf(atNight, [2]);
    assert.notDeepEqual(atNight.outbox.notifications, []);
  });

  test("are not evaluated while they are paused", () => {
    const account = withRule();
    call(account.families, "DisableMetricRules", { RuleId: ["softnet-critical"] });
    assert.deepEqual(statesOf(account, [2]), ["INSUFFICIENT_DATA"]);
    assert.deepEqual(account.outbox.notifications, []);
  });
});

describe("the double's channels", () => {
  const ROWS: readonly {
    readonly name: string;
    readonly level: string;
    readonly options?: AccountOptions;
    readonly prepare?: (account: Account) => void;
    readonly channels: string;
  }[] = [
    { name: "CRITICAL without a package of calls", level: "CRITICAL", channels: "SMS,Mail" },
    {
      name: "CRITICAL with one",
      level: "CRITICAL",
      prepare: ({ state }) => {
        state.phoneCallsLeft = 1;
      },
      channels: "Phone,SMS,Mail",
    },
    { name: "WARN", level: "WARN", channels: "SMS,Mail" },
    { name: "INFO", level: "INFO", channels: "Mail" },
    { name: "CRITICAL abroad", level: "CRITICAL", options: { site: "international" }, channels: "Mail" },
    {
      name: "a mail whose link nobody clicked",
      level: "INFO",
      prepare: ({ state }) => {
        state.contacts.get("anna")!.channels.Mail!.state = "PENDING";
      },
      channels: "",
    },
  ];
  for (const { name, level, options = {}, prepare, channels } of ROWS) {
    test(`are ${channels || "none"} for ${name}`, () => {
      const account = withRule({ Level: level }, options);
      prepare?.(account);
      statesOf(account, [2]);
      assert.equal(account.outbox.notifications.map(({ channel }) => channel).join(), channels);
    });
  }

  test("carry the rule's name, its subject, the series and the value", () => {
    const account = withRule({
      Level: "INFO",
      RuleName: "packets are lost",
      EmailSubject: "i-1 loses packets",
    });
    statesOf(account, [2]);
    const [mail] = account.outbox.notifications;
    assert.equal(mail!.subject, "i-1 loses packets");
    assert.equal(mail!.address, "anna@example.com");
    assert.match(mail!.text, /^packets are lost\ncpu=all&instanceId=i-1\n\$Maximum>=2 .*\ncurrent value: 2$/);
  });
});

test("a webhook is called as a form, at the alarm and at its end, until it answers", async () => {
  const bodies: string[] = [];
  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    bodies.push(`${request.headers["content-type"]} ${await text(request)}`);
    response.writeHead(bodies.length === 1 ? 500 : 200).end();
  }
  const receiver = createServer((request, response) => void take(request, response));
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const account = withRule({ Webhook: "https://hooks.example.com/x" }, { webhookTarget: () => url });
  statesOf(account, [2]);
  await account.outbox.settled();
  putMinute(account, 2, 0);
  evaluateAfter(account, 2);
  await account.outbox.settled();
  receiver.close();

  const [type, form] = bodies[1]!.split(" ", 2) as [string, string];
  assert.equal(type, "application/x-www-form-urlencoded");
  const fields = new URLSearchParams(form);
  assert.deepEqual(
    ["alertState", "curValue", "ruleId", "triggerLevel", "userId"].map((name) => fields.get(name)),
    ["ALERT", "2", "softnet-critical", "CRITICAL", "1234567890123456"],
  );
  // The first call was answered with 500 and made again.
  assert.equal(bodies[0], bodies[1]);
  assert.equal(new URLSearchParams(bodies[2]!.split(" ", 2)[1]).get("alertState"), "OK");
  assert.equal(bodies.length, 3);
});
