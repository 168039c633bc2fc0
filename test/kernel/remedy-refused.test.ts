import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { renderApply } from "../../src/core/remedy-script.ts";
import { skipWithoutKernel } from "../support/kernel-tests.ts";
import { runSoftnet } from "../support/run-softnet.ts";
import { Lab } from "./lab/lab.ts";
import type { Finished } from "./lab/shell.ts";

const SOFTNET = fileURLToPath(new URL("../../bin/softnet.js", import.meta.url));
const BACKLOG = "/proc/sys/net/core/netdev_max_backlog";
/** Both kinds of value: one that is set before the other is refused has to be taken back. */
const BOTH = ["--force", "--backlog", "5000", "--rps", "3", "--device", "softnet-b0", "--no-persist"];
const APPLY = ["remedy", "apply", "--yes", "--for", "1", ...BOTH];

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "softnet-kernel-refused-"));
});
afterEach(() => rmSync(stateDir, { recursive: true }));

describe(
  "softnet remedy on a real kernel, when something is in the way",
  { skip: skipWithoutKernel() },
  () => {
    const fill = (size: string): string =>
      `mount -t tmpfs -o size=${size},mode=755 tmpfs "$SOFTNET_REMEDY_DIR" && dd if=/dev/zero of="$SOFTNET_REMEDY_DIR/x" bs=4k count=1 status=none`;
    const readOnly = (dir: string): string => `mount --bind ${dir} ${dir} && mount -o remount,bind,ro ${dir}`;
    const rows: readonly { name: string; before: string; through?: string; says: RegExp }[] = [
      {
        name: "a read-only /proc/sys",
        before: readOnly("/proc/sys/net/core"),
        says: /got net\.core\.netdev_max_backlog: Read-only file system/,
      },
      {
        name: "a read-only /sys, after the backlog was set",
        before: readOnly("/sys"),
        says: /softnet-b0\/queues\/rx-0\/rps_cpus: Read-only file system/,
      },
      {
        name: "root without CAP_NET_ADMIN",
        before: ":",
        through: "setpriv --bounding-set=-net_admin --",
        says: /softnet-b0\/queues\/rx-0\/rps_cpus: Operation not permitted/,
      },
      { name: "a full disk under the lock", before: fill("4k"), says: /got ENOSPC/ },
      { name: "a full disk under the journal", before: fill("8k"), says: /No space left on device/ },
    ];
    for (const { name, before, through = "", says } of rows) {
      test(`${name}: one clear line, nothing half done`, async () => {
        await inLab(async (lab) => {
          refusedBy(await apply(lab, `${before} && exec ${through} "$@"`), says);
          assertUntouched(lab);
        });
      });
    }

    test("a CPU that is not possible: EOVERFLOW, and the backlog that was set before is taken back", async () => {
      await inLab(async (lab) => {
        const script = renderApply([
          { kind: "sysctl", name: "netdev_max_backlog", from: 1000, to: 5000 },
          { kind: "rps", device: "softnet-b0", queue: 0, from: 0n, to: 1n << 4000n, possibleCpus: 4001 },
        ]);
        const { code, stderr } = await lab.finishInView("sh", ["-c", script], { env: env() });
        assert.equal(code, 5);
        assert.match(stderr, /^softnet remedy: .*rps_cpus: Value too large for (defined )?data type\n$/);
        assertUntouched(lab);
      });
    });

    test("somebody else's write between the plan and the change stops the run", async () => {
      await inLab(async (lab) => {
        const args = ["--force", "--backlog", "5000", "--rps", "off", "--no-persist", "--for", "1"];
        const { code, stdout, stderr } = await runSoftnet(["remedy", "apply", ...args], {
          env: env(),
          canAsk: true,
          ask: () => {
            lab.setSysctl("netdev_max_backlog", "2500");
            return Promise.resolve("yes");
          },
        });
        assert.deepEqual([code, stdout], [2, ""]);
        assert.match(stderr, /was 1000 when this was planned and is now 2500: somebody else changed it\n$/);
        assert.equal(readFileSync(BACKLOG, "utf8"), "2500\n");
        assert.deepEqual(readdirSync(stateDir), ["audit.jsonl"]);
      });
    });

    test("a second apply at the same time is told of the first, which is taken back when it is ended", async () => {
      await inLab(async (lab) => {
        const { pid, ended } = await applyUntilSet(lab);
        refusedBy(
          await apply(lab, 'exec "$@"'),
          new RegExp(`expected no other run at work, got process ${pid}$`),
        );
        assert.equal(readFileSync(BACKLOG, "utf8"), "5000\n", "the first goes on");
        process.kill(pid, "SIGTERM");
        const { code, stderr } = await ended;
        assert.equal(code, 143);
        assert.match(stderr, /interrupted: what was set is taken back\n$/);
        assertUntouched(lab);
      });
    });

    test("undo puts back what an apply had set that was killed with kill -9", async () => {
      await inLab(async (lab) => {
        const { pid, ended } = await applyUntilSet(lab);
        process.kill(pid, "SIGKILL");
        await ended;
        assert.equal(readFileSync(BACKLOG, "utf8"), "5000\n");
        const [program, ...args] = command(["remedy", "undo", "--yes"]);
        const { code, stdout, stderr } = await lab.finishInView(program!, args, { env: env() });
        assert.equal(code, 0, stderr);
        assert.match(stdout, /net\.core\.netdev_max_backlog {2}5000 → 1000$/m);
        assertUntouched(lab);
      });
    });
  },
);

async function inLab(work: (lab: Lab) => Promise<void>): Promise<void> {
  await Lab.during(async (lab) => {
    await lab.connectDirectly();
    await work(lab);
  });
}

/** One that has set everything and measures what that does. */
async function applyUntilSet(lab: Lab): Promise<{ readonly pid: number; readonly ended: Promise<Finished> }> {
  const pidFile = join(stateDir, "pid");
  const ended = apply(lab, `echo $$ > ${pidFile}; exec "$@"`);
  while (readFileSync(BACKLOG, "utf8") !== "5000\n" || maskOf(lab) !== 3n) await sleep(50);
  const pid = Number(readFileSync(pidFile, "utf8"));
  rmSync(pidFile);
  return { pid, ended };
}

function maskOf({ receiver }: Lab): bigint {
  return BigInt(`0x${receiver.read("softnet-b0/queues/rx-0/rps_cpus")}`);
}

/** @param how a line of shell that runs `"$@"`. */
async function apply(lab: Lab, how: string): Promise<Finished> {
  return lab.finishInView("sh", ["-c", how, "sh", ...command(APPLY)], { env: env() });
}

function command(args: readonly string[]): readonly string[] {
  return [process.execPath, SOFTNET, ...args];
}

/** No metadata service is asked: there is none behind this port. */
function env(): Record<string, string | undefined> {
  return { ...process.env, SOFTNET_REMEDY_DIR: stateDir, SOFTNET_IMDS: "http://127.0.0.1:9" };
}

function refusedBy({ code, stdout, stderr }: Finished, says: RegExp): void {
  assert.deepEqual([code, stdout], [2, ""], stderr);
  assert.match(stderr.trimEnd().split("\n").at(-1)!, says);
}

function assertUntouched(lab: Lab): void {
  assert.equal(readFileSync(BACKLOG, "utf8"), "1000\n");
  assert.equal(maskOf(lab), 0n);
  const left = readdirSync(stateDir).filter((name) => name !== "audit.jsonl");
  assert.deepEqual(left, []);
}
