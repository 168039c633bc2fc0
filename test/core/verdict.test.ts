import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { FindingCode, FindingSeverity, RemedyKind } from "../../src/core/finding.ts";
import { DEFAULT_THRESHOLDS } from "../../src/core/thresholds.ts";
import { verdictOf } from "../../src/core/verdict.ts";
import { observationOfLines } from "./observations.ts";

interface Row {
  readonly name: string;
  readonly seen: Parameters<typeof observationOfLines>[0];
  readonly findings: Partial<Record<FindingCode, readonly [FindingSeverity, RemedyKind | null]>>;
}

const suffers = { droppedShare: 1 };
const calm = { softirq: 5 };

const rows: readonly Row[] = [
  // Healthy
  { name: "no traffic is healthy", seen: { cpus: [{ processed: 0 }, { processed: 0 }] }, findings: {} },
  {
    name: "busy traffic without losses is healthy",
    seen: { cpus: [{ softirq: 85 }, { softirq: 70 }] },
    findings: {},
  },
  {
    name: "a full CPU without drops and squeezes is healthy",
    seen: { cpus: [{ softirq: 100 }, calm] },
    findings: {},
  },
  {
    name: "few squeezes without drops are healthy, however busy the CPU",
    seen: { cpus: [{ softirq: 95, squeezed: 0.9 }, calm] },
    findings: {},
  },
  {
    name: "squeezes that time explains are healthy on a CPU with time left",
    seen: { cpus: [{ softirq: 80, squeezed: 200 }, calm] },
    findings: {},
  },
  {
    name: "squeezes above what time explains are healthy while they are few",
    seen: { cpus: [{ softirq: 0, squeezed: 49.9 }, calm] },
    findings: {},
  },
  {
    name: "losses elsewhere are no finding",
    seen: {
      cpus: [calm, calm],
      interfaces: [{ dropped: 500, missed: 100 }],
      elsewhere: [{ counter: "UdpRcvbufErrors", interface: undefined, perSecond: 300 }],
    },
    findings: {},
  },

  // backlog-too-small
  {
    name: "drops below 80 % are a backlog too small, critical when sustained",
    seen: { cpus: [{ dropped: 41_185, softirq: 66 }, calm], interfaces: [suffers] },
    findings: { "backlog-too-small": ["critical", "backlog"] },
  },
  {
    name: "one burst is a warning",
    seen: { cpus: [{ dropped: 500, softirq: 30, droppingSamples: 1, droppingSeconds: 1 }, calm] },
    findings: { "backlog-too-small": ["warning", "backlog"] },
  },
  {
    name: "one lost packet is a warning",
    seen: { cpus: [{ dropped: 0.1, softirq: 0, droppingSamples: 1, droppingSeconds: 1 }, calm] },
    findings: { "backlog-too-small": ["warning", "backlog"] },
  },
  {
    name: "drops in two long samples are not known to be sustained",
    seen: { cpus: [{ dropped: 500, softirq: 30, droppingSamples: 2, droppingSeconds: 10 }, calm] },
    findings: { "backlog-too-small": ["warning", "backlog"] },
  },
  {
    name: "drops in three samples of five seconds together are sustained",
    seen: { cpus: [{ dropped: 500, softirq: 30, droppingSamples: 3, droppingSeconds: 5 }, calm] },
    findings: { "backlog-too-small": ["critical", "backlog"] },
  },
  {
    name: "just below 80 % is a backlog too small alone",
    seen: { cpus: [{ dropped: 100, softirq: 70, steal: 9.9 }, calm] },
    findings: { "backlog-too-small": ["critical", "backlog"] },
  },
  {
    name: "at 80 % both are possible",
    seen: { cpus: [{ dropped: 100, softirq: 80 }, calm] },
    findings: { "backlog-too-small": ["critical", "backlog"], "cpu-bottleneck": ["critical", "instance"] },
  },
  {
    name: "just below 90 % both are possible",
    seen: { cpus: [{ dropped: 100, softirq: 80, steal: 9.9 }, calm] },
    findings: { "backlog-too-small": ["critical", "backlog"], "cpu-bottleneck": ["critical", "instance"] },
  },
  {
    name: "without /proc/stat drops are a backlog too small, as far as one can tell",
    seen: { cpus: [{ dropped: 100, softirq: null }, { softirq: null }] },
    findings: { "backlog-too-small": ["critical", "backlog"] },
  },
  {
    name: "a short overload is judged by the samples that dropped, not by the quiet around them",
    seen: { cpus: [{ dropped: 100, softirq: 25, softirqWhileDropping: 99 }, calm] },
    findings: { "cpu-bottleneck": ["critical", "instance"] },
  },

  // cpu-bottleneck
  {
    name: "at 90 % a dropping CPU is a bottleneck alone",
    seen: { cpus: [{ dropped: 100, softirq: 90 }, calm] },
    findings: { "cpu-bottleneck": ["critical", "instance"] },
  },
  {
    name: "steal counts like softirq",
    seen: { cpus: [{ dropped: 100, softirq: 10, steal: 80 }, calm] },
    findings: { "cpu-bottleneck": ["critical", "instance"] },
  },
  {
    name: "cheap packets saturate a CPU without any squeeze",
    seen: { cpus: [{ dropped: 5000, softirq: 100, squeezed: 0 }, calm] },
    findings: { "cpu-bottleneck": ["critical", "instance"] },
  },
  {
    name: "squeezes of a full CPU are a warning before the first drop",
    seen: { cpus: [{ softirq: 90, squeezed: 60 }, calm] },
    findings: { "cpu-bottleneck": ["warning", "instance"] },
  },
  {
    name: "a queue that stays above its limit is no burst, whatever /proc/stat says",
    seen: { cpus: [{ dropped: 100, softirq: 40, shareAboveLimit: 0.9, backlogMaximum: 1999 }, calm] },
    findings: { "cpu-bottleneck": ["critical", "instance"] },
  },
  {
    name: "a queue that is often above its limit drains in between",
    seen: { cpus: [{ dropped: 100, softirq: 40, shareAboveLimit: 0.8, backlogMaximum: 1999 }, calm] },
    findings: { "backlog-too-small": ["critical", "backlog"] },
  },
  {
    name: "two looks at a queue do not tell that it stays full",
    seen: {
      cpus: [
        { dropped: 100, softirq: 40, shareAboveLimit: 1, backlogSamples: 2, backlogMaximum: 1999 },
        calm,
      ],
    },
    findings: { "backlog-too-small": ["critical", "backlog"] },
  },
  {
    name: "each CPU is judged by itself",
    seen: {
      cpus: [
        { dropped: 100, softirq: 99 },
        { dropped: 10, softirq: 20 },
      ],
    },
    findings: { "cpu-bottleneck": ["critical", "instance"], "backlog-too-small": ["critical", "backlog"] },
  },

  // budget-too-small
  {
    name: "more squeezes than time explains are a budget too small",
    seen: { cpus: [calm, { softirq: 98, squeezed: 797 }], interfaces: [{}] },
    findings: { "budget-too-small": ["warning", "budget"] },
  },
  {
    name: "squeezes up to what time explains are the CPU's",
    seen: { cpus: [{ softirq: 100, squeezed: 250 }, calm] },
    findings: { "cpu-bottleneck": ["warning", "instance"] },
  },
  {
    name: "one squeeze more is the budget's",
    seen: { cpus: [{ softirq: 100, squeezed: 250.1 }, calm] },
    findings: { "budget-too-small": ["warning", "budget"] },
  },
  {
    name: "half the time explains half the squeezes",
    seen: { cpus: [{ softirq: 50, squeezed: 125.1 }, calm] },
    findings: { "budget-too-small": ["warning", "budget"] },
  },
  {
    name: "a shorter time limit explains more squeezes",
    seen: {
      cpus: [{ softirq: 50, squeezed: 499 }, calm],
      sysctls: { netdevBudgetUsecs: 2000 },
    },
    findings: {},
  },
  {
    name: "an unknown time limit is taken for the shortest",
    seen: { cpus: [{ softirq: 100, squeezed: 1000 }, calm], sysctls: { netdevBudgetUsecs: undefined } },
    findings: { "cpu-bottleneck": ["warning", "instance"] },
  },
  {
    name: "with drops the full CPU is named too, and RPS is no advice",
    seen: { cpus: [calm, { softirq: 98, squeezed: 797, dropped: 3 }], interfaces: [suffers] },
    findings: { "cpu-bottleneck": ["critical", "instance"], "budget-too-small": ["warning", "budget"] },
  },

  // flow-limit-drops
  {
    name: "the flow limit is counted on one CPU and its drops on another",
    seen: {
      cpus: [
        { flowLimit: 80, softirq: 30 },
        { dropped: 100, softirq: 60 },
      ],
      sysctls: { flowLimitCpuBitmap: 3n },
    },
    findings: { "flow-limit-drops": ["warning", null] },
  },
  {
    name: "below 80 % of the drops the flow limit is not the cause",
    seen: {
      cpus: [
        { flowLimit: 79.9, softirq: 30 },
        { dropped: 100, softirq: 60 },
      ],
    },
    findings: { "backlog-too-small": ["critical", "backlog"] },
  },
  {
    name: "a CPU that one flow saturates is named beside the flow limit",
    seen: {
      cpus: [
        { flowLimit: 100, softirq: 30 },
        { dropped: 100, softirq: 99 },
      ],
    },
    findings: { "cpu-bottleneck": ["critical", "instance"], "flow-limit-drops": ["warning", null] },
  },

  // steering-narrow
  {
    name: "one queue without RPS leaves idle CPUs out",
    seen: { cpus: [calm, { dropped: 2000, softirq: 99 }], interfaces: [suffers] },
    findings: { "cpu-bottleneck": ["critical", "rps"], "steering-narrow": ["reason", "rps"] },
  },
  {
    name: "one queue is narrow even where several CPUs may take its interrupt",
    seen: {
      cpus: [calm, { dropped: 2000, softirq: 99 }],
      interfaces: [{ ...suffers, receivingCpus: [0, 1] }],
    },
    findings: { "cpu-bottleneck": ["critical", "rps"], "steering-narrow": ["reason", "rps"] },
  },
  {
    name: "steering matters before the first drop, for the interface that receives the most",
    seen: {
      cpus: [calm, { squeezed: 60, softirq: 99 }],
      interfaces: [{ name: "lo", kind: "loopback", packets: 10 }, { packets: 20_000 }],
    },
    findings: { "cpu-bottleneck": ["warning", "rps"], "steering-narrow": ["reason", "rps"] },
  },
  {
    name: "the mask f of a large instance leaves idle CPUs out",
    seen: {
      cpus: [...Array.from({ length: 4 }, () => ({ dropped: 10, softirq: 95 })), calm, calm, calm, calm],
      interfaces: [{ ...suffers, masks: [0xfn, 0xfn] }],
    },
    findings: { "cpu-bottleneck": ["critical", "rps"], "steering-narrow": ["reason", "rps"] },
  },
  {
    name: "fewer queues than CPUs without RPS leave idle CPUs out",
    seen: {
      cpus: [{ dropped: 10, softirq: 95 }, { dropped: 10, softirq: 95 }, calm, calm],
      interfaces: [{ ...suffers, masks: [0n, 0n], receivingCpus: [0, 1] }],
    },
    findings: { "cpu-bottleneck": ["critical", "rps"], "steering-narrow": ["reason", "rps"] },
  },
  {
    name: "as many queues as CPUs are not narrow",
    seen: {
      cpus: [{ dropped: 10, softirq: 95 }, { dropped: 10, softirq: 95 }, calm],
      interfaces: [{ ...suffers, masks: [0n, 0n, 0n], receivingCpus: [0, 1] }],
    },
    findings: { "cpu-bottleneck": ["critical", "instance"] },
  },
  {
    name: "CPUs without room are not left out",
    seen: { cpus: [{ softirq: 50 }, { dropped: 2000, softirq: 99 }], interfaces: [suffers] },
    findings: { "cpu-bottleneck": ["critical", "instance"] },
  },
  {
    name: "an isolated CPU is not left out: the kernel would not use it",
    seen: { cpus: [calm, { dropped: 2000, softirq: 99 }], interfaces: [suffers], isolated: [0] },
    findings: { "cpu-bottleneck": ["critical", "instance"] },
  },
  {
    name: "a kernel without RPS has no RPS for a remedy",
    seen: { cpus: [calm, { dropped: 2000, softirq: 99 }], interfaces: [{ ...suffers, masks: [null] }] },
    findings: { "cpu-bottleneck": ["critical", "instance"], "steering-narrow": ["reason", null] },
  },
  {
    name: "a backlog too small has no narrow steering",
    seen: { cpus: [calm, { dropped: 2000, softirq: 40 }], interfaces: [{ ...suffers, masks: [2n] }] },
    findings: { "backlog-too-small": ["critical", "backlog"] },
  },

  // single-flow
  {
    name: "RPS over two CPUs that fills one of them meets a single flow",
    seen: {
      cpus: [{ dropped: 2057, softirq: 99 }, { softirq: 20 }],
      interfaces: [{ ...suffers, masks: [3n] }],
    },
    findings: { "cpu-bottleneck": ["critical", "instance"], "single-flow": ["reason", null] },
  },
  {
    name: "a narrow mask with an idle CPU in it meets a single flow, and widening is no advice",
    seen: {
      cpus: [{ dropped: 10, softirq: 99 }, calm, calm, calm],
      interfaces: [{ ...suffers, masks: [3n] }],
    },
    findings: { "cpu-bottleneck": ["critical", "instance"], "single-flow": ["reason", null] },
  },
  {
    name: "queues on two CPUs of which one is full meet a single flow",
    seen: {
      cpus: [{ dropped: 10, softirq: 99 }, calm, calm, calm],
      interfaces: [{ ...suffers, masks: [0n, 0n], receivingCpus: [0, 1] }],
    },
    findings: { "cpu-bottleneck": ["critical", "instance"], "single-flow": ["reason", null] },
  },
  {
    name: "the CPU of the interrupt is full of all flows: RPS spreads only what comes behind it",
    seen: {
      cpus: [{ squeezed: 60, softirq: 99 }, calm],
      interfaces: [{ masks: [3n], receivingCpus: [0] }],
    },
    findings: { "cpu-bottleneck": ["warning", "instance"] },
  },
  {
    name: "two full CPUs are no single flow",
    seen: {
      cpus: [{ dropped: 10, softirq: 99 }, { dropped: 10, softirq: 99 }, calm],
      interfaces: [{ ...suffers, masks: [7n] }],
    },
    findings: { "cpu-bottleneck": ["critical", "instance"] },
  },

  // virtual-path
  {
    name: "drops on a veth name it",
    seen: {
      cpus: [{ dropped: 100, softirq: 30 }, calm],
      interfaces: [
        { ...suffers, droppedShare: 0.04 },
        { name: "veth1", kind: "veth", droppedShare: 0.96 },
      ],
    },
    findings: { "backlog-too-small": ["critical", "backlog"], "virtual-path": ["reason", null] },
  },
  {
    name: "traffic of a veth is no reason while a NIC suffers",
    seen: {
      cpus: [{ dropped: 100, softirq: 30 }, calm],
      interfaces: [suffers, { name: "veth1", kind: "veth", droppedShare: 0 }],
    },
    findings: { "backlog-too-small": ["critical", "backlog"] },
  },
];

describe("a verdict", () => {
  for (const { name, seen, findings } of rows) {
    test(name, () => {
      const verdict = verdictOf(observationOfLines(seen));
      assert.deepEqual(
        Object.fromEntries(verdict.findings.map(({ code, severity, remedy }) => [code, [severity, remedy]])),
        findings,
      );
    });
  }

  test("never stays silent about a lost packet", () => {
    for (let percent = 0; percent <= 100; percent++) {
      for (const squeezed of [0, 5, 60, 5000]) {
        for (const shareAboveLimit of [0, 1]) {
          for (const flowLimit of [0, 79, 100]) {
            const cpu = { dropped: 100, softirq: percent, squeezed, shareAboveLimit, flowLimit };
            const { severity } = verdictOf(observationOfLines({ cpus: [cpu, calm], interfaces: [suffers] }));
            assert.notEqual(severity, "healthy", JSON.stringify(cpu));
          }
        }
      }
    }
  });

  test("is at most half sure where both causes are possible", () => {
    for (const softirq of [80, 85, 89.9]) {
      const { findings } = verdictOf(
        observationOfLines({ cpus: [{ dropped: 100, softirq, squeezed: 60 }, calm] }),
      );
      assert.equal(findings.length, 2);
      for (const { confidence } of findings) assert.ok(confidence <= 0.5);
    }
  });

  test("is at most 60 % sure of a single flow", () => {
    const { findings } = verdictOf(
      observationOfLines({
        cpus: [{ dropped: 10, softirq: 99, flowLimit: 10 }, calm],
        interfaces: [{ ...suffers, masks: [3n] }],
      }),
    );
    const flow = findings.find(({ code }) => code === "single-flow");
    assert.ok(flow && flow.confidence <= 0.6);
  });

  test("puts the worst finding first and its reasons last", () => {
    const { findings, severity } = verdictOf(
      observationOfLines({
        cpus: [{ softirq: 60, squeezed: 900 }, { dropped: 100, softirq: 99 }, calm],
        interfaces: [{ name: "veth1", kind: "veth", droppedShare: 1 }],
      }),
    );
    assert.equal(severity, "critical");
    assert.deepEqual(
      findings.map(({ code }) => code),
      ["cpu-bottleneck", "budget-too-small", "steering-narrow", "virtual-path"],
    );
  });

  test("goes by the thresholds it is given", () => {
    const seen = observationOfLines({ cpus: [{ dropped: 100, softirq: 85 }, calm] });
    const strict = { ...DEFAULT_THRESHOLDS, saturatedPercent: 85, notSaturatedPercent: 75 };
    assert.deepEqual(
      verdictOf(seen, strict).findings.map(({ code }) => code),
      ["cpu-bottleneck"],
    );
  });
});

describe("the interface that suffers", () => {
  const summaryOf = (interfaces: Row["seen"]["interfaces"]): string =>
    verdictOf(
      observationOfLines({
        cpus: [{ dropped: 100, softirq: 30 }, calm],
        ...(interfaces ? { interfaces } : {}),
      }),
    ).findings[0]!.summary.en;

  test("is named", () => {
    assert.match(summaryOf([{ name: "eth7", droppedShare: 1 }]), /packets\/s on eth7:/);
  });

  test("is one of several", () => {
    assert.match(
      summaryOf([
        { name: "eth1", droppedShare: 0.4 },
        { name: "eth0", droppedShare: 0.6 },
      ]),
      /on eth0 and eth1:/,
    );
  });

  test("lies in another network namespace where none that is visible explains the drops", () => {
    assert.match(
      summaryOf([{ name: "eth0", droppedShare: 0.09 }]),
      /on an interface in another network namespace:/,
    );
  });

  for (const { name, cpu, found } of [
    { name: "from a NIC whose interrupt is on the full CPU", cpu: 1, found: [["eth0", 0.5]] },
    { name: "but not from a NIC whose interrupt is on another CPU", cpu: 0, found: [] },
  ]) {
    test(`there gets its packets ${name}`, () => {
      const { findings } = verdictOf(
        observationOfLines({
          cpus: [calm, { dropped: 2000, softirq: 99 }],
          interfaces: [{ packets: 50_000, droppedShare: 0, receivingCpus: [cpu] }],
        }),
      );
      const narrow = findings.filter(({ code }) => code === "steering-narrow");
      assert.deepEqual(
        narrow.map(({ evidence, confidence }) => [evidence["interface"], confidence]),
        found,
      );
      assert.equal(findings[0]!.remedy, found.length > 0 ? "rps" : null);
    });
  }

  test("is not guessed where no interface can be seen", () => {
    assert.match(summaryOf(undefined), /packets\/s: /);
  });
});

describe("evidence", () => {
  test("carries the numbers that led to a bottleneck, and no number nobody knows", () => {
    const { findings } = verdictOf(
      observationOfLines({
        cpus: [calm, { dropped: 1982, squeezed: 68.8, softirq: 97, steal: 1, backlogMaximum: 1999 }],
        interfaces: [suffers],
        sysctls: { netdevMaxBacklog: undefined },
      }),
    );
    assert.deepEqual(findings[0]!.evidence, {
      cpus: [1],
      droppedPerSecond: 1982,
      squeezedPerSecond: 68.8,
      worstCpu: 1,
      softirqPercent: 97,
      stealPercent: 1,
      idlePercent: 2,
      backlogMaximumPackets: 1999,
      largestDropOfOneSamplePackets: 3964,
      interfaces: ["eth0"],
      squeezesByTimePerSecond: 245,
      queueStaysFull: false,
    });
  });

  test("names the flow limit's bitmap and both kinds of CPUs", () => {
    const { findings } = verdictOf(
      observationOfLines({
        cpus: [
          { flowLimit: 95, softirq: 30 },
          { dropped: 100, softirq: 60 },
        ],
        sysctls: { flowLimitCpuBitmap: 3n },
      }),
    );
    assert.deepEqual(findings[0]!.evidence, {
      droppedPerSecond: 100,
      flowLimitPerSecond: 95,
      shareOfDropped: 0.95,
      flowLimitCpuBitmap: "3",
      enqueuingCpus: [0],
      droppingCpus: [1],
    });
    assert.match(findings[0]!.summary.en, /net\.core\.flow_limit_cpu_bitmap \(now 3\)/);
  });
});

describe("what cannot help", () => {
  const codesOf = (seen: Row["seen"]): readonly string[] =>
    verdictOf(observationOfLines(seen)).cannotHelp.map(({ code }) => code);

  const cannot: readonly { name: string; seen: Row["seen"]; codes: readonly string[] }[] = [
    {
      name: "a bigger backlog and a bigger budget against an overload with squeezes",
      seen: { cpus: [calm, { dropped: 2000, squeezed: 60, softirq: 99 }], interfaces: [suffers] },
      codes: ["backlog-under-overload", "budget-under-overload"],
    },
    {
      name: "nothing is ruled out while both causes are possible",
      seen: { cpus: [calm, { dropped: 2000, softirq: 85 }], interfaces: [suffers] },
      codes: [],
    },
    {
      name: "RPS against a budget too small",
      seen: { cpus: [calm, { squeezed: 800, softirq: 95 }], interfaces: [{}] },
      codes: ["rps-for-budget"],
    },
    {
      name: "RPS against a single flow",
      seen: { cpus: [{ dropped: 2000, softirq: 99 }, calm], interfaces: [{ ...suffers, masks: [3n] }] },
      codes: ["backlog-under-overload", "rps-for-single-flow"],
    },
    { name: "nothing is said to a healthy host", seen: { cpus: [calm], interfaces: [{}] }, codes: [] },
    {
      name: "a bigger backlog against a NIC that loses packets before the kernel",
      seen: { cpus: [calm], interfaces: [{ missed: 100 }] },
      codes: ["nic-bypasses-backlog"],
    },
  ];
  for (const { name, seen, codes } of cannot) test(name, () => assert.deepEqual(codesOf(seen), codes));
});
