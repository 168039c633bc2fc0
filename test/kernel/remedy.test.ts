import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import type { ApplyDocument, PlanDocument } from "../../src/core/remedy-document.ts";
import { skipWithoutKernel } from "../support/kernel-tests.ts";
import { sumOver } from "./lab/counters.ts";
import { judged } from "./lab/judged.ts";
import type { Lab } from "./lab/lab.ts";
import * as scenarios from "./lab/scenarios.ts";

const SOFTNET = fileURLToPath(new URL("../../bin/softnet.js", import.meta.url));
const WATCHED = ["--for", "4", "--verify-for", "6"];
/** Files that the product writes are seen by it alone, and go with it. */
const SCRATCH = ["/etc", "/usr/local"];

let stateDir: string;

/** Each run knows nothing of the one before. The product ends the fault, so it has to show before that only. */
async function judgedAnew(
  t: TestContext,
  scenario: scenarios.Scenario,
  work: (lab: Lab) => Promise<void>,
): Promise<boolean> {
  return judged(
    t,
    scenario,
    async (lab) => {
      stateDir = mkdtempSync(join(tmpdir(), "softnet-kernel-remedy-"));
      try {
        await work(lab);
      } finally {
        rmSync(stateDir, { recursive: true });
      }
    },
    "before",
  );
}

describe("softnet remedy on a real kernel", { skip: skipWithoutKernel() }, () => {
  test("ends the losses of a burst with a longer queue, and keeps it", async (t) => {
    await judgedAnew(t, scenarios.burst, async (lab) => {
      const { document, files } = await applyIn(lab, 0);
      assert.equal(document.result, "kept", said(document));
      assert.equal(document.after!.lostPerMillion, 0, said(document));
      assert.ok(document.persisted);
      assert.deepEqual(targets(document), [
        "net.core.netdev_max_backlog",
        "/etc/sysctl.d/99-network-tuning.conf",
      ]);
      assert.equal(lastLineOf(files), `net.core.netdev_max_backlog = ${sysctl("netdev_max_backlog")}`);
      assert.equal(sumOver(await lab.measure(2), "dropped"), 0, "by the kernel's own counters");

      await undoIn(lab);
      assert.equal(sysctl("netdev_max_backlog"), "1000");
    });
  });

  test("spreads an overload with RPS, which leaves a tenth of the losses in two of three runs", async (t) => {
    let [cured, runs] = [0, 0];
    for (; runs < 3 && cured < 2; runs++) {
      let left = 1;
      const isJudged = await judgedAnew(t, scenarios.overload, async (lab) => {
        const before = await lostShare(lab);
        const { document, files } = await applyIn(lab, 0);
        assert.equal(document.result, "kept", said(document));
        assert.deepEqual(masksOf(lab), ["3"]);
        assert.match(files, /^softnet-b0 [0-9a-f:]{17} 3$/m);
        left = (await lostShare(lab)) / before;

        await undoIn(lab);
        assert.deepEqual(masksOf(lab), ["0"]);
      });
      if (!isJudged) return;
      t.diagnostic(`run ${runs + 1}: ${(left * 100).toFixed(1)} % of the losses are left`);
      if (left <= 0.1) cured++;
    }
    assert.ok(cured >= 2, `${cured} of ${runs} runs`);
  });

  test("ends the squeezes of a used-up budget, and keeps it", async (t) => {
    await judgedAnew(t, scenarios.budget, async (lab) => {
      const { document } = await applyIn(lab, 0);
      assert.equal(document.result, "kept", said(document));
      assert.ok(
        document.after!.squeezedPerMillion <= document.before.squeezedPerMillion / 100,
        said(document),
      );
      assert.equal(sysctl("netdev_budget"), "600");
      assert.ok(sumOver(await lab.measure(2), "squeezed") < 10, "by the kernel's own counters");
      await undoIn(lab);
      assert.equal(sysctl("netdev_budget"), "300");
    });
  });

  test("changes nothing on a healthy host", async (t) => {
    await judgedAnew(t, scenarios.healthy, async (lab) => {
      const { document } = await applyIn(lab, 0);
      assert.equal(document.result, "healthy", said(document));
      assert.deepEqual(document.changes, []);
      assert.equal(sysctl("netdev_max_backlog"), "1000");
    });
  });

  for (const scenario of [scenarios.singleFlow, scenarios.tripleOverload]) {
    test(`recognises that a bigger backlog is no cure of ${scenario.name}, and does not try it again`, async (t) => {
      await judgedAnew(t, scenario, async (lab) => {
        const masks = masksOf(lab);
        const bigger = ["--backlog", "30000", "--rps", "off"];
        const { document, stderr } = await applyIn(lab, 1, bigger);
        assert.equal(document.result, "undone", said(document));
        // Its room lasts for longer than the first look.
        if (scenario === scenarios.singleFlow) assert.match(stderr, /a queue is filling/, said(document));
        assert.equal(sysctl("netdev_max_backlog"), "1000");
        assert.deepEqual(masksOf(lab), masks);
        assert.ok(!existsSync(join(stateDir, "journal")));

        const again = await applyIn(lab, 1, bigger);
        assert.equal(again.document.result, "failed", said(again.document));
        assert.ok(again.document.plan.cannotHelp.some(({ code }) => code === "did-not-help-before"));
        assert.equal(sysctl("netdev_max_backlog"), "1000");
      });
    });
  }

  test("says that a bigger backlog is of no use to a NAPI without RPS", async (t) => {
    await judgedAnew(t, scenarios.napiVethRpsOff, async (lab) => {
      // Long enough for the start of Node itself not to count as a load.
      const args = ["remedy", "plan", "--backlog", "30000", "--for", "8", "--json"];
      const { code, stdout, stderr } = await lab.finishInView(process.execPath, [SOFTNET, ...args], {
        env: env(),
      });
      assert.equal(code, 0, `${stdout}\n${stderr}`);
      const { steps, cannotHelp } = JSON.parse(stdout) as PlanDocument;
      assert.deepEqual(steps, []);
      assert.ok(
        cannotHelp.some((one) => one.code === "nic-bypasses-backlog"),
        stdout,
      );
    });
  });
});

/** Applies, and shows what it has written, all in one view. */
async function applyIn(
  lab: Lab,
  exitCode: number,
  args: readonly string[] = [],
): Promise<{ document: ApplyDocument; files: string; stderr: string }> {
  const show =
    "code=$?; cat /etc/sysctl.d/99-network-tuning.conf /usr/local/sbin/softnet-rps 2> /dev/null; exit $code";
  const command = [process.execPath, SOFTNET, "remedy", "apply", "--yes", "--json", ...WATCHED, ...args];
  const { code, stdout, stderr } = await lab.finishInView("sh", ["-c", `"$@"; ${show}`, "sh", ...command], {
    env: env(),
    scratch: SCRATCH,
  });
  assert.equal(code, exitCode, `${stdout}\n${stderr}`);
  const [first, ...rest] = stdout.split("\n");
  return { document: JSON.parse(first!) as ApplyDocument, files: rest.join("\n"), stderr };
}

/** By the kernel's own counters. */
async function lostShare(lab: Lab): Promise<number> {
  const growth = await lab.measure(2);
  const dropped = sumOver(growth, "dropped");
  return dropped / (dropped + sumOver(growth, "processed"));
}

async function undoIn(lab: Lab): Promise<void> {
  const args = [SOFTNET, "remedy", "undo", "--yes"];
  const { code, stdout, stderr } = await lab.finishInView(process.execPath, args, {
    env: env(),
    scratch: SCRATCH,
  });
  assert.equal(code, 0, `${stdout}\n${stderr}`);
}

/** No metadata service is asked: there is none behind this port. */
function env(): NodeJS.ProcessEnv {
  return { ...process.env, SOFTNET_REMEDY_DIR: stateDir, SOFTNET_IMDS: "http://127.0.0.1:9" };
}

function sysctl(name: string): string {
  return readFileSync(`/proc/sys/net/core/${name}`, "utf8").trim();
}

function masksOf({ receiver }: Lab): readonly string[] {
  return receiver
    .list("softnet-b0/queues")
    .filter((queue) => queue.startsWith("rx-"))
    .map((queue) => receiver.read(`softnet-b0/queues/${queue}/rps_cpus`));
}

function targets({ changes }: ApplyDocument): readonly string[] {
  return changes.map(({ target }) => target);
}

function lastLineOf(text: string): string {
  return text.trimEnd().split("\n").at(-1)!;
}

function said(document: ApplyDocument): string {
  return JSON.stringify(document);
}
