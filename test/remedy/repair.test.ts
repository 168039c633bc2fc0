import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { Observation } from "../../src/core/observation.ts";
import { planRemedy, type RemedyPlan } from "../../src/core/remedy-plan.ts";
import { verdictOf } from "../../src/core/verdict.ts";
import { HostError, RemedyError } from "../../src/errors.ts";
import { type Repair, repair, type RepairWorld } from "../../src/remedy/repair.ts";
import type { ScriptResult } from "../../src/remedy/run-script.ts";
import { type CpuLine, observationOfLines } from "../core/observations.ts";

const of = (line: CpuLine): Observation =>
  observationOfLines({
    cpus: [{}, { processed: 20_000, ...line }],
    interfaces: [{ masks: [2n], droppedShare: 1 }],
  });
const losing = of({ dropped: 2000, softirq: 40 });
const cured = of({});
const still = of({ dropped: 1900, softirq: 40 });
const idle = of({ processed: 0 });
const filling = (): Observation => {
  const seen = of({ softirq: 100 });
  const [first, second] = seen.cpus;
  return {
    ...seen,
    cpus: [
      first!,
      { ...second!, backlogs: { ...second!.backlogs!, maximumOfFirstThird: 900, maximumOfLastThird: 4000 } },
    ],
  };
};

interface Story {
  readonly before?: Observation | undefined;
  readonly after?: readonly (Observation | undefined | Error)[];
  readonly agrees?: boolean;
  readonly persist?: boolean;
  readonly force?: boolean;
  /** What apply changes; one value where nothing is said. */
  readonly changed?: readonly string[];
  /** Exit code of a script, by its name. */
  readonly exits?: Readonly<Record<string, number>>;
  /** What a script that fails could not put back. */
  readonly left?: readonly string[];
}

/** Tells a story to `repair`. @returns how it ended, and the scripts that ran. */
async function told(
  story: Story,
): Promise<{ ended: Repair | Error; ran: readonly string[]; windows: number; noted: readonly string[] }> {
  const ran: string[] = [];
  const noted: string[] = [];
  let windows = 0;
  const plan = (observation: Observation): Promise<{ plan: RemedyPlan; isHealthy: boolean }> => {
    const verdict = verdictOf(observation);
    const policy = {
      backlog: story.force ? 9000 : "auto",
      rps: "auto",
      device: undefined,
      force: story.force ?? false,
      persist: story.persist ?? true,
    } as const;
    return Promise.resolve({
      plan: planRemedy(observation, verdict, policy, {
        bandwidth: { gbps: undefined, source: "unknown" },
        tuning: undefined,
        failures: [],
        firstBudgetUsecs: undefined,
      }),
      isHealthy: verdict.findings.length === 0,
    });
  };
  const world: RepairWorld = {
    measureBefore: () => Promise.resolve("before" in story ? story.before : losing),
    measureAfter: (window) => {
      windows = window;
      const seen = story.after?.[window - 1];
      return seen instanceof Error ? Promise.reject(seen) : Promise.resolve(seen);
    },
    plan,
    consents: () => Promise.resolve(story.agrees ?? true),
    run: (script): Promise<ScriptResult> => {
      const name = /^script=(.*)$/m.exec(script)![1]!;
      ran.push(name);
      return Promise.resolve({
        exitCode: story.exits?.[name] ?? 0,
        message: `${name} ended`,
        changed: story.changed ?? ["net.core.netdev_max_backlog"],
        left: story.left ?? [],
      });
    },
    say: () => {},
    note: ({ how, problem, proof }) => {
      noted.push([how, problem?.code ?? [], proof ?? []].flat().join(" "));
    },
  };
  try {
    return { ended: await repair(world), ran, windows, noted };
  } catch (error) {
    assert.ok(error instanceof Error);
    return { ended: error, ran, windows, noted };
  }
}

describe("a repair", () => {
  const rows: readonly (Story & {
    readonly name: string;
    /** The result, the error's code, or how it ended otherwise. */
    readonly ends: string;
    readonly ran: readonly string[];
    readonly windows?: number;
    /** Of a run without a result: how it broke off, why, and what had been proved by then. */
    readonly noted?: string;
  })[] = [
    { name: "of a healthy host changes nothing", before: cured, ends: "healthy", ran: [] },
    {
      name: "that helps is kept and persisted",
      after: [cured],
      ends: "kept, persisted",
      ran: ["apply", "persist"],
    },
    {
      name: "that shall not last is kept only",
      after: [cured],
      persist: false,
      ends: "kept",
      ran: ["apply"],
    },
    {
      name: "that does not help is taken back at once",
      after: [still],
      ends: "undone",
      ran: ["apply", "take-back"],
      windows: 1,
    },
    {
      name: "that only fills a queue is taken back after three windows",
      after: [filling(), filling(), filling()],
      ends: "undone",
      ran: ["apply", "take-back"],
      windows: 3,
    },
    {
      name: "that fills a queue which then drops is taken back",
      after: [filling(), still],
      ends: "undone",
      ran: ["apply", "take-back"],
      windows: 2,
    },
    {
      name: "under a queue that stops rising is kept",
      after: [filling(), cured],
      ends: "kept, persisted",
      ran: ["apply", "persist"],
      windows: 2,
    },
    {
      name: "under a load that went away stays unproven, and is not persisted",
      after: [idle, idle, idle],
      ends: "unproven",
      ran: ["apply"],
      windows: 3,
    },
    {
      name: "of a healthy host, by force, stays unproven after one window",
      before: cured,
      after: [cured],
      force: true,
      ends: "unproven",
      ran: ["apply"],
      windows: 1,
    },
    {
      name: "under a load that comes back is judged by it",
      after: [idle, still],
      ends: "undone",
      ran: ["apply", "take-back"],
      windows: 2,
    },
    {
      name: "that is not agreed to changes nothing",
      agrees: false,
      ends: "declined",
      ran: [],
      noted: "declined",
    },
    { name: "cut short before the change changes nothing", before: undefined, ends: "interrupted", ran: [] },
    {
      name: "cut short after the change is taken back",
      after: [undefined],
      ends: "interrupted",
      ran: ["apply", "take-back"],
      noted: "interrupted",
    },
    {
      name: "that finds a setting changed meanwhile stops",
      exits: { apply: 3 },
      ends: "changed-meanwhile",
      ran: ["apply"],
      noted: "broken changed-meanwhile",
    },
    {
      name: "that the kernel refuses stops",
      exits: { apply: 5 },
      ends: "refused",
      ran: ["apply"],
      noted: "broken refused",
    },
    {
      name: "that finds everything set already has nothing to prove, keep or take back",
      after: [still],
      changed: [],
      ends: "changed-meanwhile",
      ran: ["apply", "take-back"],
      windows: 0,
      noted: "broken changed-meanwhile",
    },
    {
      name: "that cannot be measured any more is taken back",
      after: [new HostError({ code: "softnet-stat-absent", expected: "", got: "", where: "" })],
      ends: "softnet-stat-absent",
      ran: ["apply", "take-back"],
      noted: "broken softnet-stat-absent",
    },
    {
      name: "that cannot be made to last is kept, and that is said",
      after: [cured],
      exits: { persist: 6 },
      ends: "kept, but cannot-write",
      ran: ["apply", "persist"],
    },
    {
      name: "that cannot be taken back wholly says so",
      after: [still],
      exits: { "take-back": 2 },
      ends: "left",
      ran: ["apply", "take-back"],
      noted: "broken left not-improved",
    },
  ];
  for (const { name, ends, ran, windows, noted, ...story } of rows) {
    test(name, async () => {
      const happened = await told(story);
      assert.equal(summaryOf(happened.ended), ends);
      assert.deepEqual(happened.ran, ran);
      assert.deepEqual(happened.noted, noted === undefined ? [] : [noted]);
      if (windows !== undefined) assert.equal(happened.windows, windows);
    });
  }
});

for (const { left, where } of [
  { left: [], where: "remedy apply (nothing was changed)" },
  { left: ["net.core.netdev_max_backlog"], where: "remedy apply" },
]) {
  test(`a refused change ${left.length > 0 ? "of which something stays" : "that is taken back"} is told as it is`, async () => {
    const { ended } = await told({ exits: { apply: 5 }, left });
    assert.ok(ended instanceof RemedyError);
    const rest = left.length > 0 ? `, and not put back: ${left.join(", ")}` : "";
    assert.equal(ended.message, `${where}: expected values that the kernel takes, got apply ended${rest}`);
  });
}

function summaryOf(ended: Repair | Error): string {
  if (ended instanceof RemedyError || ended instanceof HostError) return ended.code;
  if (ended instanceof Error) throw ended;
  if (ended.kind !== "ended") return ended.kind;
  const { result, persisted } = ended.outcome;
  if (ended.problem) return `${result}, but ${ended.problem.code}`;
  return persisted ? `${result}, persisted` : result;
}
