import type { CpuDocument } from "./diagnosis.ts";
import type { HostSettings } from "./host-settings.ts";
import { toThousandths } from "./rounding.ts";
import type { WatchedRates, WatchFrame } from "./watch.ts";

/** One line of `watch --json`: public; the keys of a CPU are those of `diagnose --json`. */
export interface WatchDocument {
  readonly schemaVersion: 1;
  readonly measuredAt: string;
  readonly sampledSeconds: number;
  /** Words that the kernel prints for each CPU. */
  readonly columns: number;
  readonly host: {
    readonly hostname: string | undefined;
    readonly kernelRelease: string | undefined;
    readonly inOwnNetworkNamespace: boolean;
  };
  /** The sum over the CPUs; the percentage is their mean. */
  readonly all: Omit<CpuDocument, "cpu">;
  readonly cpus: readonly CpuDocument[];
  /** CPUs that came online or went offline since the line before: they have no rates. */
  readonly appeared: readonly number[];
  readonly left: readonly number[];
}

export function watchDocument(frame: WatchFrame, settings: HostSettings): WatchDocument {
  const { hostname, kernelRelease, inOwnNetworkNamespace } = settings;
  return {
    schemaVersion: 1,
    measuredAt: new Date(frame.takenAtMs).toISOString(),
    sampledSeconds: toThousandths(frame.elapsedSeconds),
    columns: frame.columns,
    host: { hostname, kernelRelease, inOwnNetworkNamespace },
    all: ratesDocument(frame.all),
    cpus: frame.cpus.map((cpu) => ({ cpu: cpu.cpu, ...ratesDocument(cpu) })),
    appeared: frame.appeared,
    left: frame.left,
  };
}

function ratesDocument(rates: WatchedRates): Omit<CpuDocument, "cpu"> {
  return {
    processedPerSecond: toThousandths(rates.processedPerSecond),
    droppedPerSecond: toThousandths(rates.droppedPerSecond),
    squeezedPerSecond: toThousandths(rates.squeezedPerSecond),
    receivedRpsPerSecond: ifPrinted(rates.receivedRpsPerSecond),
    flowLimitPerSecond: ifPrinted(rates.flowLimitPerSecond),
    backlog: rates.backlog,
    softirqPercent: ifPrinted(rates.load?.softirqPercent),
  };
}

/** An undefined key is left out of the text. */
function ifPrinted(value: number | undefined): number | undefined {
  return value === undefined ? undefined : toThousandths(value);
}
