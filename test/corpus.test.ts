import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import { constructedFiles } from "../scripts/construct-corpus.ts";
import { deltaBetween } from "../src/core/delta.ts";
import { COLUMN, hasBacklogLen, type SoftnetSample } from "../src/core/softnet-sample.ts";
import { HostError } from "../src/errors.ts";
import { Machine } from "../src/host/machine.ts";
import { readSoftnetStat } from "../src/host/softnet-stat.ts";

const CORPUS = join(import.meta.dirname, "../corpus");

type CpuValues = Readonly<Record<string, number>>;

interface ExpectedReading {
  readonly uptimeSeconds: number;
  readonly columns?: number;
  readonly cpus?: readonly CpuValues[];
  readonly refused?: { readonly line: number };
}

interface ExpectedGrowth {
  readonly none?: string;
  readonly elapsedSeconds: number;
  readonly appeared: readonly number[];
  readonly left: readonly number[];
  readonly cpus: readonly CpuValues[];
}

interface Case {
  readonly about: string;
  readonly readings: readonly ExpectedReading[];
  readonly growth?: ExpectedGrowth;
}

function takeReading(name: string, index: number, { uptimeSeconds }: ExpectedReading): SoftnetSample {
  using machine = new Machine(join(CORPUS, name, String(index + 1)));
  return readSoftnetStat(machine, { takenAtMs: 0, monotonicMs: uptimeSeconds * 1000 });
}

/** What our sample says of a CPU, in the words of the corpus. */
function valuesOf(sample: SoftnetSample, row: number): CpuValues {
  const values: Record<string, number> = { cpu: sample.cpus[row]! };
  for (const [name, column] of Object.entries(COLUMN)) {
    const isSaid = column < sample.columns && (column < COLUMN.backlogLen || hasBacklogLen(sample.columns));
    if (isSaid && name !== "cpuId") values[name] = sample.words[row * sample.columns + column]!;
  }
  return values;
}

function growthBetween(before: SoftnetSample, after: SoftnetSample): unknown {
  const delta = deltaBetween(before, after);
  if (delta.kind !== "delta") return { none: delta.kind };
  const { elapsedSeconds, appeared, left, cpus, processed, dropped, timeSqueeze } = delta;
  return {
    elapsedSeconds,
    appeared,
    left,
    cpus: Array.from(cpus, (cpu, row) => ({
      cpu,
      processed: processed[row],
      dropped: dropped[row],
      timeSqueeze: timeSqueeze[row],
      ...(delta.receivedRps && { receivedRps: delta.receivedRps[row] }),
      ...(delta.flowLimitCount && { flowLimitCount: delta.flowLimitCount[row] }),
    })),
  };
}

/** We do not look at collisions: no kernel since 4.7 counts any. */
function withoutCollisions(growth: ExpectedGrowth): unknown {
  if (growth.none) return growth;
  const isLookedAt = ([name]: [string, number]): boolean => name !== "cpuCollision";
  const cpus = growth.cpus.map((cpu) => Object.fromEntries(Object.entries(cpu).filter(isLookedAt)));
  return { ...growth, cpus };
}

describe("the corpus", () => {
  const names = readdirSync(CORPUS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of names) {
    const expected = JSON.parse(readFileSync(join(CORPUS, name, "case.json"), "utf8")) as Case;
    test(`${name}: ${expected.about}`, () => {
      const samples = expected.readings.map((reading, index) => {
        if (reading.refused) {
          assert.throws(
            () => takeReading(name, index, reading),
            (error) => error instanceof HostError && error.where.endsWith(` line ${reading.refused!.line}`),
          );
          return undefined;
        }
        const sample = takeReading(name, index, reading);
        assert.equal(sample.columns, reading.columns);
        assert.deepEqual(
          Array.from(sample.cpus, (_, row) => valuesOf(sample, row)),
          reading.cpus,
        );
        return sample;
      });
      const [before, after] = samples;
      if (!expected.growth) return;
      const growth = growthBetween(before!, after!) as ExpectedGrowth;
      assert.deepEqual(
        growth.none ? growth : { ...growth, elapsedSeconds: Number(growth.elapsedSeconds.toFixed(6)) },
        withoutCollisions(expected.growth),
      );
    });
  }

  test("holds what its script constructs", () => {
    for (const [path, text] of constructedFiles()) {
      assert.equal(readFileSync(join(CORPUS, path), "utf8"), text, path);
    }
  });
});
