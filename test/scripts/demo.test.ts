import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposableSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const DEMO = join(import.meta.dirname, "../../scripts/demo.ts");

test(
  "the demonstration shows a critical verdict within ten seconds, and leaves nothing behind",
  { timeout: 60_000 },
  async (t) => {
    using tmp = mkdtempDisposableSync(join(tmpdir(), "softnet-demo-test-"));
    const demo = spawn(process.execPath, [DEMO], {
      env: { PATH: process.env["PATH"], TMPDIR: tmp.path, LANG: "en_US.UTF-8" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    t.after(() => demo.kill("SIGKILL"));
    let [output, complaints] = ["", ""];
    demo.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    demo.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
    const beganMs = performance.now();
    while (!output.includes("softnet_critical")) await once(demo.stdout, "data");
    // Twice as long as it takes, for a machine that is busy.
    assert.ok(performance.now() - beganMs < 20_000);

    const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(output)![0];
    const now = (await (await fetch(`${url}api/now`)).json()) as {
      state: { severity: string; plan: { command: string }; alarms: { code: string }[] };
    };
    const { severity, plan, alarms } = now.state;
    assert.deepEqual(
      [severity, plan.command, alarms.map(({ code }) => code)],
      ["critical", "sudo softnet remedy apply", ["critical", "dropped"]],
    );
    const metrics = await (await fetch(`${url}metrics`)).text();
    assert.match(metrics, /^node_softnet_dropped_total\{cpu="1"\} [1-9]/m);

    demo.kill("SIGINT");
    demo.kill("SIGINT");
    const [code] = await once(demo, "close");
    assert.deepEqual({ code, complaints }, { code: 0, complaints: "" });
    assert.deepEqual(readdirSync(tmp.path), []);
  },
);
