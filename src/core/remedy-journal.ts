import { type CpuMask, parseCpuMask } from "./cpu-mask.ts";
import type { HostSettings } from "./host-settings.ts";
import { REMEDY_SYSCTLS, type RemedySysctl } from "./remedy-script.ts";

/** What the scripts have noted; see src/core/script. Undone, there is none. */
export interface RemedyJournal {
  readonly values: readonly JournaledValue[];
  /** Paths of the files written, each once. */
  readonly files: readonly string[];
  /** ISO 8601: when values were set, the first time first. */
  readonly runs: readonly string[];
}

export type JournaledValue = JournaledSysctl | JournaledMask;

interface JournaledSysctl {
  readonly kind: "sysctl";
  readonly name: RemedySysctl;
  /** Before the first remedy. */
  readonly original: number;
  /** Set by the last one. */
  readonly set: number;
}

interface JournaledMask {
  readonly kind: "rps";
  readonly device: string;
  readonly queue: number;
  readonly original: CpuMask;
  readonly set: CpuMask;
}

/** Undefined for a text that is no journal. What a newer version may have noted beside is left out. */
export function parseJournal(text: string): RemedyJournal | undefined {
  const [header, ...lines] = text.split("\n");
  if (header !== "softnet-remedy 1") return undefined;
  const values = new Map<string, JournaledValue>();
  const files = new Set<string>();
  const runs: string[] = [];
  for (const line of lines) {
    const [kind, what = "", to = "", from = ""] = line.split(" ");
    if (kind === "run") runs.push(what);
    if (kind === "file") files.add(what);
    if (kind !== "sysctl" && kind !== "rps") continue;
    const value = kind === "sysctl" ? sysctlOf(what, from, to) : maskOf(what, from, to);
    if (value === undefined) continue;
    const first = values.get(what);
    values.set(what, first ? ({ ...value, original: first.original } as JournaledValue) : value);
  }
  return { values: [...values.values()], files: [...files], runs };
}

function sysctlOf(path: string, from: string, to: string): JournaledSysctl | undefined {
  const name = REMEDY_SYSCTLS.find((one) => path === `/proc/sys/net/core/${one}`);
  return name && { kind: "sysctl", name, original: Number(from), set: Number(to) };
}

function maskOf(path: string, from: string, to: string): JournaledMask | undefined {
  const match = /^\/sys\/class\/net\/([^/]+)\/queues\/rx-(\d+)\/rps_cpus$/.exec(path);
  const [original, set] = [parseCpuMask(from), bareMask(to)];
  if (!match || original === undefined || set === undefined) return undefined;
  return { kind: "rps", device: match[1]!, queue: Number(match[2]), original, set };
}

/** What was set is noted without commas. */
function bareMask(text: string): CpuMask | undefined {
  return /^[0-9a-f]+$/.test(text) ? BigInt(`0x${text}`) : undefined;
}

/** A setting that is no longer what the remedy set. */
export interface Drift {
  readonly value: JournaledValue;
  readonly found: number | CpuMask;
}

/** What the host shows against what the journal says. What the host does not show, as an interface that is gone, has not drifted. */
export function driftOf({ values }: RemedyJournal, settings: HostSettings): readonly Drift[] {
  return values.flatMap((value) => {
    const found = foundIn(settings, value);
    return found === undefined || found === value.set ? [] : [{ value, found }];
  });
}

function foundIn({ sysctls, interfaces }: HostSettings, value: JournaledValue): number | CpuMask | undefined {
  if (value.kind === "rps") {
    const device = interfaces.find(({ name }) => name === value.device);
    return device?.rxQueues.find(({ index }) => index === value.queue)?.rpsCpus;
  }
  switch (value.name) {
    case "netdev_max_backlog":
      return sysctls.netdevMaxBacklog;
    case "netdev_budget":
      return sysctls.netdevBudget;
    case "netdev_budget_usecs":
      return sysctls.netdevBudgetUsecs;
  }
}
