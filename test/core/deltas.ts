import type { SoftnetDelta } from "../../src/core/delta.ts";

/** Growth by CPU id; what is not given did not grow. */
export function deltaOf(growth: {
  readonly dropped?: Readonly<Record<number, number>>;
  readonly timeSqueeze?: Readonly<Record<number, number>>;
  readonly processed?: Readonly<Record<number, number>>;
  readonly elapsedSeconds?: number;
  readonly takenAtMs?: number;
}): SoftnetDelta {
  const { dropped = {}, timeSqueeze = {}, processed = {} } = growth;
  const cpus = [...new Set([dropped, timeSqueeze, processed].flatMap((of) => Object.keys(of).map(Number)))];
  cpus.sort((a, b) => a - b);
  const column = (of: Readonly<Record<number, number>>) => Uint32Array.from(cpus, (cpu) => of[cpu] ?? 0);
  return {
    kind: "delta",
    takenAtMs: growth.takenAtMs ?? 0,
    elapsedSeconds: growth.elapsedSeconds ?? 1,
    cpus: Uint32Array.from(cpus),
    processed: column(processed),
    dropped: column(dropped),
    timeSqueeze: column(timeSqueeze),
    receivedRps: undefined,
    flowLimitCount: undefined,
    backlogLen: undefined,
    appeared: [],
    left: [],
  };
}
