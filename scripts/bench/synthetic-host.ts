import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const COLUMNS = 15;

/** Writes the files of a host with so many CPUs, as Linux 6.12 and later print them. @returns the folder. */
export function makeHost(folder: string, cpus: number): string {
  const ids = Array.from({ length: cpus }, (_, cpu) => cpu);
  const list = `0-${cpus - 1}\n`;
  const files: Record<string, string> = {
    "proc/net/softnet_stat": ids.map(softnetRow).join(""),
    "proc/stat": `${timeRow("cpu ", 0)}${ids.map((cpu) => timeRow(`cpu${cpu}`, cpu)).join("")}btime 1795370000\n`,
    "proc/sys/kernel/random/boot_id": "5f1f4e1a-2b62-4f0e-9d1b-6a7f0c3f9e01\n",
    "proc/sys/kernel/hostname": "bench\n",
    "proc/sys/kernel/osrelease": "6.12.0\n",
    "proc/sys/net/core/netdev_max_backlog": "1000\n",
    "proc/sys/net/core/netdev_budget": "300\n",
    "proc/sys/net/core/netdev_budget_usecs": "8000\n",
    "sys/devices/system/cpu/online": list,
    "sys/devices/system/cpu/possible": list,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

function softnetRow(cpu: number): string {
  const words = Array.from({ length: COLUMNS }, () => 0);
  words[0] = 0x1234_5678 + cpu * 9973;
  words[2] = 17 + cpu;
  words[9] = 0x9abc + cpu;
  words[12] = cpu;
  return `${words.map((word) => word.toString(16).padStart(8, "0")).join(" ")}\n`;
}

function timeRow(name: string, cpu: number): string {
  return `${name} ${1000 + cpu} 0 ${2000 + cpu} 900000 10 0 ${300 + cpu} 0 0 0\n`;
}
