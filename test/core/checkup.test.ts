import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { Contact, MonitorQuota } from "../../src/core/alarm-account.ts";
import {
  agentCheck,
  type AgentSigns,
  type Check,
  clockCheck,
  conflictChecks,
  contactsCheck,
  driftCheck,
  lastPointCheck,
  lastPointsCheck,
  quotaCheck,
} from "../../src/core/checkup.ts";
import { mendOfRefusal } from "../../src/core/refusal-text.ts";

const NOON = Date.UTC(2026, 10, 22, 12);
const MINUTE_MS = 60_000;
const NO_AGENT: AgentSigns = {
  pid: undefined,
  stateDir: undefined,
  closedDir: undefined,
  closedSettings: undefined,
  console: undefined,
};
const CONSOLE = { url: "http://127.0.0.1:9417", healthy: true, said: "ok" };
const DRIFT = {
  target: "net.core.netdev_max_backlog",
  expected: "10000",
  found: "1000",
  mend: "sudo sysctl -w net.core.netdev_max_backlog=10000",
};

interface Row {
  readonly name: string;
  readonly check: Check;
  readonly status: Check["status"];
  readonly says: RegExp;
  readonly mend?: RegExp;
}

const NONE = { used: undefined, limit: undefined };
const quota = (limit: number | undefined, used: number | undefined): MonitorQuota => ({
  edition: "free",
  series: { limit, used },
  sms: NONE,
  phoneCalls: NONE,
});

const contact = (name: string, mail: boolean, phone?: boolean): Contact => ({
  name,
  description: "",
  lang: undefined,
  mail: { value: undefined, isPending: mail },
  phone: phone === undefined ? undefined : { value: undefined, isPending: phone },
  others: {},
  groups: [],
});

const ROWS: readonly Row[] = [
  {
    name: "a clock 40 s off is good enough",
    check: clockCheck(NOON, NOON - 40_000),
    status: "ok",
    says: /40 s from/,
  },
  {
    name: "a clock 14 minutes behind dates points wrongly",
    check: clockCheck(NOON, NOON - 14 * MINUTE_MS),
    status: "warning",
    says: /840 s behind/,
    mend: /timedatectl/,
  },
  {
    name: "a clock 16 minutes ahead is refused",
    check: clockCheck(NOON, NOON + 16 * MINUTE_MS),
    status: "failed",
    says: /960 s ahead of.*refuses/,
    mend: /timedatectl/,
  },
  {
    name: "a quota that holds the configuration",
    check: quotaCheck(quota(35, 3), 35, 3),
    status: "ok",
    says: /3 of the account's 35 series are used; this configuration takes at most 35/,
  },
  {
    name: "a quota of unknown use",
    check: quotaCheck(quota(1000, undefined), 35, 3),
    status: "ok",
    says: /an unknown number of/,
  },
  {
    name: "a quota that nobody tells",
    check: quotaCheck(quota(undefined, undefined), 35, 3),
    status: "ok",
    says: /unknown/,
  },
  {
    name: "a quota that is smaller than the configuration, with the number of CPUs that fit",
    check: quotaCheck(quota(10, 3), 35, 3),
    status: "warning",
    says: /at most 35: what is beyond the quota is refused/,
    mend: /^SOFTNET_CPU_SERIES_MAX=3$/,
  },
  {
    name: "a quota that does not even hold the host's series",
    check: quotaCheck(quota(2, 0), 3, 3),
    status: "warning",
    says: /at most 3/,
    mend: /^SOFTNET_HOST_SERIES=severity SOFTNET_CPU_SERIES=none$/,
  },
  {
    name: "a quota that is used up",
    check: quotaCheck(quota(10, 10), 3, 3),
    status: "warning",
    says: /used up/,
    mend: /raise the quota/,
  },
  { name: "no contact", check: contactsCheck([]), status: "ok", says: /softnet alarms apply/ },
  {
    name: "contacts that hear",
    check: contactsCheck([contact("a", false), contact("b", false, false)]),
    status: "ok",
    says: /activated: 2 of 2/,
  },
  {
    name: "a contact that never clicked",
    check: contactsCheck([contact("ops", true, true), contact("b", false)]),
    status: "warning",
    says: /silent: ops: Mail, SMS$/,
    mend: /24 hours/,
  },
  {
    name: "a point of the last minutes",
    check: lastPointCheck("i-1", 5 * MINUTE_MS),
    status: "ok",
    says: /i-1 is 300 s old/,
  },
  {
    name: "a point that is too old",
    check: lastPointCheck("i-1", 6 * MINUTE_MS),
    status: "failed",
    says: /6 minutes old/,
    mend: /systemctl enable --now softnet-agent/,
  },
  {
    name: "no point at all",
    check: lastPointCheck("i-1", undefined),
    status: "failed",
    says: /no point of i-1/,
    mend: /journalctl/,
  },
  {
    name: "instances that all send",
    check: lastPointsCheck(
      new Map([
        ["i-1", MINUTE_MS],
        ["i-2", 2 * MINUTE_MS],
      ]),
    ),
    status: "ok",
    says: /2 of 2 instances/,
  },
  {
    name: "instances of which some are silent",
    check: lastPointsCheck(
      new Map([
        ["i-1", MINUTE_MS],
        ["i-2", 6 * MINUTE_MS],
        ["i-3", undefined],
      ]),
    ),
    status: "failed",
    says: /2 of 3 instances .*: i-2, i-3$/,
    mend: /sudo softnet doctor/,
  },
  {
    name: "no instance at all",
    check: lastPointsCheck(new Map()),
    status: "warning",
    says: /no instance/,
    mend: /install/,
  },
  { name: "no agent", check: agentCheck(NO_AGENT), status: "failed", says: /no agent/, mend: /softnet run/ },
  {
    name: "a state directory that is closed to us, and no console",
    check: agentCheck({ ...NO_AGENT, closedDir: "/var/lib/softnet" }),
    status: "warning",
    says: /cannot be told: \/var\/lib\/softnet/,
    mend: /^sudo softnet doctor$/,
  },
  {
    name: "an agent without a console",
    check: agentCheck({ ...NO_AGENT, pid: 7, stateDir: "/s" }),
    status: "ok",
    says: /\(pid 7\)/,
  },
  {
    name: "an agent whose directory is closed to us, with a console",
    check: agentCheck({ ...NO_AGENT, closedDir: "/var/lib/softnet", console: CONSOLE }),
    status: "ok",
    says: /\(http:\/\/127\.0\.0\.1:9417\)/,
  },
  {
    name: "an agent whose settings are closed to us",
    check: agentCheck({ ...NO_AGENT, pid: 7, closedSettings: "/etc/softnet/agent.env" }),
    status: "ok",
    says: /agent\.env may not be read/,
  },
  {
    name: "an agent that does not sample",
    check: agentCheck({
      ...NO_AGENT,
      pid: 7,
      console: { ...CONSOLE, healthy: false, said: "no sample yet" },
    }),
    status: "failed",
    says: /no sample yet/,
    mend: /journalctl/,
  },
  { name: "no remedy", check: driftCheck(undefined), status: "ok", says: /no remedy/ },
  { name: "a remedy that holds", check: driftCheck([]), status: "ok", says: /as the remedy set it/ },
  {
    name: "a remedy that somebody took back",
    check: driftCheck([DRIFT, DRIFT]),
    status: "warning",
    says: /netdev_max_backlog 10000 → 1000/,
    mend: /^sudo sysctl -w \S+=10000\nsudo sysctl -w \S+=10000$/,
  },
];

describe("what a checkup says of", () => {
  for (const { name, check, status, says, mend } of ROWS) {
    test(name, () => {
      assert.equal(check.status, status);
      assert.match(check.summary.en, says);
      assert.match(check.summary.zh, /[\u4e00-\u9fff]/);
      if (mend) assert.match(check.mend!.en, mend);
      assert.equal(
        check.mend === undefined,
        status === "ok",
        "whatever is wrong has a mend, and nothing else",
      );
    });
  }
});

describe("what else sets what a remedy sets", () => {
  const ABSENT = { tuned: false, ecsMq: undefined, irqbalance: undefined };

  test("is four checks, whatever is there", () => {
    assert.deepEqual(
      conflictChecks([], ABSENT).map(({ code, status }) => [code, status]),
      [
        ["sysctl-conflict", "ok"],
        ["tuned", "ok"],
        ["ecs-mq", "ok"],
        ["irqbalance", "ok"],
      ],
    );
  });

  test("is no warning where it takes nothing back", () => {
    const checks = conflictChecks([], { tuned: true, ecsMq: "/etc/x", irqbalance: "/run/y" });
    assert.deepEqual(new Set(checks.map(({ status }) => status)), new Set(["ok"]));
    assert.deepEqual(
      checks.map(({ evidence }) => evidence["present"]),
      [false, true, true, true],
    );
  });

  test("is named and no warning where tuned gives way to what is kept", () => {
    const text = { en: "and then reads sysctl.d again", zh: "随后会重新读取" };
    const [, tuned] = conflictChecks(
      [{ code: "tuned", where: "/etc/tuned/x/tuned.conf:2", text, isLasting: false }],
      { ...ABSENT, tuned: true },
    );
    assert.deepEqual([tuned?.status, tuned?.mend], ["ok", undefined]);
    assert.equal(tuned?.summary.en, "/etc/tuned/x/tuned.conf:2 and then reads sysctl.d again");
  });

  test("is named with its line where it does", () => {
    const text = { en: "sets it to 1000", zh: "设为 1000" };
    const checks = conflictChecks(
      [
        { code: "sysctl-overridden", where: "/etc/sysctl.d/99-z.conf:3", text, isLasting: true },
        { code: "sysctl-overridden", where: "/etc/sysctl.conf:1", text, isLasting: true },
        { code: "tuned", where: "/usr/lib/tuned/x/tuned.conf:2", text, isLasting: true },
      ],
      { ...ABSENT, tuned: true },
    );
    assert.deepEqual(
      checks.map(({ status }) => status),
      ["warning", "warning", "ok", "ok"],
    );
    assert.equal(
      checks[0]!.summary.en,
      "/etc/sysctl.d/99-z.conf:3 sets it to 1000 /etc/sysctl.conf:1 sets it to 1000",
    );
    assert.deepEqual(checks[0]!.evidence["where"], ["/etc/sysctl.d/99-z.conf:3", "/etc/sysctl.conf:1"]);
  });
});

test("the mend of a call that nobody can name names a setting that there is", () => {
  for (const code of ["wrong-endpoint", "cloud-unreachable"]) {
    const { en } = mendOfRefusal({ code, ramAction: "", policy: "" });
    assert.match(en, /SOFTNET_ENDPOINT/);
  }
});
