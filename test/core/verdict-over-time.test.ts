import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { HostSeverity } from "../../src/core/finding.ts";
import type { Verdict } from "../../src/core/verdict.ts";
import { advance, newCourse, type VerdictChange } from "../../src/core/verdict-over-time.ts";

function verdict(severity: HostSeverity, losesPackets = severity !== "healthy"): Verdict {
  return { severity, findings: [], losesPackets, cannotHelp: [], elsewhere: [] };
}

const healthy = verdict("healthy");
const warning = verdict("warning");
const critical = verdict("critical");
const strained = verdict("warning", false);

/** Runs through spells of equal verdicts, one a second, and lists the changes as `second: from → to`. */
function changesIn(spells: readonly (readonly [seconds: number, verdict: Verdict])[]): readonly string[] {
  return coursesOf(spells).map(({ atMs, from, to }) => `${atMs / 1000}: ${from} → ${to}`);
}

function coursesOf(
  spells: readonly (readonly [seconds: number, verdict: Verdict])[],
): readonly VerdictChange[] {
  let course = newCourse(0);
  const changes: VerdictChange[] = [];
  let second = 0;
  for (const [seconds, one] of spells) {
    for (let i = 0; i < seconds; i++) {
      second++;
      const next = advance(course, second * 1000, one);
      course = next.course;
      if (next.change) changes.push(next.change);
    }
  }
  return changes;
}

describe("the verdict over time", () => {
  const rows: readonly {
    name: string;
    spells: Parameters<typeof changesIn>[0];
    changes: readonly string[];
  }[] = [
    { name: "stays healthy", spells: [[1000, healthy]], changes: [] },
    {
      name: "is raised two seconds after a loss and cleared after five minutes without one",
      spells: [
        [10, healthy],
        [60, critical],
        [1000, healthy],
      ],
      changes: ["13: healthy → critical", "371: critical → healthy"],
    },
    {
      name: "is not raised by a second's verdict",
      spells: [
        [10, healthy],
        [2, critical],
        [100, healthy],
      ],
      changes: [],
    },
    {
      name: "rises from warning to critical",
      spells: [
        [5, warning],
        [5, critical],
      ],
      changes: ["3: healthy → warning", "6: warning → critical"],
    },
    {
      name: "goes straight to critical where that is known in time",
      spells: [
        [1, warning],
        [5, critical],
      ],
      changes: ["3: healthy → critical"],
    },
    {
      name: "waits a minute for strain without a loss",
      spells: [
        [60, strained],
        [1, healthy],
        [100, strained],
      ],
      changes: ["122: healthy → warning"],
    },
    {
      name: "holds on while losses come and go",
      spells: [
        ...Array.from({ length: 20 }, () => [
          [30, critical],
          [120, healthy],
        ]).flat(),
        [1000, healthy],
      ] as [number, Verdict][],
      changes: ["3: healthy → critical", "3181: critical → healthy"],
    },
    {
      name: "steps down to warning while that lasts",
      spells: [
        [10, critical],
        [400, warning],
        [400, healthy],
      ],
      changes: ["3: healthy → critical", "311: critical → warning", "711: warning → healthy"],
    },
  ];
  for (const { name, spells, changes } of rows) {
    test(name, () => assert.deepEqual(changesIn(spells), changes));
  }

  test("knows nothing of the time in which nobody looked", () => {
    let { course } = advance(newCourse(0), 1000, critical);
    // The machine slept for an hour between two verdicts: neither has lasted.
    ({ course } = advance(course, 3_601_000, critical));
    assert.equal(course.severity, "healthy");
    ({ course } = advance(course, 3_603_000, critical));
    assert.equal(course.severity, "critical");
    ({ course } = advance(course, 7_200_000, healthy));
    assert.equal(course.severity, "critical");
  });

  test("tells each change with the worst of its episode", () => {
    const worst = verdict("critical");
    const changes = coursesOf([
      [10, warning],
      [10, worst],
      [700, healthy],
    ]);
    assert.deepEqual(
      changes.map(({ event, episode }) => [event, episode.beganAtMs, episode.worst]),
      [
        ["softnet_warning", 3000, "warning"],
        ["softnet_critical", 3000, "critical"],
        ["softnet_recovered", 3000, "critical"],
      ],
    );
    assert.equal(changes[2]!.episode.verdict, worst);
  });
});
