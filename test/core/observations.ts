import type { CpuLoad } from "../../src/core/cpu-time.ts";
import type { HostSettings, InterfaceKind, NetSysctls } from "../../src/core/host-settings.ts";
import type {
  Observation,
  ObservedCpu,
  ObservedElsewhere,
  ObservedInterface,
} from "../../src/core/observation.ts";

/** One CPU of a constructed observation: what a row of a table needs to say, and nothing else. */
export interface CpuLine {
  readonly processed?: number;
  readonly dropped?: number;
  readonly squeezed?: number;
  readonly flowLimit?: number;
  /** Percent; null is a host without /proc/stat. */
  readonly softirq?: number | null;
  readonly steal?: number;
  /** Percent of softirq in the samples in which it dropped, where that differs. */
  readonly softirqWhileDropping?: number;
  readonly droppingSamples?: number;
  readonly droppingSeconds?: number;
  readonly backlogMaximum?: number;
  readonly shareAboveLimit?: number;
  readonly backlogSamples?: number;
}

export interface InterfaceLine {
  readonly name?: string;
  readonly kind?: InterfaceKind;
  /** One for each receive queue; null is a kernel without RPS. */
  readonly masks?: readonly (bigint | null)[];
  readonly packets?: number;
  readonly droppedShare?: number;
  readonly dropped?: number;
  readonly missed?: number;
  readonly receivingCpus?: readonly number[];
}

/** Ten seconds of a host: CPU 0, 1, … by the order of `cpus`. */
export function observationOfLines(lines: {
  readonly cpus: readonly CpuLine[];
  readonly interfaces?: readonly InterfaceLine[];
  readonly sysctls?: Partial<NetSysctls>;
  readonly isolated?: readonly number[];
  readonly elsewhere?: readonly ObservedElsewhere[];
}): Observation {
  const cpus = lines.cpus.map(observedCpu);
  const sum = (rate: "processedPerSecond" | "droppedPerSecond" | "squeezedPerSecond"): number =>
    cpus.reduce((total, cpu) => total + cpu[rate], 0);
  const settings: HostSettings = {
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
      ...lines.sysctls,
    },
    cpus: {
      possible: cpus.length,
      online: cpus.map(({ cpu }) => cpu),
      isolated: lines.isolated ?? [],
      ofNode: {},
    },
    interfaces: [],
    memoryAvailableBytes: 8 * 2 ** 30,
    inOwnNetworkNamespace: false,
  };
  const all = {
    processedPerSecond: sum("processedPerSecond"),
    droppedPerSecond: sum("droppedPerSecond"),
    squeezedPerSecond: sum("squeezedPerSecond"),
    receivedRpsPerSecond: 0,
    flowLimitPerSecond: cpus.reduce((total, cpu) => total + cpu.flowLimitPerSecond!, 0),
    backlog: 0,
  };
  return {
    kind: "observation",
    takenAtMs: 1_700_000_000_000,
    sampledSeconds: 10,
    samples: 10,
    all,
    allOfLastThird: all,
    cpus,
    interfaces: (lines.interfaces ?? []).map(observedInterface),
    elsewhere: lines.elsewhere ?? [],
    settings,
  };
}

function observedCpu(line: CpuLine, cpu: number): ObservedCpu {
  const dropped = line.dropped ?? 0;
  return {
    cpu,
    processedPerSecond: line.processed ?? 10_000,
    droppedPerSecond: dropped,
    squeezedPerSecond: line.squeezed ?? 0,
    receivedRpsPerSecond: 0,
    flowLimitPerSecond: line.flowLimit ?? 0,
    backlog: 0,
    largestDropOfOneSample: dropped * 2,
    droppingSamples: line.droppingSamples ?? (dropped > 0 ? 10 : 0),
    droppingSeconds: line.droppingSeconds ?? (dropped > 0 ? 10 : 0),
    backlogs: {
      maximum: line.backlogMaximum ?? 0,
      maximumOfFirstThird: line.backlogMaximum ?? 0,
      maximumOfLastThird: line.backlogMaximum ?? 0,
      shareAboveLimit: line.shareAboveLimit ?? 0,
      samples: line.backlogSamples ?? 10,
    },
    load: loadOfLine(line, line.softirq),
    loadWhileDropping: dropped > 0 ? loadOfLine(line, line.softirqWhileDropping ?? line.softirq) : undefined,
    netRxPerSecond: undefined,
  };
}

function loadOfLine(line: CpuLine, softirq: number | null | undefined): CpuLoad | undefined {
  if (softirq === null) return undefined;
  const [softirqPercent, stealPercent] = [softirq ?? 5, line.steal ?? 0];
  return { softirqPercent, stealPercent, idlePercent: Math.max(0, 100 - softirqPercent - stealPercent) };
}

function observedInterface(line: InterfaceLine): ObservedInterface {
  return {
    name: line.name ?? "eth0",
    kind: line.kind ?? "nic",
    driver: "virtio_net",
    operstate: "up",
    speedMbps: undefined,
    numaNode: undefined,
    rxQueues: (line.masks ?? [0n]).map((mask, index) => ({
      index,
      rpsCpus: mask ?? undefined,
      rpsFlowCnt: 0,
    })),
    txQueues: [],
    threaded: false,
    irqs: [],
    rxPacketsPerSecond: line.packets ?? 10_000,
    rxDroppedPerSecond: line.dropped ?? 0,
    rxMissedPerSecond: line.missed ?? 0,
    shareOfDropped: line.droppedShare,
    receivingCpus: line.receivingCpus,
  };
}
