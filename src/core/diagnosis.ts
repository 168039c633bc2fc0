import { cpuMaskText } from "./cpu-mask.ts";
import type { Finding, FindingCode, FindingSeverity, RemedyKind } from "./finding.ts";
import type { HostSettings } from "./host-settings.ts";
import type { Observation, ObservedInterface } from "./observation.ts";
import { toThousandths } from "./rounding.ts";
import type { Language } from "./text.ts";
import type { Verdict } from "./verdict.ts";

/** The document of `diagnose --json`: public, and the same from a host and from a capture. */
export interface DiagnosisDocument {
  readonly schemaVersion: 1;
  /** True exactly when there is no finding. */
  readonly healthy: boolean;
  readonly sampledSeconds: number;
  readonly findings: readonly FindingDocument[];
  readonly elsewhere: readonly ElsewhereDocument[];
  readonly host: HostDocument;
  readonly cpus: readonly CpuDocument[];
}

export interface FindingDocument {
  readonly code: FindingCode;
  readonly severity: FindingSeverity;
  readonly confidence: number;
  readonly summary: string;
  readonly evidence: Finding["evidence"];
  readonly remedy: RemedyKind | null;
}

export interface ElsewhereDocument {
  readonly counter: string;
  readonly perSecond: number;
  readonly means: string;
  /** Of `rx_missed_errors`. */
  readonly interface: string | undefined;
}

/** Undefined keys are left out of the text: what the host does not show is absent. */
export interface CpuDocument {
  readonly cpu: number;
  readonly processedPerSecond: number;
  readonly droppedPerSecond: number;
  readonly squeezedPerSecond: number;
  readonly receivedRpsPerSecond: number | undefined;
  readonly flowLimitPerSecond: number | undefined;
  /** Packets waiting at the end. */
  readonly backlog: number | undefined;
  readonly softirqPercent: number | undefined;
}

export interface HostDocument {
  readonly hostname: string | undefined;
  readonly kernelRelease: string | undefined;
  readonly measuredAt: string;
  readonly inOwnNetworkNamespace: boolean;
  readonly possibleCpus: number | undefined;
  readonly onlineCpus: readonly number[] | undefined;
  readonly isolatedCpus: readonly number[] | undefined;
  readonly memoryAvailableBytes: number | undefined;
  /** By the kernel's names; masks in its spelling. */
  readonly sysctls: Readonly<Record<string, number | string | undefined>>;
  readonly interfaces: readonly InterfaceDocument[];
}

export interface InterfaceDocument {
  readonly name: string;
  readonly kind: string;
  readonly driver: string | undefined;
  readonly speedMbps: number | undefined;
  readonly numaNode: number | undefined;
  readonly rxQueues: number;
  readonly txQueues: number;
  /** One for each receive queue. */
  readonly rpsCpus: readonly string[] | undefined;
  readonly threaded: boolean | undefined;
  readonly receivingCpus: readonly number[] | undefined;
  readonly rxPacketsPerSecond: number | undefined;
  readonly rxDroppedPerSecond: number | undefined;
  readonly rxMissedPerSecond: number | undefined;
}

/** Numbers are rounded to three decimals: a counter of whole packets cannot tell more. */
export function diagnosisDocument(
  observation: Observation,
  verdict: Verdict,
  lang: Language,
): DiagnosisDocument {
  return rounded({
    schemaVersion: 1,
    healthy: verdict.findings.length === 0,
    sampledSeconds: observation.sampledSeconds,
    findings: verdict.findings.map(({ code, severity, confidence, summary, evidence, remedy }) => ({
      code,
      severity,
      confidence,
      summary: summary[lang],
      evidence,
      remedy,
    })),
    elsewhere: verdict.elsewhere.map(({ counter, perSecond, means, interface: name }) => ({
      counter,
      perSecond,
      means: means[lang],
      interface: name,
    })),
    host: hostDocument(observation),
    cpus: observation.cpus.map((cpu) => ({
      cpu: cpu.cpu,
      processedPerSecond: cpu.processedPerSecond,
      droppedPerSecond: cpu.droppedPerSecond,
      squeezedPerSecond: cpu.squeezedPerSecond,
      receivedRpsPerSecond: cpu.receivedRpsPerSecond,
      flowLimitPerSecond: cpu.flowLimitPerSecond,
      backlog: cpu.backlog,
      softirqPercent: cpu.load?.softirqPercent,
    })),
  });
}

function hostDocument({ settings, interfaces, takenAtMs }: Observation): HostDocument {
  const { sysctls, cpus } = settings;
  const maskText = (mask: bigint | undefined): string | undefined =>
    mask === undefined ? undefined : cpuMaskText(mask, cpus.possible);
  return {
    hostname: settings.hostname,
    kernelRelease: settings.kernelRelease,
    measuredAt: new Date(takenAtMs).toISOString(),
    inOwnNetworkNamespace: settings.inOwnNetworkNamespace,
    possibleCpus: cpus.possible,
    onlineCpus: cpus.online,
    isolatedCpus: cpus.isolated,
    memoryAvailableBytes: settings.memoryAvailableBytes,
    sysctls: {
      netdev_max_backlog: sysctls.netdevMaxBacklog,
      netdev_budget: sysctls.netdevBudget,
      netdev_budget_usecs: sysctls.netdevBudgetUsecs,
      dev_weight: sysctls.devWeight,
      flow_limit_cpu_bitmap: maskText(sysctls.flowLimitCpuBitmap),
      rps_sock_flow_entries: sysctls.rpsSockFlowEntries,
      rps_default_mask: maskText(sysctls.rpsDefaultMask),
    },
    interfaces: interfaces.map((netInterface) => interfaceDocument(netInterface, settings)),
  };
}

function interfaceDocument(netInterface: ObservedInterface, settings: HostSettings): InterfaceDocument {
  const masks = netInterface.rxQueues.flatMap(({ rpsCpus }) =>
    rpsCpus === undefined ? [] : [cpuMaskText(rpsCpus, settings.cpus.possible)],
  );
  return {
    name: netInterface.name,
    kind: netInterface.kind,
    driver: netInterface.driver,
    speedMbps: netInterface.speedMbps,
    numaNode: netInterface.numaNode,
    rxQueues: netInterface.rxQueues.length,
    txQueues: netInterface.txQueues.length,
    rpsCpus: masks.length > 0 ? masks : undefined,
    threaded: netInterface.threaded,
    receivingCpus: netInterface.receivingCpus,
    rxPacketsPerSecond: netInterface.rxPacketsPerSecond,
    rxDroppedPerSecond: netInterface.rxDroppedPerSecond,
    rxMissedPerSecond: netInterface.rxMissedPerSecond,
  };
}

/** Every number of a document to three decimals. */
function rounded<T>(value: T): T {
  if (typeof value === "number") return toThousandths(value) as T;
  if (Array.isArray(value)) return value.map(rounded) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rounded(inner)])) as T;
}
