/**
 * `npm run bench`: what the agent costs, beside Debian's node_exporter (softnet collector only, scraped each second) and the bare
 * runtime, all of them running side by side in one measurement of about three minutes. `--quick` measures for 20 seconds and
 * leaves the pushes out. The hosts are synthetic, so that 1024 CPUs can be read anywhere and without root.
 */
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { pushDelaySeconds } from "../src/core/push-delay.ts";
import { customEvents } from "../test/double/custom-events.ts";
import { customMetrics } from "../test/double/custom-metrics.ts";
import { startCloudDouble } from "../test/double/cloud.ts";
import { fetchNodeExporter, nodeExporterFlags } from "./bench/node-exporter.ts";
import { Subject, type SubjectSettings } from "./bench/subjects.ts";
import { makeHost } from "./bench/synthetic-host.ts";
import { type Row, tableOf } from "./bench/table.ts";
import { buildDist } from "./bundle.ts";

const WARM_UP_SECONDS = 8;
const QUICK_SECONDS = 20;
/** Minute boundaries, hence pushes, in a full measurement. */
const PUSHES = 2;
const FIRST_PORT = 19_417;
/** What the subjects are called in the tables. */
const [BARE, EXPORTER, PACKAGE, CHECKOUT, PUSHING] = [
  "bare runtime",
  "node_exporter",
  "package",
  "checkout",
  "package, pushing",
];
const SAMPLING_VERBS = [
  ["watch", "--json"],
  ["diagnose", "--json", "--for", "300"],
  ["capture", "--for", "300"],
] as const;
const USER = { accessKeyId: "bench", accessKeySecret: "bench" };

interface BenchHost {
  readonly name: string;
  readonly root: string;
  readonly cpus: number;
}

const isQuick = process.argv.includes("--quick");
const checkout = fileURLToPath(new URL("..", import.meta.url));
const scratch = realpathSync(mkdtempSync(join(tmpdir(), "softnet-bench-")));
/** The synthetic files cost less to read than the kernel's, which are written at each reading: hence this machine's as well. */
const hosts: readonly BenchHost[] = [
  { name: "this machine", root: "/", cpus: onlineCpus() },
  ...[2, 64, 256, 1024].map((cpus) => ({
    name: `${cpus} CPUs`,
    root: makeHost(join(scratch, `host-${cpus}`), cpus),
    cpus,
  })),
];
const subjects: Subject[] = [];
let nextPort = FIRST_PORT;
try {
  await bench();
} finally {
  for (const subject of subjects) await subject.end();
  rmSync(scratch, { recursive: true });
}

async function bench(): Promise<void> {
  const exporter = fetchNodeExporter(join(checkout, ".cache"));
  if (exporter === undefined) console.log("There is no node_exporter to be had: its figures stay empty.");
  const packaged = await makePackage(join(scratch, "package"));
  await using cloud = await startCloudDouble({
    users: [USER],
    families: [customMetrics({ edition: "pro", seriesQuota: 1000 }), customEvents()],
  });

  console.log("Starting the subjects, one by one, each until its first sample.");
  await start({
    name: BARE,
    host: "",
    cpus: 0,
    command: process.execPath,
    args: ["--eval", "setInterval(() => {}, 1000)"],
  });
  for (const host of hosts) {
    if (exporter) {
      const port = nextPort++;
      const args = nodeExporterFlags(host.root, port);
      const { name, cpus } = host;
      await start({
        name: EXPORTER,
        host: name,
        cpus,
        command: exporter,
        args,
        port,
        samplesWhenScraped: true,
      });
    }
    await startAgent(PACKAGE, packaged, host, { SOFTNET_SINK: "local" });
    await startAgent(CHECKOUT, join(checkout, "bin/softnet.js"), host, { SOFTNET_SINK: "local" });
    if (!isQuick) await startAgent(PUSHING, packaged, host, pushingTo(cloud.url));
  }
  await startSamplingVerbs(
    packaged,
    hosts.find(({ cpus }) => cpus === 256)!,
  );

  if (isQuick) {
    await sleep(WARM_UP_SECONDS * 1000);
  } else {
    // The first push loads what the others find loaded; then as late in a minute as leaves time to begin.
    await sleep(msUntilSecond(0));
    await sleep(msUntilSecond(57));
  }
  const seconds = isQuick ? QUICK_SECONDS : (PUSHES - 1) * 60 + 13;
  console.log(`Measuring for ${seconds} s.\n`);
  const pushesBefore = cloud.requests.length;
  for (const subject of subjects) subject.startMeasuring();
  await sleep(seconds * 1000);
  reportSamples();
  reportSamplingVerbs();
  if (!isQuick) reportPushes(cloud.requests.slice(pushesBefore));
  reportMemory();
}

/** With its console, as it runs by default; nobody looks at it during the measurement. */
async function startAgent(
  name: string,
  script: string,
  host: BenchHost,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const port = nextPort++;
  await start({
    name,
    host: host.name,
    cpus: host.cpus,
    command: process.execPath,
    args: [script, "run", "--root", host.root],
    env: {
      SOFTNET_CONSOLE: `127.0.0.1:${port}`,
      SOFTNET_LOG_LEVEL: "error",
      SOFTNET_STATE_DIR: join(scratch, `state-${port}`),
      ...env,
    },
    port,
  });
}

/** Longer than the measurement lasts. */
async function startSamplingVerbs(script: string, { name: host, root, cpus }: BenchHost): Promise<void> {
  for (const [verb, ...flags] of SAMPLING_VERBS) {
    const args = [script, verb, ...flags, "--root", root];
    await start({ name: verb, host, cpus, command: process.execPath, args });
  }
}

async function start(settings: SubjectSettings): Promise<void> {
  subjects.push(await Subject.start(settings));
}

/** As npm would install it: no sources, so the command runs what was built. */
async function makePackage(folder: string): Promise<string> {
  await buildDist(join(folder, "dist"));
  cpSync(join(checkout, "package.json"), join(folder, "package.json"));
  cpSync(join(checkout, "bin"), join(folder, "bin"), { recursive: true });
  return join(folder, "bin/softnet.js");
}

function pushingTo(url: string): NodeJS.ProcessEnv {
  // An agent waits by its instance's id: this one is among the first of the fleet.
  const names = Array.from({ length: 1000 }, (_, i) => `i-bench${i}`);
  return {
    SOFTNET_SINK: "cloudmonitor",
    SOFTNET_ENDPOINT: url,
    SOFTNET_REGION: "cn-hangzhou",
    SOFTNET_INSTANCE_ID: names.find((name) => pushDelaySeconds(name) === 0)!,
    SOFTNET_ACCOUNT_ID: "1",
    ALIBABA_CLOUD_ACCESS_KEY_ID: USER.accessKeyId,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: USER.accessKeySecret,
  };
}

function reportSamples(): void {
  const bare = find(BARE).millisecondsPerSecond();
  print(
    `CPU milliseconds for a sample, all in all (an idle second of the bare runtime: ${bare.toFixed(2)})`,
    hosts.map(({ name: host }) => {
      const exporter = subjects.find((each) => each.name === EXPORTER && each.host === host);
      const others = exporter?.millisecondsPerSecond();
      const packaged = find(PACKAGE, host).millisecondsPerSecond();
      return {
        Host: host,
        node_exporter: others?.toFixed(2) ?? "",
        package: packaged.toFixed(2),
        "/ node_exporter": others === undefined ? "" : (packaged / others).toFixed(2),
        "/ bare runtime": (packaged / bare).toFixed(2),
        checkout: find(CHECKOUT, host).millisecondsPerSecond().toFixed(2),
      };
    }),
  );
}

function reportSamplingVerbs(): void {
  const verbs = subjects.filter(({ name }) => SAMPLING_VERBS.some(([verb]) => verb === name));
  print(
    "Percent of one CPU while a verb samples each second",
    verbs.map((verb) => ({
      Verb: verb.name,
      Host: verb.host,
      percent: (verb.millisecondsPerSecond() / 10).toFixed(2),
    })),
  );
}

function reportPushes(requests: readonly { readonly taken: boolean }[]): void {
  const wanted = PUSHES * hosts.length;
  if (requests.length !== wanted || requests.some(({ taken }) => !taken)) {
    console.log(`Expected ${wanted} accepted pushes, got ${requests.length}: their cost is not reported.\n`);
    return;
  }
  print(
    "CPU milliseconds for a push: an agent that pushes, less one that does not",
    hosts.map(({ name: host }) => {
      const more = find(PUSHING, host).millisecondsOfCpu() - find(PACKAGE, host).millisecondsOfCpu();
      return { Host: host, package: (more / PUSHES).toFixed(1) };
    }),
  );
}

function reportMemory(): void {
  print(
    "Memory in MB, and milliseconds from the start to the first sample",
    subjects.map((subject) => {
      const { residentMb, proportionalMb, privateMb } = subject.memory();
      return {
        Process: subject.name,
        Host: subject.host,
        resident: residentMb.toFixed(1),
        proportional: proportionalMb.toFixed(1),
        private: privateMb.toFixed(1),
        "first sample": subject.firstSampleMs?.toFixed(0) ?? "",
      };
    }),
  );
}

function print(title: string, rows: readonly Row[]): void {
  console.log(`${title}\n\n${tableOf(rows)}\n`);
}

function find(name: string, host = ""): Subject {
  const subject = subjects.find((each) => each.name === name && each.host === host);
  if (!subject) throw new Error(`There is no ${name} on ${host}`);
  return subject;
}

function onlineCpus(): number {
  return readFileSync("/proc/net/softnet_stat", "utf8").trimEnd().split("\n").length;
}

function msUntilSecond(second: number): number {
  const intoMinute = Date.now() % 60_000;
  return (second * 1000 - intoMinute + 60_000) % 60_000;
}
