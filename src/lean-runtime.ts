import { setFlagsFromString } from "node:v8";

/** Up to here a sample costs less than node_exporter's even when it is interpreted; beyond, memory is what a machine has most of. */
const MOST_CPUS = 8;

/**
 * Lets V8 interpret instead of compiling, on a small machine: an agent that works a millisecond a second gains nothing from compiled
 * code, and the compilers and what they make take 10 MB. These flags may be set while code runs, unlike `--jitless` and `--lite-mode`.
 */
export function leanRuntime(cpus: number): void {
  if (cpus > MOST_CPUS) return;
  for (const flag of ["--no-opt", "--no-maglev", "--no-sparkplug", "--optimize-for-size"]) {
    setFlagsFromString(flag);
  }
}
