import { type CpuLoad, type CpuTicks, type CpuTime, loadOf, ticksBetween } from "./cpu-time.ts";
import { deltaBetween, type NoDelta, type SoftnetDelta } from "./delta.ts";
import type { HostSettings, InterfaceSettings, NicIrq } from "./host-settings.ts";
import { type CpuRates, type SoftnetRates, sumOf } from "./rates.ts";
import type { SoftnetSample } from "./softnet-sample.ts";

/** Everything that moves, read at one time. What was not read, or is absent, is undefined. */
export interface Reading {
  readonly softnet: SoftnetSample;
  readonly cpuTime: CpuTime | undefined;
  readonly interfaces: readonly InterfaceCounters[] | undefined;
  readonly elsewhere: ElsewhereCounts | undefined;
  /** NET_RX of `/proc/softirqs`: the growth says which CPUs receive, by interrupt or by a wake-up of RPS. */
  readonly netRx: CountOfEachCpu | undefined;
  /** `/proc/interrupts`, by the number of each interrupt of a network device. */
  readonly interrupts: ReadonlyMap<number, CountOfEachCpu> | undefined;
}

/** Cumulative and 32 bits wide, by CPU id; offline CPUs are not in it. */
export type CountOfEachCpu = ReadonlyMap<number, number>;

/** `/sys/class/net/X/statistics`, cumulative. */
export interface InterfaceCounters {
  readonly name: string;
  readonly rxPackets: number;
  /** Every drop of the backlog is also counted here, at the interface that received the packet. */
  readonly rxDropped: number | undefined;
  /** Lost by the NIC before the kernel saw it. */
  readonly rxMissedErrors: number | undefined;
}

/** Losses past the backlog, cumulative, by nstat's names. They lead on to the next place to look and are never findings. */
export type ElsewhereCounter =
  | "UdpRcvbufErrors"
  | "TcpExtListenOverflows"
  | "TcpExtListenDrops"
  | "TcpExtTCPBacklogDrop"
  | "conntrack_drop";

export type ElsewhereCounts = Readonly<Partial<Record<ElsewhereCounter, number>>>;

/** What was seen of a host over the sampled seconds: growth only, never totals since boot. */
export interface Observation {
  readonly kind: "observation";
  /** Wall clock of the last reading, epoch milliseconds. */
  readonly takenAtMs: number;
  readonly sampledSeconds: number;
  /** Intervals between two readings. */
  readonly samples: number;
  /** The sum over the CPUs. */
  readonly all: SoftnetRates;
  /** The same over the last third of the samples: what a change has come to. */
  readonly allOfLastThird: SoftnetRates;
  readonly cpus: readonly ObservedCpu[];
  readonly interfaces: readonly ObservedInterface[];
  /** Those that grew, the fastest first. */
  readonly elsewhere: readonly ObservedElsewhere[];
  readonly settings: HostSettings;
}

/** Why nothing was observed. */
export interface NoObservation {
  readonly kind: "too-few-readings" | NoDelta["kind"];
}

/** One CPU over the sampled seconds: mean rates, and the gauge as it was last seen. */
export interface ObservedCpu extends CpuRates {
  /** Packets: the peak that a bigger backlog would have had to hold. */
  readonly largestDropOfOneSample: number;
  readonly droppingSamples: number;
  /** Length of the samples in which it dropped. */
  readonly droppingSeconds: number;
  /** Of column 12; undefined where the kernel does not print it. */
  readonly backlogs: BacklogSeen | undefined;
  /** Mean over the sampled seconds; undefined without `/proc/stat`. */
  readonly load: CpuLoad | undefined;
  /** The same over the samples in which this CPU dropped, so that a short overload is not diluted by the quiet around it. */
  readonly loadWhileDropping: CpuLoad | undefined;
  /** How often it was asked to receive; undefined where unknown. */
  readonly netRxPerSecond: number | undefined;
}

/** Packets waiting, at the end of each sample. */
export interface BacklogSeen {
  readonly maximum: number;
  readonly maximumOfFirstThird: number;
  readonly maximumOfLastThird: number;
  /** 0 to 1: in how many samples it was above `netdev_max_backlog`; 0 where that is unlimited or unknown. */
  readonly shareAboveLimit: number;
  readonly samples: number;
}

export interface ObservedInterface extends InterfaceSettings {
  readonly rxPacketsPerSecond: number | undefined;
  readonly rxDroppedPerSecond: number | undefined;
  readonly rxMissedPerSecond: number | undefined;
  /**
   * Its drops ÷ the drops of softnet over the same time: which interface suffers. Undefined while softnet dropped nothing. Above 1
   * where the interface also loses packets in other ways.
   */
  readonly shareOfDropped: number | undefined;
  /** The CPUs that took its receive interrupts, or may take them; undefined where unknown. */
  readonly receivingCpus: readonly number[] | undefined;
}

export interface ObservedElsewhere {
  readonly counter: ElsewhereCounter | "rx_missed_errors";
  /** For `rx_missed_errors`: whose. */
  readonly interface: string | undefined;
  readonly perSecond: number;
}

/** One sample of a series. */
export interface Step {
  readonly delta: SoftnetDelta;
  /** What the CPUs spent until its end, since the last time they were asked; undefined where nobody asked. */
  readonly ticks: readonly CpuTicks[] | undefined;
  /** Whether `ticks` go back further than this sample: they say nothing then about what it alone was like. */
  readonly ticksGoFurther: boolean;
}

/**
 * What a series of readings shows. The first and the last one should be whole; those between need softnet and CPU time only.
 *
 * A series with a reboot in it is judged by what came after.
 */
export function observe(readings: readonly Reading[], settings: HostSettings): Observation | NoObservation {
  let steps: Step[] = [];
  let begin = 0;
  let broken: NoObservation = { kind: "too-few-readings" };
  for (let i = 1; i < readings.length; i++) {
    const [before, after] = [readings[i - 1]!, readings[i]!];
    const delta = deltaBetween(before.softnet, after.softnet);
    if (delta.kind === "delta") {
      const ticks = before.cpuTime && after.cpuTime && ticksBetween(before.cpuTime, after.cpuTime);
      steps.push({ delta, ticks, ticksGoFurther: false });
    } else {
      broken = delta;
      steps = [];
      begin = i;
    }
  }
  if (steps.length === 0) return broken;
  const whole = readings.slice(begin).filter(({ interfaces }) => interfaces !== undefined);
  return observationOf(steps, whole[0], whole.at(-1), settings);
}

/**
 * What the steps of one boot show, oldest first and at least one.
 *
 * @param first and `last` whole readings at or around the ends of the steps, for what is not asked at each step.
 */
export function observationOf(
  steps: readonly Step[],
  first: Reading | undefined,
  last: Reading | undefined,
  settings: HostSettings,
): Observation {
  const growth = first && last && first !== last ? growthBetween(first, last) : undefined;
  return {
    kind: "observation",
    takenAtMs: steps.at(-1)!.delta.takenAtMs,
    sampledSeconds: sampledSecondsOf(steps),
    samples: steps.length,
    all: ratesOfAll(steps),
    allOfLastThird: ratesOfAll(steps.slice(-Math.ceil(steps.length / 3))),
    cpus: observedCpus(steps, growth, settings),
    interfaces: settings.interfaces.map((settingsOfOne) => observedInterface(settingsOfOne, growth)),
    elsewhere: growth ? elsewhereOf(growth) : [],
    settings,
  };
}

function sampledSecondsOf(steps: readonly Step[]): number {
  return steps.reduce((seconds, { delta }) => seconds + delta.elapsedSeconds, 0);
}

function ratesOfAll(steps: readonly Step[]): SoftnetRates {
  const last = steps.at(-1)!.delta;
  const seconds = sampledSecondsOf(steps);
  const perSecond = (column: (delta: SoftnetDelta) => Uint32Array): number =>
    steps.reduce((sum, { delta }) => sum + sumOf(column(delta)), 0) / seconds;
  return {
    processedPerSecond: perSecond((delta) => delta.processed),
    droppedPerSecond: perSecond((delta) => delta.dropped),
    squeezedPerSecond: perSecond((delta) => delta.timeSqueeze),
    receivedRpsPerSecond: last.receivedRps && perSecond((delta) => delta.receivedRps!),
    flowLimitPerSecond: last.flowLimitCount && perSecond((delta) => delta.flowLimitCount!),
    backlog: last.backlogLen && sumOf(last.backlogLen),
  };
}

/** What one CPU's row did in one step. */
interface CpuStep {
  readonly step: Step;
  readonly row: number;
  readonly ticks: CpuTicks | undefined;
}

/** Every CPU that had a row, ascending: one that left meanwhile may have dropped before. */
function observedCpus(
  steps: readonly Step[],
  growth: Growth | undefined,
  settings: HostSettings,
): readonly ObservedCpu[] {
  const ofCpu = new Map<number, CpuStep[]>();
  for (const step of steps) {
    const ticksOfCpu = new Map(step.ticks?.map((ticks) => [ticks.cpu, ticks]));
    step.delta.cpus.forEach((cpu, row) => {
      const cpuStep = { step, row, ticks: ticksOfCpu.get(cpu) };
      const earlier = ofCpu.get(cpu);
      if (earlier) earlier.push(cpuStep);
      else ofCpu.set(cpu, [cpuStep]);
    });
  }
  return [...ofCpu]
    .sort(([a], [b]) => a - b)
    .map(([cpu, cpuSteps]) => observedCpu(cpu, cpuSteps, growth, settings));
}

function observedCpu(
  cpu: number,
  steps: readonly CpuStep[],
  growth: Growth | undefined,
  settings: HostSettings,
): ObservedCpu {
  const last = steps.at(-1)!;
  const seconds = secondsOf(steps);
  const perSecond = (column: (delta: SoftnetDelta) => Uint32Array): number =>
    steps.reduce((sum, { step, row }) => sum + column(step.delta)[row]!, 0) / seconds;
  const dropping = steps.filter(({ step, row }) => step.delta.dropped[row]! > 0);
  return {
    cpu,
    processedPerSecond: perSecond((delta) => delta.processed),
    droppedPerSecond: perSecond((delta) => delta.dropped),
    squeezedPerSecond: perSecond((delta) => delta.timeSqueeze),
    receivedRpsPerSecond: last.step.delta.receivedRps && perSecond((delta) => delta.receivedRps!),
    flowLimitPerSecond: last.step.delta.flowLimitCount && perSecond((delta) => delta.flowLimitCount!),
    backlog: last.step.delta.backlogLen?.[last.row],
    largestDropOfOneSample: largest(dropping.map(({ step, row }) => step.delta.dropped[row]!)),
    droppingSamples: dropping.length,
    droppingSeconds: secondsOf(dropping),
    backlogs: backlogSeen(steps, settings.sysctls.netdevMaxBacklog),
    load: loadOfSteps(steps),
    loadWhileDropping: loadOfSteps(dropping.filter(({ step }) => !step.ticksGoFurther)),
    netRxPerSecond: growth?.netRx && (growth.netRx.get(cpu) ?? 0) / growth.seconds,
  };
}

/** Not `Math.max`, which takes no list as long as a capture of a day. */
function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

function secondsOf(steps: readonly CpuStep[]): number {
  return steps.reduce((seconds, { step }) => seconds + step.delta.elapsedSeconds, 0);
}

function loadOfSteps(steps: readonly CpuStep[]): CpuLoad | undefined {
  return loadOf(steps.flatMap(({ ticks }) => ticks ?? []));
}

function backlogSeen(steps: readonly CpuStep[], limit: number | undefined): BacklogSeen | undefined {
  const lengths = steps.flatMap(({ step, row }) => step.delta.backlogLen?.[row] ?? []);
  if (lengths.length === 0) return undefined;
  const third = Math.ceil(lengths.length / 3);
  const isLimited = limit !== undefined && limit >= 0;
  return {
    maximum: largest(lengths),
    maximumOfFirstThird: largest(lengths.slice(0, third)),
    maximumOfLastThird: largest(lengths.slice(-third)),
    shareAboveLimit: isLimited ? lengths.filter((length) => length > limit).length / lengths.length : 0,
    samples: lengths.length,
  };
}

/** What grew between two whole readings. */
interface Growth {
  readonly seconds: number;
  readonly droppedBySoftnet: number;
  readonly interfaces: ReadonlyMap<string, { readonly [Counter in GrowingCounter]: number | undefined }>;
  readonly elsewhere: ElsewhereCounts;
  readonly netRx: CountOfEachCpu | undefined;
  readonly interrupts: ReadonlyMap<number, CountOfEachCpu> | undefined;
}

type GrowingCounter = Exclude<keyof InterfaceCounters, "name">;

function growthBetween(first: Reading, last: Reading): Growth | undefined {
  const delta = deltaBetween(first.softnet, last.softnet);
  if (delta.kind !== "delta") return undefined;
  const counters = new Map(first.interfaces?.map((one) => [one.name, one]));
  return {
    seconds: delta.elapsedSeconds,
    droppedBySoftnet: sumOf(delta.dropped),
    interfaces: new Map(
      last.interfaces?.map((after) => {
        const before = counters.get(after.name);
        const grown = (counter: GrowingCounter): number | undefined =>
          increase(before?.[counter], after[counter]);
        return [
          after.name,
          {
            rxPackets: grown("rxPackets"),
            rxDropped: grown("rxDropped"),
            rxMissedErrors: grown("rxMissedErrors"),
          },
        ];
      }),
    ),
    elsewhere: Object.fromEntries(
      Object.entries(last.elsewhere ?? {}).flatMap(([counter, after]) => {
        const grown = increase(first.elsewhere?.[counter as ElsewhereCounter], after);
        return grown === undefined ? [] : [[counter, grown]];
      }),
    ),
    netRx: first.netRx && last.netRx && growthOfEachCpu(first.netRx, last.netRx),
    interrupts:
      first.interrupts &&
      last.interrupts &&
      new Map(
        Array.from(last.interrupts, ([irq, after]) => [
          irq,
          growthOfEachCpu(first.interrupts!.get(irq) ?? new Map(), after),
        ]),
      ),
  };
}

/** Undefined where a counter is missing, or began anew as that of an interface made again under its old name. */
function increase(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined || after < before ? undefined : after - before;
}

function growthOfEachCpu(before: CountOfEachCpu, after: CountOfEachCpu): CountOfEachCpu {
  // 32-bit counters, which wrap; a CPU without a row before has no growth yet.
  return new Map(
    Array.from(after, ([cpu, count]) => [cpu, before.has(cpu) ? (count - before.get(cpu)!) >>> 0 : 0]),
  );
}

function observedInterface(settings: InterfaceSettings, growth: Growth | undefined): ObservedInterface {
  const grown = growth?.interfaces.get(settings.name);
  const perSecond = (counter: GrowingCounter): number | undefined => {
    const value = grown?.[counter];
    return value === undefined ? undefined : value / growth!.seconds;
  };
  const dropped = grown?.rxDropped;
  return {
    ...settings,
    rxPacketsPerSecond: perSecond("rxPackets"),
    rxDroppedPerSecond: perSecond("rxDropped"),
    rxMissedPerSecond: perSecond("rxMissedErrors"),
    shareOfDropped:
      dropped === undefined || growth!.droppedBySoftnet === 0
        ? undefined
        : dropped / growth!.droppedBySoftnet,
    receivingCpus: receivingCpus(settings.irqs.filter(isForReceiving), growth?.interrupts),
  };
}

/** A device has interrupts for other ends too: `virtio0-output.1`, `virtio0-config`, `mlx5_async0`. */
function isForReceiving({ name }: NicIrq): boolean {
  return name === undefined || !/output|config|async|mgmt|-tx-?\d*$/i.test(name);
}

/** Where its interrupts went; while there were none, where they may go. */
function receivingCpus(
  irqs: readonly NicIrq[],
  interrupts: Growth["interrupts"],
): readonly number[] | undefined {
  const counts = new Map<number, number>();
  for (const { irq } of irqs) {
    for (const [cpu, count] of interrupts?.get(irq) ?? []) counts.set(cpu, (counts.get(cpu) ?? 0) + count);
  }
  const taken = [...counts].filter(([, count]) => count > 0).map(([cpu]) => cpu);
  if (taken.length > 0) return taken.sort((a, b) => a - b);
  const allowed = irqs.flatMap(({ cpus }) => cpus ?? []);
  return allowed.length > 0 ? [...new Set(allowed)].sort((a, b) => a - b) : undefined;
}

/** Losses past the backlog between two whole readings; none where they cannot be compared. */
export function elsewhereBetween(first: Reading, last: Reading): readonly ObservedElsewhere[] {
  const growth = growthBetween(first, last);
  return growth ? elsewhereOf(growth) : [];
}

function elsewhereOf(growth: Growth): readonly ObservedElsewhere[] {
  const missed = Array.from(growth.interfaces, ([name, grown]): ObservedElsewhere => ({
    counter: "rx_missed_errors",
    interface: name,
    perSecond: (grown.rxMissedErrors ?? 0) / growth.seconds,
  }));
  const counted = Object.entries(growth.elsewhere).map(([counter, grown]): ObservedElsewhere => ({
    counter: counter as ElsewhereCounter,
    interface: undefined,
    perSecond: grown / growth.seconds,
  }));
  return [...counted, ...missed]
    .filter(({ perSecond }) => perSecond > 0)
    .sort((a, b) => b.perSecond - a.perSecond);
}
