import type { NicIrq } from "../core/host-settings.ts";
import type { CountOfEachCpu } from "../core/observation.ts";
import { readCpuList } from "./cpu-sets.ts";
import { type Host, readText } from "./host.ts";

const NET = "/sys/class/net";

export interface Interrupt {
  /** What stands after the counts, by which the driver names it: `virtio2-input.0`. */
  readonly name: string;
  readonly counts: CountOfEachCpu;
}

/**
 * Reads the interrupts of network devices. A large machine has a thousand others, each counted for hundreds of CPUs.
 *
 * @returns undefined where the host does not show them.
 */
export function readNetInterrupts(host: Host): ReadonlyMap<number, Interrupt> | undefined {
  const wanted = new Set(
    host.list(NET).flatMap((name) => (hasDevice(host, name) ? irqNumbers(host, name) : [])),
  );
  const text = wanted.size > 0 ? readText(host, "/proc/interrupts") : undefined;
  return text === undefined ? undefined : parseInterrupts(text, wanted);
}

/** What has none is software: looking is cheaper than failing to read below it. */
function hasDevice(host: Host, interfaceName: string): boolean {
  return host.list(`${NET}/${interfaceName}`).includes("device");
}

/**
 * Parses `/proc/interrupts`: a head of the online CPUs, then rows of a number, a count for each of them, chip, trigger and name.
 * Rows of architecture interrupts (`NMI`, `LOC`) have no number and are left out.
 */
export function parseInterrupts(text: string, wanted: ReadonlySet<number>): ReadonlyMap<number, Interrupt> {
  const [head, ...rows] = text.split("\n");
  const cpus = cpusOfHead(head!);
  const interrupts = new Map<number, Interrupt>();
  for (const row of rows) {
    const number = Number(/^ *(\d+):/.exec(row)?.[1]);
    if (!wanted.has(number)) continue;
    const words = row.trim().split(/\s+/).slice(1);
    interrupts.set(number, {
      name: words.slice(cpus.length).at(-1) ?? "",
      counts: new Map(cpus.map((cpu, i) => [cpu, Number(words[i])])),
    });
  }
  return interrupts;
}

/** How often each CPU was asked to receive. Undefined where the host does not show it. */
export function readNetRx(host: Host): CountOfEachCpu | undefined {
  const text = readText(host, "/proc/softirqs");
  return text === undefined ? undefined : parseNetRx(text);
}

/** The head of `/proc/softirqs` names every possible CPU, offline ones too. */
export function parseNetRx(text: string): CountOfEachCpu | undefined {
  const [head, ...rows] = text.split("\n");
  const row = rows.find((line) => line.trimStart().startsWith("NET_RX:"));
  if (row === undefined) return undefined;
  const counts = row.trim().split(/\s+/).slice(1);
  return new Map(cpusOfHead(head!).map((cpu, i) => [cpu, Number(counts[i])]));
}

/**
 * The interrupts of an interface that has a device, and the CPUs they go to.
 *
 * @param interrupts to name them by.
 */
export function readNicIrqs(
  host: Host,
  interfaceName: string,
  interrupts: ReadonlyMap<number, Interrupt> | undefined,
): readonly NicIrq[] {
  return irqNumbers(host, interfaceName).map((irq) => ({
    irq,
    name: interrupts?.get(irq)?.name,
    // The effective one is a subset of what was asked for, and missing on some interrupt chips.
    cpus:
      nonEmpty(readCpuList(host, `/proc/irq/${irq}/effective_affinity_list`)) ??
      readCpuList(host, `/proc/irq/${irq}/smp_affinity_list`),
  }));
}

/** A virtio NIC's own directory lies below that of its PCI function, which has the interrupts. */
function irqNumbers(host: Host, interfaceName: string): readonly number[] {
  const device = `${NET}/${interfaceName}/device`;
  const own = host.list(`${device}/msi_irqs`);
  const names = own.length > 0 ? own : host.list(`${device}/../msi_irqs`);
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

function cpusOfHead(head: string): readonly number[] {
  return [...head.matchAll(/CPU(\d+)/g)].map((match) => Number(match[1]));
}

function nonEmpty(cpus: readonly number[] | undefined): readonly number[] | undefined {
  return cpus && cpus.length > 0 ? cpus : undefined;
}
