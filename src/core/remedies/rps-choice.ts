import { type CpuMask, maskOfCpus } from "../cpu-mask.ts";
import type { CpuSets } from "../host-settings.ts";
import type { ObservedCpu, ObservedInterface } from "../observation.ts";
import { hasRps, masksOf, usableCpus } from "../steering.ts";

/** What `--rps` comes to for one interface. */
export type RpsChoice =
  | { readonly kind: "spread"; readonly mask: CpuMask; readonly cpus: readonly number[] }
  /** There is no other CPU to give packets to. */
  | { readonly kind: "one-cpu" }
  /** Each CPU can have a receive queue of its own: RPS would only add a second hop. */
  | { readonly kind: "enough-queues"; readonly queues: number; readonly cpus: number }
  /** The masks cover what we would set. */
  | { readonly kind: "already-spread" }
  /** It is the mask that was asked for. */
  | { readonly kind: "already-set"; readonly mask: CpuMask }
  /** A kernel without RPS, or an interface without receive queues. */
  | { readonly kind: "no-rps" };

export interface RpsNeed {
  readonly device: ObservedInterface;
  readonly cpus: CpuSets;
  readonly observedCpus: readonly ObservedCpu[];
}

/** The CPU of the interrupt leaves the mask only where so many others stay… */
const OTHERS_THAT_STAY = 4;
/** …and where it is still busier than this with RPS on; with RPS off, its load says nothing about what RPS will leave it. */
const BUSY_PERCENT = 50;

/** A mask that was asked for is taken as it is, but where it could only make a packet's way longer. */
export function chosenByHand({ device, cpus, observedCpus }: RpsNeed, mask: CpuMask): RpsChoice {
  if (!hasRps(device)) return { kind: "no-rps" };
  if (mask !== 0n && usableCpus(cpus, observedCpus).length < 2) return { kind: "one-cpu" };
  const isSet = masksOf(device).every((set) => set === mask);
  return isSet ? { kind: "already-set", mask } : { kind: "spread", mask, cpus: [] };
}

/**
 * The CPUs that an interface's packets should be spread over: those of its NUMA node that are online and not isolated. With few CPUs that is all of
 * them, the interrupt's own too.
 */
export function chooseRps({ device, cpus, observedCpus }: RpsNeed): RpsChoice {
  if (!hasRps(device)) return { kind: "no-rps" };
  const usable = usableCpus(cpus, observedCpus);
  if (usable.length < 2) return { kind: "one-cpu" };
  const masks = masksOf(device);
  const isOn = masks.some((mask) => mask !== 0n);
  // A narrow mask is an evidence of its own, however many queues there are.
  const online = cpus.online?.length ?? observedCpus.length;
  if (!isOn && masks.length >= online) {
    return { kind: "enough-queues", queues: masks.length, cpus: online };
  }
  const near = onNodeOf(device, usable, cpus);
  const busy = isOn ? busyInterruptCpus(device, near, observedCpus) : [];
  const chosen = near.filter((cpu) => !busy.includes(cpu));
  const mask = maskOfCpus(chosen);
  const isSpread = masks.every((set) => (busy.length > 0 ? set === mask : (set & mask) === mask));
  return isSpread ? { kind: "already-spread" } : { kind: "spread", mask, cpus: chosen };
}

/** A node with fewer than two usable CPUs cannot take the load: then any CPU is better. */
function onNodeOf(device: ObservedInterface, usable: readonly number[], cpus: CpuSets): readonly number[] {
  const node = device.numaNode === undefined ? undefined : cpus.ofNode[device.numaNode];
  const near = usable.filter((cpu) => node?.includes(cpu));
  return near.length >= 2 ? near : usable;
}

function busyInterruptCpus(
  device: ObservedInterface,
  near: readonly number[],
  observedCpus: readonly ObservedCpu[],
): readonly number[] {
  const busy = observedCpus
    .filter(({ cpu }) => device.receivingCpus?.includes(cpu) && near.includes(cpu))
    .filter(({ load }) => load !== undefined && load.softirqPercent > BUSY_PERCENT)
    .map(({ cpu }) => cpu);
  return near.length - busy.length >= OTHERS_THAT_STAY ? busy : [];
}
