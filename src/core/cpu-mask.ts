/**
 * Sets of CPUs as the kernel writes them in `rps_cpus`, `xps_cpus` and `flow_limit_cpu_bitmap`: hexadecimal, in groups of
 * eight digits with commas, the highest group first. As a BigInt, a mask may name any number of CPUs, and two masks are
 * compared as numbers: the kernel pads with zeros by the number of possible CPUs, people do not.
 */
export type CpuMask = bigint;

const DIGITS_PER_GROUP = 8;

/** Undefined for anything the kernel does not print, so that a torn file is not taken for an empty mask. */
export function parseCpuMask(text: string): CpuMask | undefined {
  const trimmed = text.trim();
  if (!/^[0-9a-f]{1,8}(,[0-9a-f]{8})*$/i.test(trimmed)) return undefined;
  return BigInt(`0x${trimmed.replaceAll(",", "")}`);
}

/**
 * The mask as the kernel prints it on a machine of so many possible CPUs: zero-padded to one digit for each four CPUs.
 * Written to `rps_cpus` in this form it is accepted everywhere: no group too many and no more than eight digits in one.
 *
 * @throws RangeError for a CPU beyond the possible ones, which the kernel refuses with EOVERFLOW.
 */
export function formatCpuMask(mask: CpuMask, possibleCpus: number): string {
  if (mask < 0n || mask >> BigInt(possibleCpus) !== 0n) {
    throw new RangeError(
      `The mask 0x${mask.toString(16)} names a CPU beyond the ${possibleCpus} possible ones`,
    );
  }
  const digits = mask.toString(16).padStart(Math.ceil(possibleCpus / 4), "0");
  const groups: string[] = [];
  for (let end = digits.length; end > 0; end -= DIGITS_PER_GROUP) {
    groups.unshift(digits.slice(Math.max(0, end - DIGITS_PER_GROUP), end));
  }
  return groups.join(",");
}

/** A mask for people to read: as the kernel prints it, as far as it is known how many CPUs are possible. */
export function cpuMaskText(mask: CpuMask, possibleCpus: number | undefined): string {
  return formatCpuMask(mask, Math.max(possibleCpus ?? 0, mask.toString(2).length));
}

export function maskOfCpus(cpus: Iterable<number>): CpuMask {
  let mask = 0n;
  for (const cpu of cpus) mask |= 1n << BigInt(cpu);
  return mask;
}

/** Ascending. */
export function cpusOfMask(mask: CpuMask): readonly number[] {
  const bits = mask.toString(2);
  const cpus: number[] = [];
  for (let cpu = 0; cpu < bits.length; cpu++) {
    if (bits[bits.length - 1 - cpu] === "1") cpus.push(cpu);
  }
  return cpus;
}
