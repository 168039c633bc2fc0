import type { Reading } from "../core/observation.ts";
import { readCpuTime } from "./cpu-time.ts";
import type { Host } from "./host.ts";
import { readNetInterrupts, readNetRx } from "./interrupts.ts";
import { readElsewhere, readInterfaceCounters } from "./net-counters.ts";
import { type Moment, readSoftnetStat } from "./softnet-stat.ts";

/**
 * Reads what moves.
 *
 * @param extent `counters` is softnet and CPU time, which a series needs each second; `all` adds what needs to be known at its ends only, and costs
 *   a hundred times as much on a host of many interfaces and interrupts.
 * @throws HostError when the softnet counters cannot be read.
 */
export function takeReading(host: Host, moment: Moment, extent: "counters" | "all"): Reading {
  const softnet = readSoftnetStat(host, moment);
  const cpuTime = readCpuTime(host);
  if (extent === "counters") {
    return {
      softnet,
      cpuTime,
      interfaces: undefined,
      elsewhere: undefined,
      netRx: undefined,
      interrupts: undefined,
    };
  }
  const interrupts = readNetInterrupts(host);
  return {
    softnet,
    cpuTime,
    interfaces: readInterfaceCounters(host),
    elsewhere: readElsewhere(host),
    netRx: readNetRx(host),
    interrupts: interrupts && new Map([...interrupts].map(([irq, { counts }]) => [irq, counts])),
  };
}
