import type { HostSettings } from "../../src/core/host-settings.ts";
import type { Reading } from "../../src/core/observation.ts";

/** Cumulative counters of one CPU. */
export interface CpuCounters {
  readonly processed?: number;
  readonly dropped?: number;
  readonly squeezed?: number;
  readonly flowLimit?: number;
  readonly backlog?: number;
  /** Ticks since boot, of which the rest up to `total` is idle. */
  readonly softirq?: number;
  readonly steal?: number;
  readonly total?: number;
}

const COLUMNS = 13;

/** A reading at so many seconds after boot; the keys of `cpus` are ids. */
export function readingAt(
  seconds: number,
  cpus: Readonly<Record<number, CpuCounters>>,
  rest: Partial<Reading> & { readonly bootId?: string } = {},
): Reading {
  const { bootId = "boot", ...others } = rest;
  const ids = Object.keys(cpus).map(Number);
  const words = new Uint32Array(ids.length * COLUMNS);
  ids.forEach((cpu, row) => {
    const { processed = 0, dropped = 0, squeezed = 0, flowLimit = 0, backlog = 0 } = cpus[cpu]!;
    words.set([processed, dropped, squeezed], row * COLUMNS);
    words.set([flowLimit, backlog, cpu], row * COLUMNS + 10);
  });
  const times = (value: (counters: CpuCounters) => number): Float64Array =>
    Float64Array.from(ids, (cpu) => value(cpus[cpu]!));
  return {
    softnet: {
      takenAtMs: 1_700_000_000_000 + seconds * 1000,
      monotonicMs: seconds * 1000,
      bootId,
      columns: COLUMNS,
      cpus: Uint32Array.from(ids),
      words,
    },
    cpuTime: {
      cpus: Uint32Array.from(ids),
      softirq: times(({ softirq = 0 }) => softirq),
      steal: times(({ steal = 0 }) => steal),
      idle: times(({ softirq = 0, steal = 0, total = 0 }) => total - softirq - steal),
      total: times(({ total = 0 }) => total),
    },
    interfaces: [],
    elsewhere: undefined,
    netRx: undefined,
    interrupts: undefined,
    ...others,
  };
}

export const settingsOfTwoCpus: HostSettings = {
  hostname: "web-3",
  kernelRelease: "6.12.0",
  sysctls: {
    netdevMaxBacklog: 1000,
    netdevBudget: 300,
    netdevBudgetUsecs: 8000,
    devWeight: 64,
    flowLimitCpuBitmap: 0n,
    rpsSockFlowEntries: 0,
    rpsDefaultMask: 0n,
  },
  cpus: { possible: 2, online: [0, 1], isolated: [], ofNode: {} },
  interfaces: [],
  memoryAvailableBytes: undefined,
  inOwnNetworkNamespace: false,
};

export const eth0 = {
  name: "eth0",
  kind: "nic",
  driver: "virtio_net",
  operstate: "up",
  speedMbps: undefined,
  numaNode: undefined,
  rxQueues: [{ index: 0, rpsCpus: 0n, rpsFlowCnt: 0 }],
  txQueues: [],
  threaded: false,
  irqs: [
    { irq: 40, name: "virtio2-config", cpus: [1] },
    { irq: 41, name: "virtio2-input.0", cpus: [0, 1] },
    { irq: 42, name: "virtio2-output.0", cpus: [1] },
  ],
} as const satisfies HostSettings["interfaces"][number];
