import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { Observation } from "../../src/core/observation.ts";
import type { RemedyContext, RemedyPolicy } from "../../src/core/remedies/part.ts";
import { planDocument } from "../../src/core/remedy-document.ts";
import { planRemedy } from "../../src/core/remedy-plan.ts";
import { verdictOf } from "../../src/core/verdict.ts";
import { observationOfLines } from "./observations.ts";

const POLICY: RemedyPolicy = { backlog: "auto", rps: "auto", device: undefined, force: false, persist: true };
const CONTEXT: RemedyContext = {
  bandwidth: { gbps: undefined, source: "unknown" },
  tuning: undefined,
  failures: [],
  firstBudgetUsecs: undefined,
};

/** One CPU drops, the other idles. */
const burst = observationOfLines({
  cpus: [{ softirq: 5 }, { dropped: 2000, softirq: 40, processed: 20_000 }],
  interfaces: [{ masks: [2n], droppedShare: 1 }],
});
const overload = observationOfLines({
  cpus: [{ softirq: 5 }, { dropped: 2000, squeezed: 60, softirq: 99, processed: 20_000, shareAboveLimit: 1 }],
  interfaces: [{ droppedShare: 1, receivingCpus: [1] }],
});
const singleFlow = observationOfLines({
  cpus: [{ softirq: 5 }, { dropped: 2000, squeezed: 60, softirq: 99, processed: 20_000, shareAboveLimit: 1 }],
  interfaces: [{ masks: [3n], droppedShare: 1 }],
});
const budget = observationOfLines({
  cpus: [{ softirq: 5 }, { squeezed: 800, softirq: 60, processed: 300_000 }],
});
const healthy = observationOfLines({ cpus: [{}, {}], interfaces: [{}] });

function planned(
  observation: Observation,
  policy: Partial<RemedyPolicy> = {},
  context: Partial<RemedyContext> = {},
) {
  const plan = planRemedy(
    observation,
    verdictOf(observation),
    { ...POLICY, ...policy },
    { ...CONTEXT, ...context },
  );
  const document = planDocument(plan, "en");
  return {
    plan,
    document,
    /** Kind, target, from and to of the values; files by their path. */
    steps: document.steps.map(({ kind, target, from, to }) =>
      kind === "file" ? `file ${target}` : `${kind} ${target} ${from} ${to}`,
    ),
    noUse: document.cannotHelp.map(({ code }) => code),
  };
}

const CONF = "file /etc/sysctl.d/99-network-tuning.conf";
const RPS_FILES = [
  "file /usr/local/sbin/softnet-rps",
  "file /etc/systemd/system/softnet-remedy.service",
  "file /etc/udev/rules.d/90-softnet-remedy.rules",
];
const MASK = "rps /sys/class/net/eth0/queues/rx-0/rps_cpus";

describe("the plan", () => {
  test("for a burst is a longer queue, with its cost, kept over a reboot", () => {
    const { steps, document } = planned(burst);
    assert.deepEqual(steps, ["sysctl net.core.netdev_max_backlog 1000 5000", CONF]);
    assert.deepEqual(document.steps[0]?.cost, {
      bytesGuide: 15_140_000,
      bytesUpperBound: 46_209_240,
      worstDelayMs: 250,
    });
    assert.equal(document.undo, "sudo softnet remedy undo");
    assert.match(document.steps[0].why, /bandwidth is not known/);
  });

  describe("with little memory", () => {
    const short = (netdevMaxBacklog: number): Observation => ({
      ...burst,
      cpus: burst.cpus.map((cpu) => ({ ...cpu, largestDropOfOneSample: cpu.droppedPerSecond * 4 })),
      settings: {
        ...burst.settings,
        sysctls: { ...burst.settings.sysctls, netdevMaxBacklog },
        // Half of it holds full queues of 6000, or of 12,000, packets on two CPUs.
        memoryAvailableBytes: netdevMaxBacklog === 1000 ? 112_000_000 : 224_000_000,
      },
    });

    test("says that the memory bounds it, and not the bandwidth", () => {
      const { steps, document } = planned(short(1000));
      assert.equal(steps[0], "sysctl net.core.netdev_max_backlog 1000 6000");
      assert.match(
        document.steps[0]!.why,
        /9,000 would hold that; full queues of more than 6,000 could take more than half of the memory/,
      );
    });

    test("says so of an exception too", () => {
      const { steps, document } = planned(short(10_000));
      assert.equal(steps[0], "sysctl net.core.netdev_max_backlog 10000 12000");
      assert.match(
        document.steps[0]!.why,
        /as an exception, as far as the memory goes: full queues of more than 12,000/,
      );
    });
  });

  test("for an overload that RPS can spread is a mask, and no longer queue", () => {
    const { steps, noUse } = planned(overload);
    assert.deepEqual(steps, [`${MASK} 0 3`, ...RPS_FILES]);
    assert.ok(noUse.includes("backlog-under-overload"));
  });

  test("for a CPU that loses nothing yet is a mask of the interface with the traffic, and never of loopback", () => {
    const strained = observationOfLines({
      cpus: [{ softirq: 5 }, { squeezed: 60, softirq: 99, processed: 20_000 }],
      interfaces: [
        { name: "lo", kind: "loopback", packets: 50_000 },
        { packets: 20_000, receivingCpus: [1] },
      ],
    });
    assert.deepEqual(planned(strained).steps, [`${MASK} 0 3`, ...RPS_FILES]);
  });

  for (const kind of ["bond", "vlan"] as const) {
    test(`for a CPU that loses nothing yet is a mask of the NIC, and not of the ${kind} above it`, () => {
      const strained = observationOfLines({
        cpus: [{ softirq: 5 }, { squeezed: 60, softirq: 99, processed: 20_000 }],
        interfaces: [
          { name: "above0", kind, packets: 40_000 },
          { packets: 20_000, receivingCpus: [1] },
        ],
      });
      assert.deepEqual(planned(strained).steps, [`${MASK} 0 3`, ...RPS_FILES]);
    });
  }

  test("for one flow is nothing, not even a larger instance", () => {
    const { steps, noUse, document } = planned(singleFlow);
    assert.deepEqual(steps, []);
    assert.ok(noUse.includes("rps-for-single-flow"));
    assert.match(document.advice!, /more connections or ports/);
    assert.doesNotMatch(document.advice!, /network-enhanced/);
  });

  test("for CPUs that the hypervisor takes away is an instance that keeps its own", () => {
    const stolen = { dropped: 2000, softirq: 30, steal: 68, processed: 20_000, shareAboveLimit: 1 };
    const { document } = planned(
      observationOfLines({ cpus: [stolen, stolen], interfaces: [{ masks: [3n], droppedShare: 1 }] }),
    );
    assert.match(document.advice!, /takes 68 % of CPU 0's time .* CPUs to itself/);
  });

  test("for CPUs that are all full is another instance", () => {
    const full = { dropped: 2000, softirq: 99, processed: 500_000, shareAboveLimit: 1 };
    const { steps, plan, document } = planned(
      observationOfLines({ cpus: [full, full], interfaces: [{ masks: [3n], droppedShare: 1 }] }),
    );
    assert.deepEqual(steps, []);
    assert.match(
      document.advice!,
      /1,004,000 packets\/s .* network-enhanced family .* such as ecs\.g7ne\.4xlarge/,
    );
    assert.match(plan.advice!.zh, /每秒有 1,004,000 个数据包.*网络增强型.*例如 ecs\.g7ne\.4xlarge/);
  });

  describe("advises an instance", () => {
    const full = { dropped: 1000, softirq: 99, processed: 30_000, shareAboveLimit: 1 };
    const rows: readonly {
      name: string;
      cpus: number;
      queues: number;
      gbps?: number;
      types: readonly string[];
    }[] = [
      { name: "larger than 2 CPUs", cpus: 2, queues: 2, types: ["g7ne.xlarge", "g5ne.xlarge"] },
      { name: "with no fewer CPUs", cpus: 8, queues: 1, types: ["g7ne.2xlarge", "g5ne.2xlarge"] },
      {
        name: "with no less bandwidth",
        cpus: 8,
        queues: 1,
        gbps: 10,
        types: ["g7ne.4xlarge", "g7ne.8xlarge"],
      },
      { name: "with no fewer queues", cpus: 32, queues: 32, types: ["g7ne.12xlarge", "g7ne.16xlarge"] },
      { name: "with more packets/s", cpus: 64, queues: 16, types: ["g7ne.16xlarge", "g5ne.16xlarge"] },
      { name: "of no name where none is larger", cpus: 96, queues: 32, types: [] },
      { name: "of no name where none is as fast", cpus: 8, queues: 8, gbps: 100, types: [] },
    ];
    for (const { name, cpus, queues, gbps, types } of rows) {
      test(name, () => {
        const masks = Array.from({ length: queues }, () => 2n ** BigInt(cpus) - 1n);
        const observation = observationOfLines({
          cpus: Array.from({ length: cpus }, () => full),
          interfaces: [{ masks, droppedShare: 1 }],
        });
        const bandwidth = { gbps, source: "link" } as const;
        const advice = planned(observation, {}, { bandwidth }).document.advice!;
        assert.deepEqual(
          [...advice.matchAll(/ecs\.(\S+) \(/g)].map(([, type]) => type),
          types,
        );
        assert.match(advice, types.length > 0 ? / such as / : /\(no g5ne or g7ne type has that /);
      });
    }
  });

  test("for a used-up budget is a bigger one", () => {
    assert.deepEqual(planned(budget).steps, ["sysctl net.core.netdev_budget 300 600", CONF]);
  });

  test("for a healthy host is nothing", () => {
    const { steps, noUse, document } = planned(healthy);
    assert.deepEqual([steps, noUse, document.advice], [[], [], null]);
  });

  test("for a healthy host is nothing either where a value is asked for, unless by force", () => {
    const none = planned(healthy, { backlog: 9000 });
    assert.deepEqual(none.steps, []);
    assert.ok(none.noUse.includes("healthy"));
  });
});

describe("what the operator asks for", () => {
  test("a value in place of the table's", () => {
    assert.deepEqual(planned(burst, { backlog: 30_000 }).steps, [
      "sysctl net.core.netdev_max_backlog 1000 30000",
      CONF,
    ]);
  });

  test("a longer queue under an overload, against advice", () => {
    const { steps, noUse } = planned(overload, { backlog: 30_000, rps: "off" });
    assert.deepEqual(steps, ["sysctl net.core.netdev_max_backlog 1000 30000", CONF]);
    assert.ok(noUse.includes("backlog-under-overload"));
  });

  test("a value that is lower is refused", () => {
    const { steps, noUse } = planned(burst, { backlog: 500 });
    assert.deepEqual(steps, []);
    assert.ok(noUse.includes("backlog-not-lowered"));
  });

  test("a mask", () => {
    assert.deepEqual(planned(overload, { rps: 1n }).steps, [`${MASK} 0 1`, ...RPS_FILES]);
  });

  test("a mask that is set already is no change", () => {
    const { steps, noUse } = planned(overload, { rps: 0n });
    assert.deepEqual(steps, []);
    assert.ok(noUse.includes("rps-already-set"));
  });

  test("another interface", () => {
    const two = {
      ...overload,
      interfaces: [...overload.interfaces, { ...overload.interfaces[0]!, name: "eth1" }],
    };
    assert.match(planned(two, { device: "eth1" }).steps[0]!, /\/eth1\//);
  });

  test("no files", () => {
    assert.deepEqual(planned(burst, { persist: false }).steps, [
      "sysctl net.core.netdev_max_backlog 1000 5000",
    ]);
  });

  test("a longer queue where no packet enters one is said to be of no use", () => {
    const { steps, noUse } = planned(healthy, { backlog: 30_000 });
    assert.deepEqual(steps, []);
    assert.ok(noUse.includes("nic-bypasses-backlog"));
  });
});

describe("nothing is planned", () => {
  const withSysctls = (sysctls: object): Observation => ({
    ...burst,
    settings: { ...burst.settings, sysctls: { ...burst.settings.sysctls, ...sysctls } },
  });

  test("where the queue has no limit, and that is said", () => {
    const { steps, noUse, document } = planned(withSysctls({ netdevMaxBacklog: -1 }));
    assert.deepEqual(steps, []);
    assert.ok(noUse.includes("backlog-unlimited"));
    assert.match(document.notes[0]!, /without a limit/);
  });

  test("in another network namespace", () => {
    assert.ok(planned(withSysctls({ netdevMaxBacklog: undefined })).noUse.includes("other-namespace"));
  });

  test("for an interface whose name no script may hold", () => {
    const odd = { ...overload, interfaces: [{ ...overload.interfaces[0]!, name: "eth0;reboot" }] };
    assert.ok(planned(odd).noUse.includes("no-device"));
  });

  test("that did not help before, unless by force", () => {
    const measure = { lostPerMillion: 90_000, squeezedPerMillion: 0, packetsPerSecond: 20_000 };
    const failures = [
      {
        key: "netdev_max_backlog",
        target: "net.core.netdev_max_backlog",
        time: "2026-11-22T20:00:00.123Z",
        before: measure,
        after: { ...measure, lostPerMillion: 85_000 },
        proof: "not-improved",
        isTakenBack: true,
      },
    ] as const;
    const { steps, noUse, document } = planned(burst, {}, { failures });
    assert.deepEqual(steps, []);
    assert.deepEqual(noUse, ["did-not-help-before"]);
    assert.match(
      document.cannotHelp[0]!.why,
      /tried at 2026-11-22T20:00:00Z .* 90,000 lost packets per million before, 85,000 after/,
    );
    assert.equal(planned(burst, { force: true }, { failures }).steps.length, 2);

    const delayed = [{ ...failures[0], after: { ...measure, lostPerMillion: 0 }, proof: "filling" }] as const;
    assert.match(
      planned(burst, {}, { failures: delayed }).document.cannotHelp[0]!.why,
      /only delayed the loss/,
    );

    const stuck = [{ ...failures[0], isTakenBack: false }] as const;
    assert.match(
      planned(burst, {}, { failures: stuck }).document.cannotHelp[0]!.why,
      /tried at 2026-11-22T20:00:00Z and could not be taken back: 90,000/,
    );
  });

  test("for an overload that RPS did not help before, and another instance is advised", () => {
    const measure = { lostPerMillion: 90_000, squeezedPerMillion: 0, packetsPerSecond: 20_000 };
    const time = "2026-11-22T20:00:00Z";
    const proof = "not-improved";
    const failures = [
      { key: "rps eth0", target: MASK, time, before: measure, after: measure, proof, isTakenBack: true },
    ] as const;
    const { steps, noUse, document } = planned(overload, {}, { failures });
    assert.deepEqual(steps, []);
    assert.ok(noUse.includes("did-not-help-before"));
    assert.match(document.advice!, /network-enhanced/);
    assert.equal(planned(overload, { rps: "off" }).document.advice, null);
  });
});

describe("the files", () => {
  const tuning = {
    sysctl: [{ path: "/etc/sysctl.d/99-network-tuning.conf", text: " net.core.netdev_max_backlog=2000\n" }],
    rps: [
      { path: "/usr/local/sbin/softnet-rps", text: "#!/bin/sh\nmasks='\neth0 52:54:00:12:34:56 1\n'\n" },
      { path: "/etc/systemd/system/softnet-remedy.service", text: "" },
    ],
    tuned: [],
    tunedReappliesSysctl: true,
    ecsMq: undefined,
    irqbalance: undefined,
  };

  test("have the line that is there now", () => {
    const [, file] = planned(burst, {}, { tuning }).document.steps;
    assert.deepEqual(
      [file?.from, file?.to],
      [" net.core.netdev_max_backlog=2000", "net.core.netdev_max_backlog = 5000"],
    );
  });

  test("are left where they set more", () => {
    const sysctl = [
      { path: "/etc/sysctl.d/99-network-tuning.conf", text: "net.core.netdev_max_backlog=9000\n" },
    ];
    assert.deepEqual(planned(burst, {}, { tuning: { ...tuning, sysctl } }).plan.files, []);
  });

  test("of masks are named with what they set now", () => {
    assert.deepEqual(
      planned(overload, {}, { tuning }).plan.files.map(({ path, from, to }) => [path, from, to]),
      [
        ["/usr/local/sbin/softnet-rps", "eth0 1", "eth0 3"],
        ["/etc/udev/rules.d/90-softnet-remedy.rules", null, "eth0 3"],
      ],
    );
  });
});
