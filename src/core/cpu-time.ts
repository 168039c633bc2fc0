/** What `/proc/stat` says each CPU has spent since boot, in ticks of USER_HZ; the arrays run parallel to `cpus`. */
export interface CpuTime {
  /** CPUs that have a row, ascending: the online ones. */
  readonly cpus: Uint32Array;
  readonly softirq: Float64Array;
  /** Taken by the hypervisor for other guests. */
  readonly steal: Float64Array;
  /** Idle and waiting for disks. */
  readonly idle: Float64Array;
  /** Every column but guest time, which the kernel also counts as user time. */
  readonly total: Float64Array;
}

/** How a CPU spent its time, in percent of it. */
export interface CpuLoad {
  readonly softirqPercent: number;
  readonly stealPercent: number;
  readonly idlePercent: number;
}

export interface CpuShares extends CpuLoad {
  readonly cpu: number;
}

/** What one CPU spent between two readings, in ticks. */
export interface CpuTicks {
  readonly cpu: number;
  readonly softirq: number;
  readonly steal: number;
  readonly idle: number;
  readonly total: number;
}

/**
 * Shares of each CPU that has a row in both readings and whose clock moved. A tick is 10 ms, so over one second a share is
 * good to about a percent.
 */
export function sharesBetween(before: CpuTime, after: CpuTime): readonly CpuShares[] {
  return ticksBetween(before, after).flatMap((ticks) => {
    const load = loadOf([ticks]);
    return load ? [{ cpu: ticks.cpu, ...load }] : [];
  });
}

/** Of the CPUs that have a row in both readings. */
export function ticksBetween(before: CpuTime, after: CpuTime): readonly CpuTicks[] {
  const rowBefore = new Map(Array.from(before.cpus, (cpu, row) => [cpu, row]));
  const ticks: CpuTicks[] = [];
  for (let row = 0; row < after.cpus.length; row++) {
    const cpu = after.cpus[row]!;
    const from = rowBefore.get(cpu);
    if (from === undefined) continue;
    // Idle and iowait may step back (proc(5)), which is no negative time.
    const spent = (times: (time: CpuTime) => Float64Array): number =>
      Math.max(0, times(after)[row]! - times(before)[from]!);
    ticks.push({
      cpu,
      softirq: spent((time) => time.softirq),
      steal: spent((time) => time.steal),
      idle: spent((time) => time.idle),
      total: spent((time) => time.total),
    });
  }
  return ticks;
}

/** Undefined when no time was spent. */
export function loadOf(ticks: readonly CpuTicks[]): CpuLoad | undefined {
  const sum = (value: (ticks: CpuTicks) => number): number =>
    ticks.reduce((total, one) => total + value(one), 0);
  const total = sum((one) => one.total);
  if (total === 0) return undefined;
  const percent = (value: (ticks: CpuTicks) => number): number => Math.min(100, (sum(value) / total) * 100);
  return {
    softirqPercent: percent((one) => one.softirq),
    stealPercent: percent((one) => one.steal),
    idlePercent: percent((one) => one.idle),
  };
}
