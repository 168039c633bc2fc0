import assert from "node:assert/strict";
import { mkdirSync, mkdtempDisposableSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { Machine } from "../../src/host/machine.ts";
import { readTuningFiles } from "../../src/host/tuning-files.ts";
import { hostOf } from "./hosts.ts";

const UNITS = "/etc/systemd/system/multi-user.target.wants";

describe("what else tunes a machine", () => {
  test("is seen below another root, where an enabled unit's absolute link leads nowhere", () => {
    using root = mkdtempDisposableSync(join(tmpdir(), "softnet-tuning-"));
    mkdirSync(join(root.path, UNITS), { recursive: true });
    for (const unit of ["ecs_mq.service", "irqbalance.service"]) {
      symlinkSync(`/usr/lib/systemd/system/of-no-machine/${unit}`, join(root.path, UNITS, unit));
    }
    using machine = new Machine(root.path);
    const { ecsMq, irqbalance } = readTuningFiles(machine);
    assert.deepEqual([ecsMq, irqbalance], [`${UNITS}/ecs_mq.service`, `${UNITS}/irqbalance.service`]);
  });

  test("is nothing where nothing is", () => {
    using root = mkdtempDisposableSync(join(tmpdir(), "softnet-tuning-"));
    writeFileSync(join(root.path, "etc"), "");
    using machine = new Machine(root.path);
    const { ecsMq, irqbalance } = readTuningFiles(machine);
    assert.deepEqual([ecsMq, irqbalance], [undefined, undefined]);
  });

  const rows: readonly { conf: string | undefined; reapplies: boolean }[] = [
    { conf: undefined, reapplies: true },
    { conf: "# reapply_sysctl = 0\n", reapplies: true },
    { conf: "daemon = 1\nreapply_sysctl = 1\n", reapplies: true },
    { conf: "daemon = 1\nreapply_sysctl = 0\n", reapplies: false },
    { conf: "reapply_sysctl=False\n", reapplies: false },
  ];
  for (const { conf, reapplies } of rows) {
    test(`${reapplies ? "reads" : "does not read"} sysctl.d again after ${JSON.stringify(conf)}`, () => {
      const host = hostOf(conf === undefined ? {} : { "/etc/tuned/tuned-main.conf": conf });
      assert.equal(readTuningFiles(host).tunedReappliesSysctl, reapplies);
    });
  }
});
