/**
 * `npm test`: everything that can be proved on this machine, as one run of node:test with one sum at the end.
 * `node scripts/test.ts unit wire` runs these stages only; `npm run test:boot` is the one that is run by its name alone.
 */
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { run } from "node:test";
import { spec } from "node:test/reporters";

import { BOOT_TESTS_NOTICE } from "../test/support/boot-tests.ts";
import { KERNEL_TESTS_NOTICE, reasonToSkipKernel } from "../test/support/kernel-tests.ts";
import {
  BOOT_PACKAGES,
  type DebianPackage,
  installPackages,
  missingPackages,
  TEST_PACKAGES,
} from "./debian-packages.ts";

interface Stage {
  readonly name: string;
  readonly title: string;
  /** Below test/. */
  readonly folder: string;
  /** The kernel has one softnet_stat: its tests run one after the other. */
  readonly serially?: true;
  /** Takes too long for `npm test`. */
  readonly onlyWhenAsked?: true;
  /** In place of FILE_TIMEOUT_MS. */
  readonly fileTimeoutMs?: number;
}

const STAGES: readonly Stage[] = [
  { name: "static", title: "types, lint, format, unused code", folder: "test/static/" },
  // Takes what is in no other folder, so that no test is forgotten.
  { name: "unit", title: "unit", folder: "test/" },
  { name: "wire", title: "cloud over HTTP", folder: "test/wire/" },
  { name: "browser", title: "console in a browser", folder: "test/browser/" },
  { name: "package", title: "package", folder: "test/package/" },
  { name: "kernel", title: "real kernel", folder: "test/kernel/", serially: true },
  {
    name: "boot",
    title: "guests",
    folder: "test/boot/",
    serially: true,
    onlyWhenAsked: true,
    // Each guest has a limit of its own, and a second attempt.
    fileTimeoutMs: 50 * 60_000,
  },
];

const SUMS = ["tests", "suites", "passed", "failed", "cancelled", "skipped", "todo"] as const;
/** node:test's closing lines word two of its counts differently. */
const CLOSING_WORD: Readonly<Record<string, string>> = { passed: "pass", failed: "fail" };
/** Longer than any file takes, so that a test that hangs fails instead of holding up the run. */
const FILE_TIMEOUT_MS = 10 * 60_000;

const asked = process.argv.slice(2);
const stages = STAGES.filter(({ name, onlyWhenAsked }) =>
  asked.length === 0 ? !onlyWhenAsked : asked.includes(name),
);
const startedMs = performance.now();
const kernelSkippedBecause = reasonToSkipKernel();
if (stages.some(({ name }) => name === "kernel")) prepareForKernel();
if (stages.some(({ name }) => name === "boot")) prepareForGuests();

const reporter = new spec();
reporter.pipe(process.stdout);
const sums = { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };
for (const stage of stages) await runStage(stage);
for (const name of SUMS) closingLine(`${CLOSING_WORD[name] ?? name} ${sums[name]}`);
closingLine(`duration_ms ${Math.round(performance.now() - startedMs)}`);
reporter.end();

async function runStage(stage: Stage): Promise<void> {
  const files = filesOf(stage);
  if (files.length === 0) return;
  if (stage.name === "kernel" && kernelSkippedBecause !== undefined) {
    heading(stage, `${files.length} files skipped: ${kernelSkippedBecause}`);
    return;
  }
  heading(stage, `${files.length} files`);
  const beganMs = performance.now();
  const concurrency = stage.serially ? 1 : Math.max(2, availableParallelism() - 1);
  const timeout = stage.fileTimeoutMs ?? FILE_TIMEOUT_MS;
  for await (const event of run({ files, concurrency, timeout })) {
    // The sums of one run would read as if the whole were over.
    if (event.type === "test:diagnostic" && event.data.file === undefined) continue;
    if (event.type === "test:summary" && event.data.file === undefined) {
      for (const name of SUMS) sums[name] += event.data.counts[name] ?? 0;
      if (!event.data.success) process.exitCode = 1;
      continue;
    }
    reporter.write(event);
  }
  heading(stage, `done in ${((performance.now() - beganMs) / 1000).toFixed(1)} s`);
}

function closingLine(message: string): void {
  reporter.write({ type: "test:diagnostic", data: { nesting: 0, message, level: "info" } });
}

/** Through the reporter, which would otherwise still be printing the stage before. */
function heading(stage: Stage, text: string): void {
  const message = `\n── ${stage.title}: ${text}\n`;
  reporter.write({ type: "test:stdout", data: { file: import.meta.filename, message } });
}

function filesOf(stage: Stage): string[] {
  const inner = STAGES.filter(
    (other) => other.folder !== stage.folder && other.folder.startsWith(stage.folder),
  );
  return globSync(`${stage.folder}**/*.test.ts`)
    .filter((file) => !inner.some(({ folder }) => file.startsWith(folder)))
    .toSorted();
}

/** Says what is about to be installed and changed before anything is. */
function prepareForKernel(): void {
  if (kernelSkippedBecause !== undefined) {
    console.log(`Nothing is installed and the kernel tests are skipped: ${kernelSkippedBecause}.`);
    return;
  }
  console.log(KERNEL_TESTS_NOTICE);
  install(TEST_PACKAGES);
}

function prepareForGuests(): void {
  console.log(BOOT_TESTS_NOTICE);
  if (process.getuid?.() === 0) install(BOOT_PACKAGES);
  else console.log("Nothing is installed: that needs root.");
}

function install(packages: readonly DebianPackage[]): void {
  const missing = missingPackages(packages);
  if (missing === undefined) {
    console.log("There is no dpkg here: tests whose programs are missing are skipped, each with a line.");
    return;
  }
  if (missing.length > 0) {
    console.log("Installing the Debian packages that tests need:");
    for (const { name, why } of missing) console.log(`  ${name} (${why})`);
    installPackages(missing);
  }
  // From here on a missing program is a failure: see test/support/needs.ts.
  process.env["SOFTNET_TEST_SKIP_NOTHING"] = "1";
}
