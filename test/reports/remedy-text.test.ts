import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import type { ApplyOutcome } from "../../src/core/remedy-document.ts";
import { parseJournal } from "../../src/core/remedy-journal.ts";
import { planRemedy } from "../../src/core/remedy-plan.ts";
import type { Language } from "../../src/core/text.ts";
import { verdictOf } from "../../src/core/verdict.ts";
import { outcomeText, planText, undoneText } from "../../src/reports/remedy-text.ts";
import { observationOfLines } from "../core/observations.ts";

const overload = observationOfLines({
  cpus: [{ softirq: 5 }, { dropped: 2000, squeezed: 60, softirq: 99, processed: 20_000, shareAboveLimit: 1 }],
  interfaces: [{ masks: [0n, 0n], droppedShare: 1, receivingCpus: [1] }],
});

const plan = planRemedy(
  overload,
  verdictOf(overload),
  { backlog: 30_000, rps: 3n, device: undefined, force: false, persist: true },
  {
    bandwidth: { gbps: undefined, source: "unknown" },
    tuning: undefined,
    failures: [],
    firstBudgetUsecs: undefined,
  },
);

const kept: ApplyOutcome = {
  result: "kept",
  plan,
  before: { lostPerMillion: 90_909, squeezedPerMillion: 2727.3, packetsPerSecond: 22_000 },
  after: { lostPerMillion: 0, squeezedPerMillion: 0.4, packetsPerSecond: 21_950 },
  proof: "improved",
  persisted: true,
};

for (const [lang, load, nothing] of [
  ["en", /The load changed/, /Nothing was lost before/],
  ["zh", /负载发生了变化/, /之前没有它可以消除的丢包/],
] as const) {
  test(`what is unproven says why, in ${lang}`, () => {
    const look = { lang, columns: 200, colours: false };
    const unproven = { ...kept, result: "unproven", persisted: false } as const;
    assert.match(outcomeText({ ...unproven, proof: "not-comparable" }, look), load);
    assert.match(outcomeText({ ...unproven, proof: "nothing-to-improve" }, look), nothing);
  });
}

describe("what was kept", () => {
  const conflict = {
    code: "sysctl-overridden",
    where: "/etc/sysctl.conf:1",
    text: { en: "sets it to 1000 and is read later", zh: "设为 1000，读取在后" },
  } as const;
  const textOf = (lang: Language, isLasting: boolean): string =>
    outcomeText(
      { ...kept, plan: { ...plan, conflicts: [{ ...conflict, isLasting }] } },
      { lang, columns: 100, colours: false },
    );

  for (const [lang, outlives, conflictOf] of [
    ["en", /outlives a reboot/, /^Conflict +\/etc\/sysctl\.conf:1 sets it to 1000/m],
    ["zh", /重启后仍然有效/, /^冲突 +\/etc\/sysctl\.conf:1 设为 1000/m],
  ] as const) {
    test(`is not said to outlive a reboot where another file overrides it, in ${lang}`, () => {
      assert.doesNotMatch(textOf(lang, true), outlives);
      assert.match(textOf(lang, true), conflictOf);
    });

    test(`is said to outlive it where the conflict does not last, in ${lang}`, () => {
      assert.match(textOf(lang, false), outlives);
      assert.match(textOf(lang, false), conflictOf);
    });
  }
});

const journal = parseJournal(
  [
    "softnet-remedy 1",
    "run 2026-11-22T20:15:27Z",
    "sysctl /proc/sys/net/core/netdev_max_backlog 30000 1000 -",
    "rps /sys/class/net/eth0/queues/rx-0/rps_cpus 3 0 -",
    "file /etc/sysctl.d/99-network-tuning.conf 1:2",
    "file /usr/local/sbin/softnet-rps 1:2",
    "",
  ].join("\n"),
)!;

describe("reads well:", () => {
  for (const lang of ["en", "zh"] as const) {
    const look = { lang, columns: 80, colours: false };
    const texts: Readonly<Record<string, string>> = {
      plan: planText(plan, false, { command: "sudo softnet remedy apply", isElsewhere: false }, look),
      kept: outcomeText(kept, look),
      undone: outcomeText({ ...kept, result: "undone", proof: "filling", persisted: false }, look),
      undo: undoneText(
        {
          changed: [
            "/etc/sysctl.d/99-network-tuning.conf",
            "/sys/class/net/eth0/queues/rx-0/rps_cpus",
            "/usr/local/sbin/softnet-rps",
          ],
          left: ["net.core.netdev_max_backlog"],
          isGone: (path) => path.endsWith("softnet-rps"),
        },
        {
          journal,
          drift: [{ kind: "value", value: journal.values[0]!, found: 7000 }],
          ended: [],
          records: [],
          possibleCpus: 2,
        },
        look,
      ),
    };
    for (const [name, text] of Object.entries(texts)) {
      test(`${name} in ${lang}`, () => assert.equal(text, fixture(name, lang)));
    }
  }
});

function fixture(name: string, lang: Language): string {
  return readFileSync(join(import.meta.dirname, `../fixtures/remedy/${name}.${lang}.txt`), "utf8");
}
