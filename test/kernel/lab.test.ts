import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { describe, test } from "node:test";

import { skipWithoutKernel } from "../support/kernel-tests.ts";
import { growthBetween, readCounters, sumOver } from "./lab/counters.ts";
import { Guard } from "./lab/guard.ts";
import { Lab } from "./lab/lab.ts";
import { gsoBurst } from "./lab/scenarios.ts";

const BACKLOG = "/proc/sys/net/core/netdev_max_backlog";

/** A test that changes everything a test may change, and then hangs. */
const HANGING_TEST = `
  import { Lab } from ${JSON.stringify(import.meta.resolve("./lab/lab.ts"))};
  await Lab.during(async (lab) => {
    await lab.connectThroughBridge();
    lab.setSysctl("netdev_max_backlog", "777");
    const load = await lab.startLoad();
    await load.pace({ burst: 1, everyMicroseconds: 1000 });
    console.log("up");
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  });
`;

describe("the lab", { skip: skipWithoutKernel() }, () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
    test(`is taken down after its test got ${signal}`, async () => {
      const before = readFileSync(BACKLOG, "utf8");
      const hanging = spawn(process.execPath, ["--input-type=module-typescript", "--eval", HANGING_TEST], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(hanging.stdout, "data");
      assert.equal(readFileSync(BACKLOG, "utf8"), "777\n");
      hanging.kill(signal);
      await once(hanging, "exit");

      // The next guard gets the lock when the one before is done.
      await (await Guard.start()).undoAll();
      assert.equal(readFileSync(BACKLOG, "utf8"), before);
      for (const name of ["softnet-a", "softnet-b", "softnet-m"]) {
        assert.ok(!existsSync(`/run/netns/${name}`), name);
      }
      assert.deepEqual(runningLoads(), []);
    });
  }

  test("makes the kernel drop so many packets as it says", async () => {
    await Lab.during(async (lab) => {
      const { drop } = await gsoBurst.begin(lab);
      const [counters, interfaceDropped] = [readCounters(), lab.received().dropped];
      const expected = await drop(700);
      assert.equal(sumOver(growthBetween(counters, readCounters()), "dropped"), expected);
      assert.equal(lab.received().dropped - interfaceDropped, expected);
    });
  });
});

function runningLoads(): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/exe`).endsWith("/test/kernel/bin/load");
    } catch {
      return false; // No process, or a kernel thread.
    }
  });
}
