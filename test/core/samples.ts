import { COLUMN, type SoftnetSample } from "../../src/core/softnet-sample.ts";

type Words = Readonly<Partial<Record<keyof typeof COLUMN, number>>>;

/** A sample of the CPUs that are keys of `rows`. */
export function sampleOf(
  rows: Readonly<Record<number, Words>>,
  sample: Partial<Pick<SoftnetSample, "takenAtMs" | "monotonicMs" | "bootId" | "columns">> = {},
): SoftnetSample {
  const { takenAtMs = 0, monotonicMs = 1000, columns = 15 } = sample;
  const cpus = Object.keys(rows).map(Number);
  const words = new Uint32Array(cpus.length * columns);
  for (const [row, cpu] of cpus.entries()) {
    for (const [name, value] of Object.entries(rows[cpu]!)) {
      words[row * columns + COLUMN[name as keyof typeof COLUMN]] = value;
    }
    if (columns > COLUMN.cpuId) words[row * columns + COLUMN.cpuId] = cpu;
  }
  const bootId = "bootId" in sample ? sample.bootId : "boot-1";
  return { takenAtMs, monotonicMs, bootId, columns, cpus: Uint32Array.from(cpus), words };
}
