/** Reads the kernel's list format of CPUs, as in `/sys/devices/system/cpu/online`: `0-2,4,6-7`. An empty text is no CPU. */
export function parseCpuList(text: string): readonly number[] | undefined {
  const cpus: number[] = [];
  const trimmed = text.trim();
  if (trimmed === "") return cpus;
  for (const range of trimmed.split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range);
    if (!match) return undefined;
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    if (last < first || last - first > MOST_CPUS) return undefined;
    for (let cpu = first; cpu <= last; cpu++) cpus.push(cpu);
  }
  return cpus;
}

/** Above NR_CPUS of any distribution's kernel: a torn file must not make us allocate without bound. */
const MOST_CPUS = 8192;
