import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";

import { parse } from "yaml";

import { type FirstBoot, PACKAGE_KINDS, renderCloudInit } from "../../src/core/cloud-init.ts";
import { firstBootProblem, parseFirstBootReport } from "../../src/core/first-boot.ts";
import { renderPortable } from "../../src/core/remedy-script.ts";
import { skipWithout } from "../support/needs.ts";

const PACKAGE = "what the package holds\n";
const SHA256 = "0".repeat(64);

function firstBoot(changed: Partial<FirstBoot> = {}): FirstBoot {
  return {
    package: { kind: "deb", url: "https://packages.example.com/a.deb?b=1&c=(d)", sha256: SHA256 },
    settings: new Map(),
    tuning: undefined,
    ...changed,
  };
}

interface CloudConfig {
  readonly write_files?: readonly {
    readonly path: string;
    readonly permissions: string;
    readonly content: string;
  }[];
  readonly runcmd: readonly string[];
}

/** As cloud-init reads it, but for a key that is there twice, at which this reader throws. */
function read(text: string): CloudConfig {
  return parse(text, { version: "1.1", uniqueKeys: true, strict: true }) as CloudConfig;
}

describe("user-data", () => {
  test("is cloud-config in which every scalar is text, and no key is there twice", () => {
    for (const kind of PACKAGE_KINDS) {
      for (const tuning of [undefined, { backlog: 5000, rps: false }, { backlog: 30_000, rps: true }]) {
        const text = renderCloudInit(
          firstBoot({
            package: { ...firstBoot().package, kind },
            settings: new Map([["SOFTNET_SINK", "local"]]),
            tuning,
          }),
        );
        assert.ok(text.startsWith("#cloud-config\n"));
        for (const scalar of scalarsOf(read(text))) assert.equal(typeof scalar, "string");
      }
    }
  });

  test("writes the settings for systemd and the runbook as it is, and runs it", () => {
    const tuning = { backlog: 5000, rps: true };
    const settings = new Map([
      ["SOFTNET_PUSH_CRON", "*/5 * * * *"],
      ["SOFTNET_SINK", "auto"],
    ]);
    const { write_files: files, runcmd } = read(renderCloudInit(firstBoot({ settings, tuning })));
    assert.deepEqual(files, [
      {
        path: "/etc/softnet/agent.env",
        permissions: "0640",
        content: 'SOFTNET_PUSH_CRON="*/5 * * * *"\nSOFTNET_SINK="auto"\n',
      },
      { path: "/etc/softnet/remediate.sh", permissions: "0755", content: renderPortable(tuning) },
    ]);
    assert.equal(runcmd[0], "set -e");
    assert.match(runcmd[1]!, /^step tune sh \/etc\/softnet\/remediate.sh/m);
  });

  test("leaves room for a signed address and settings beside the longest runbook", () => {
    const text = renderCloudInit(firstBoot({ tuning: { backlog: 100_000, rps: true } }));
    assert.ok(text.length < 15_600, `${text.length} bytes`);
  });

  test("runs a script that is clean to ShellCheck", { skip: skipWithout("shellcheck") }, () => {
    for (const kind of PACKAGE_KINDS) {
      const settings = firstBoot({
        package: { ...firstBoot().package, kind },
        tuning: { backlog: 5000, rps: false },
      });
      const input = `#!/bin/sh\n${read(renderCloudInit(settings)).runcmd.join("\n")}`;
      const { stdout } = spawnSync("shellcheck", ["--format=gcc", "-"], { input, encoding: "utf8" });
      assert.equal(stdout, "");
    }
  });
});

describe("a first boot", () => {
  // On Alibaba Cloud Linux sh is bash.
  for (const shell of ["dash", "bash"]) {
    test(
      `fetches, checks, installs and starts, and notes each, in ${shell}`,
      { skip: skipWithout(shell) },
      (t) => {
        const { status, did, report } = boot(t, {}, { shell });
        assert.equal(status, 0);
        assert.deepEqual(report?.failures, []);
        assert.equal(firstBootProblem(report), undefined);
        assert.match(
          did,
          /^curl .*\napt-get install .*\nsystemctl enable softnet-agent\nsystemctl restart softnet-agent\n$/,
        );
      },
    );
  }

  test("tries a download again", (t) => {
    const { status, did } = boot(t, {
      curl: 'echo >> "$0.tries"; [ "$(wc -l < "$0.tries")" -gt 2 ] || exit 22',
    });
    assert.equal(status, 0);
    assert.equal(did.match(/^curl /gm)?.length, 3);
  });

  test("notes that there is no room for a download", (t) => {
    const { status, did, report } = boot(t, { mktemp: "echo 'mktemp: No space left on device' >&2; exit 1" });
    assert.equal(status, 1);
    assert.doesNotMatch(did, /curl|apt-get|systemctl/);
    assert.deepEqual(report?.failures, [
      { step: "fetch", exitCode: 1, message: "mktemp: No space left on device" },
    ]);
  });

  test("leaves its report beside what it had to write, and nothing else", (t) => {
    const { left } = boot(t, {});
    assert.deepEqual(left, ["first-boot.json", "remediate.sh"]);
  });

  test("gives up on a download, fails and says why", (t) => {
    const { status, did, report } = boot(t, { curl: 'echo "curl: (22) returned \\"404\\"" >&2; exit 22' });
    assert.equal(status, 22);
    assert.doesNotMatch(did, /apt-get|systemctl/);
    const said = Array.from({ length: 3 }, () => "curl: (22) returned '404'").join(" ");
    assert.deepEqual(report?.failures, [{ step: "fetch", exitCode: 22, message: said }]);
  });

  test("installs nothing whose checksum is another one", (t) => {
    const { status, did, report } = boot(t, {}, { sha256: "0".repeat(64) });
    assert.equal(status, 1);
    assert.doesNotMatch(did, /apt-get|systemctl/);
    const [failure] = report!.failures;
    assert.equal(failure?.step, "check");
    assert.match(
      failure.message,
      /^expected a package of sha256 0{64}, got [0-9a-f]{64}: nothing is installed$/,
    );
  });

  test("that cannot tune installs all the same, fails, and leaves both in the report", (t) => {
    const { status, did, report } = boot(t, { remediate: "echo 'no such setting' >&2; echo '{}'; exit 5" });
    assert.equal(status, 1);
    assert.match(did, /systemctl restart/);
    assert.deepEqual(report?.failures, [{ step: "tune", exitCode: 5, message: "no such setting" }]);
    assert.match(firstBootProblem(report)!.en, /first boot failed in tune \(5\): no such setting$/);
  });

  test("ends with what did not start", (t) => {
    const { status, report } = boot(t, { systemctl: '[ "$1" = enable ] || exit 3' });
    assert.equal(status, 3);
    assert.deepEqual(report?.failures, [{ step: "start", exitCode: 3, message: "" }]);
  });
});

/** Runs a first boot's commands with the programs of this machine, but for those that would change it. */
function boot(
  t: TestContext,
  stand: {
    readonly curl?: string;
    readonly systemctl?: string;
    readonly mktemp?: string;
    readonly remediate?: string;
  },
  given: { readonly sha256?: string; readonly shell?: string } = {},
) {
  const dir = mkdtempSync(join(tmpdir(), "softnet-first-boot-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const etc = join(dir, "etc");
  mkdirSync(etc);
  const sha256 = given.sha256 ?? createHash("sha256").update(PACKAGE).digest("hex");
  const settings = firstBoot({
    package: { ...firstBoot().package, sha256 },
    tuning: stand.remediate === undefined ? undefined : { backlog: 5000, rps: false },
  });
  program(
    dir,
    "curl",
    `${stand.curl ?? ""}\nwhile [ "$1" != -o ]; do shift; done; printf '%s' '${PACKAGE}' > "$2"`,
  );
  program(dir, "apt-get", "");
  program(dir, "sleep", "");
  program(dir, "systemctl", stand.systemctl ?? "");
  if (stand.mktemp !== undefined) program(dir, "mktemp", stand.mktemp);
  writeFileSync(join(etc, "remediate.sh"), stand.remediate ?? "");
  const script = read(renderCloudInit(settings)).runcmd.join("\n").replaceAll("/etc/softnet", etc);
  const { status } = spawnSync(given.shell ?? "sh", ["-c", script], {
    env: { PATH: `${dir}:${process.env["PATH"]}`, TMPDIR: dir },
  });
  const did = readFileSync(join(dir, "did"), "utf8").replaceAll(/^sleep.*\n/gm, "");
  const report = parseFirstBootReport(readFileSync(join(etc, "first-boot.json"), "utf8"));
  return { status, did, report, left: readdirSync(etc).toSorted() };
}

function program(dir: string, name: string, body: string): void {
  writeFileSync(join(dir, name), `#!/bin/sh\necho "${name} $*" >> '${dir}/did'\n${body}\n`, { mode: 0o755 });
}

function scalarsOf(node: unknown): readonly unknown[] {
  if (typeof node !== "object" || node === null) return [node];
  return Object.values(node).flatMap(scalarsOf);
}
