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

/** How one CPU spent the time between two readings, in percent of that time. */
export interface CpuShares {
  readonly cpu: number;
  readonly softirqPercent: number;
  readonly stealPercent: number;
  readonly idlePercent: number;
}

/**
 * Shares of each CPU that has a row in both readings and whose clock moved. A tick is 10 ms, so over one second a share is
 * good to about a percent.
 */
export function sharesBetween(before: CpuTime, after: CpuTime): readonly CpuShares[] {
  const rowBefore = new Map(Array.from(before.cpus, (cpu, row) => [cpu, row]));
  const shares: CpuShares[] = [];
  for (let row = 0; row < after.cpus.length; row++) {
    const cpu = after.cpus[row]!;
    const from = rowBefore.get(cpu);
    if (from === undefined) continue;
    const total = after.total[row]! - before.total[from]!;
    if (total <= 0) continue;
    // Idle and iowait may step back by a tick (proc(5)), which is no negative share.
    const percent = (times: (time: CpuTime) => Float64Array): number =>
      Math.min(100, (Math.max(0, times(after)[row]! - times(before)[from]!) / total) * 100);
    shares.push({
      cpu,
      softirqPercent: percent((time) => time.softirq),
      stealPercent: percent((time) => time.steal),
      idlePercent: percent((time) => time.idle),
    });
  }
  return shares;
}
