/**
 * Records real faults of this machine's kernel as captures: `node scripts/record-incidents.ts [NAME…]` as root writes
 * test/fixtures/incidents/NAME.capture. A recording under more than 20 % foreign load is made anew.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { renderCapture, type Snapshot } from "../src/host/capture.ts";
import { Machine } from "../src/host/machine.ts";
import { takeFiles } from "../src/host/snapshot.ts";
import { Lab } from "../test/kernel/lab/lab.ts";
import { evenly } from "../test/kernel/lab/load.ts";
import { becomesQuiet, ForeignLoad, MOST_FOREIGN_PERCENT } from "../test/kernel/lab/machine-load.ts";
import { overload, type Scenario, SCENARIOS } from "../test/kernel/lab/scenarios.ts";
import { KERNEL_TESTS_NOTICE, reasonToSkipKernel } from "../test/support/kernel-tests.ts";

const INCIDENTS = fileURLToPath(new URL("../test/fixtures/incidents/", import.meta.url));
const SECONDS = 15;
/** Given to the copy of this script that runs in the lab's view. */
const INSIDE = "--inside";

/** What a demonstration shows: a calm receiver, ten seconds in which it is overloaded, and calm again. */
const story: Scenario = {
  ...overload,
  name: "story",
  about: "calm, overload, calm",
  begin: async (lab) => {
    const scene = await overload.begin(lab);
    const { load, offeredPerSecond } = scene;
    const calm = evenly(offeredPerSecond * 0.4, 8);
    await load.pace(calm);
    await lab.settle();
    void (async () => {
      await sleep(6_000);
      await load.pace(evenly(offeredPerSecond, 8));
      await sleep(10_000);
      await load.pace(calm);
    })();
    return scene;
  },
};

if (process.argv[2] === INSIDE) {
  process.stdout.write(await record(Number(process.argv[3])));
} else {
  await recordScenarios(process.argv.slice(2));
}

async function recordScenarios(names: readonly string[]): Promise<void> {
  const reason = reasonToSkipKernel();
  if (reason !== undefined) throw new Error(`Nothing can be recorded: ${reason}`);
  console.log(KERNEL_TESTS_NOTICE);
  mkdirSync(INCIDENTS, { recursive: true });
  for (const scenario of [...SCENARIOS, story]) {
    if (names.length > 0 && !names.includes(scenario.name)) continue;
    const seconds = scenario === story ? 22 : SECONDS;
    writeFileSync(`${INCIDENTS}${scenario.name}.capture`, await recordScenario(scenario, seconds));
  }
}

async function recordScenario(scenario: Scenario, seconds: number): Promise<string> {
  for (;;) {
    if (!(await becomesQuiet())) throw new Error("This machine does not become quiet");
    const foreign = new ForeignLoad();
    const capture = await Lab.during(async (lab) => {
      await scenario.begin(lab);
      const recorder = [import.meta.filename, INSIDE, String(seconds)];
      const { code, stdout, stderr } = await lab.finishInView(process.execPath, recorder);
      if (code !== 0) throw new Error(`The recorder failed: ${stderr}`);
      return stdout;
    });
    const percent = foreign.percent();
    const lines = capture.split("\n").length;
    console.log(`${scenario.name}: ${lines} lines under ${percent.toFixed(0)} % foreign load`);
    if (percent <= MOST_FOREIGN_PERCENT) return capture;
  }
}

async function record(seconds: number): Promise<string> {
  using machine = new Machine();
  const snapshots: Snapshot[] = [];
  const startedAt = performance.now();
  for (let second = 0; second <= seconds; second++) {
    await sleep(startedAt + second * 1000 - performance.now());
    const hot = takeFiles(machine, ["hot", "ends"]);
    const statics = second === 0 ? takeFiles(machine, ["static"]) : [];
    // Whose machine it was is nobody's business.
    const files = new Map([...statics, ...hot].filter(([path]) => !path.endsWith("/hostname")));
    const monotonicMs = Number(process.hrtime.bigint() / 1000n) / 1000;
    snapshots.push({ takenAtMs: Date.now(), monotonicMs, files });
  }
  return renderCapture(snapshots);
}
