/**
 * `npm run bench:installed`: what the installed service costs, beside node_exporter and netdata as Debian installs them: the size of the package, the time from
 * the start to the first sample, the memory. All three run side by side under systemd in one container, whose network is its own. It takes root,
 * and mmdebstrap and systemd-nspawn.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Container } from "../test/boot/container/container.ts";
import { debianHere, rootFolder } from "../test/boot/container/root.ts";
import { run } from "../test/kernel/lab/shell.ts";
import { type Memory, memoryIn } from "./bench/process-cost.ts";
import { tableOf } from "./bench/table.ts";
import { buildDist } from "./bundle.ts";
import { contentsOf } from "./package/contents.ts";
import { DEBIAN_SETTINGS, makeDeb } from "./package/debian.ts";
import { makeExecutable } from "./package/executable.ts";

/** Long enough for a first push that finds nobody, and for netdata to have settled. */
const WARM_UP_SECONDS = 75;
const STARTS = 5;

interface Installed {
  readonly unit: string;
  /** What is downloaded, without what it depends on. */
  readonly packages: readonly string[];
  /** Answers with its first sample; undefined where systemd hears of it. */
  readonly firstSample: { readonly url: string; readonly shows: string } | undefined;
}

const OURS: Installed = {
  unit: "softnet-agent",
  packages: ["softnet-agent"],
  firstSample: undefined,
};
const OTHERS: readonly Installed[] = [
  {
    unit: "prometheus-node-exporter",
    packages: ["prometheus-node-exporter"],
    firstSample: { url: "http://127.0.0.1:9100/metrics", shows: "node_softnet_processed_total" },
  },
  {
    unit: "netdata",
    packages: ["netdata", "netdata-core", "netdata-web", "netdata-plugins-bash"],
    firstSample: { url: "http://127.0.0.1:19999/api/v1/allmetrics?format=shell", shows: "SOFTNET" },
  },
];
/** In the container, from which it reaches what listens there. */
const NODE = "/mnt/node";

const scratch = mkdtempSync(join(tmpdir(), "softnet-bench-"));
try {
  await bench();
} finally {
  rmSync(scratch, { recursive: true });
}

async function bench(): Promise<void> {
  const deb = await makePackage();
  const others = OTHERS.flatMap(({ packages }) => packages);
  const root = await rootFolder(await debianHere(["systemd-sysv", "passwd", "procps", ...others]));
  await using machine = await Container.boot({
    root,
    bindReadOnly: { [NODE]: process.execPath, "/mnt/softnet-agent.deb": deb },
  });
  await machine.sh("dpkg --install /mnt/softnet-agent.deb");

  const all = [OURS, ...OTHERS];
  const starts = new Map<Installed, number>();
  for (const installed of all) starts.set(installed, await medianStartMs(machine, installed));
  await sleep(WARM_UP_SECONDS * 1000);
  const memory = new Map<Installed, Memory>();
  for (const installed of all) memory.set(installed, await memoryOfService(machine, installed));

  const ours = memory.get(OURS)!;
  const rows = await Promise.all(
    all.map(async (installed) => {
      const { residentMb, proportionalMb } = memory.get(installed)!;
      const isOurs = installed === OURS;
      return {
        Service: installed.unit,
        "package MB": (isOurs ? statSync(deb).size / 1e6 : await downloadMb(installed)).toFixed(1),
        "installed MB": ((await installedKb(machine, installed)) / 1024).toFixed(1),
        "first sample ms": starts.get(installed)!.toFixed(0),
        "resident MB": residentMb.toFixed(1),
        "proportional MB": proportionalMb.toFixed(1),
        "ours / it": isOurs ? "" : (ours.residentMb / residentMb).toFixed(2),
        "start: ours / it": isOurs ? "" : (starts.get(OURS)! / starts.get(installed)!).toFixed(2),
      };
    }),
  );
  console.log(tableOf(rows));
}

async function makePackage(): Promise<string> {
  const [dist, executable] = [join(scratch, "dist"), join(scratch, "softnet")];
  await buildDist(dist);
  makeExecutable("x64", dist, executable);
  const files = contentsOf("x64", executable, dist, DEBIAN_SETTINGS);
  return makeDeb({ arch: "x64", version: "0", files, compression: "xz", builtAtSeconds: 1 }, scratch);
}

/** From the start of its process to its first sample. */
async function medianStartMs(machine: Container, { unit, firstSample }: Installed): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    await machine.sh(`systemctl stop ${unit}`);
    took.push(firstSample ? await answeredMs(machine, unit, firstSample) : await readyMs(machine, unit));
  }
  return took.toSorted((a, b) => a - b)[Math.floor(STARTS / 2)]!;
}

/** Of a unit that tells systemd when it is ready, which systemd notes. */
async function readyMs(machine: Container, unit: string): Promise<number> {
  await machine.sh(`systemctl start ${unit}`);
  return (await microseconds(machine, unit, "ActiveEnter")) / 1000 - (await startedMs(machine, unit));
}

/** Of one that is to be asked again and again. */
async function answeredMs(
  machine: Container,
  unit: string,
  { url, shows }: NonNullable<Installed["firstSample"]>,
): Promise<number> {
  const ask = `(async function ask() {
    const text = await fetch("${url}").then((answer) => answer.text(), () => "");
    if (text.includes("${shows}")) console.log(Number(process.hrtime.bigint()) / 1e6);
    else setTimeout(ask, 2);
  })()`;
  const answered = machine.sh(`${NODE} --eval '${ask}'`);
  await machine.sh(`systemctl start ${unit}`);
  return Number(await answered) - (await startedMs(machine, unit));
}

async function startedMs(machine: Container, unit: string): Promise<number> {
  return (await microseconds(machine, unit, "ExecMainStart")) / 1000;
}

/** On the clock that processes of all namespaces share. */
async function microseconds(machine: Container, unit: string, what: string): Promise<number> {
  return Number(await machine.sh(`systemctl show --property ${what}TimestampMonotonic --value ${unit}`));
}

/** All of its processes together. */
async function memoryOfService(machine: Container, { unit }: Installed): Promise<Memory> {
  const texts = await machine.sh(`
    group=$(systemctl show --property ControlGroup --value ${unit})
    for pid in $(find "/sys/fs/cgroup$group" -name cgroup.procs -exec cat {} +); do
      cat "/proc/$pid/smaps_rollup" 2> /dev/null || continue
    done`);
  const processes = texts.split(/^(?=\S+-\S+ .*\[rollup\]$)/m).map(memoryIn);
  const sum = (of: (memory: Memory) => number) => processes.reduce((total, memory) => total + of(memory), 0);
  return {
    residentMb: sum(({ residentMb }) => residentMb),
    proportionalMb: sum(({ proportionalMb }) => proportionalMb),
    privateMb: sum(({ privateMb }) => privateMb),
  };
}

async function downloadMb({ packages }: Installed): Promise<number> {
  const text = await run("apt-cache", ["show", "--no-all-versions", ...packages]);
  return [...text.matchAll(/^Size: (\d+)$/gm)].reduce((sum, [, bytes]) => sum + Number(bytes) / 1e6, 0);
}

async function installedKb(machine: Container, { packages }: Installed): Promise<number> {
  const sizes = await machine.sh(
    `dpkg-query --show --showformat '\${Installed-Size}\\n' ${packages.join(" ")}`,
  );
  return sizes.split("\n").reduce((sum, size) => sum + Number(size), 0);
}
