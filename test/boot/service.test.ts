import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { buildDist } from "../../scripts/bundle.ts";
import { contentsOf } from "../../scripts/package/contents.ts";
import { DEBIAN_SETTINGS, makeDeb } from "../../scripts/package/debian.ts";
import { makeExecutable } from "../../scripts/package/executable.ts";
import { makeRpm, RPM_SETTINGS } from "../../scripts/package/rpm.ts";
import { makeTarball } from "../../scripts/package/tarball.ts";
import { pushDelaySeconds } from "../../src/core/push-delay.ts";
import { skipWithoutContainers } from "../support/boot-tests.ts";
import { skipWithout } from "../support/needs.ts";
import { Container } from "./container/container.ts";
import { Neighbourhood } from "./container/neighbourhood.ts";
import { debianWithRpm, OLDEST_RELEASES } from "./container/service-releases.ts";

const [EARLIER, LATER] = ["0.1.0", "0.1.1"] as const;
/** One that pushes as soon as a minute has ended. */
const INSTANCE = Array.from({ length: 1000 }, (_, i) => `i-service${i}`).find(
  (id) => pushDelaySeconds(id) === 0,
)!;
const STATE = "/var/lib/softnet";
const JOURNAL = "/var/lib/softnet-remedy/journal";

/** Where it must not write, for one reason or another. */
const OUTSIDE = [
  ...["/etc", "/usr/bin", "/tmp", "/var/tmp", "/var/lib", "/run", "/run/lock", "/dev/shm", "/root"].map(
    (folder) => `${folder}/softnet-probe`,
  ),
  "/proc/sys/net/core/somaxconn",
];

/** How a kind of package comes and goes. They are in /mnt. */
interface Kind {
  readonly title: string;
  readonly install: (version: string) => string;
  readonly remove: string;
  /** What takes the settings and the history too; undefined where the kind knows no such thing. */
  readonly purge: string | undefined;
}

const KINDS: readonly Kind[] = [
  {
    title: "a .deb",
    install: (version) => `dpkg --install /mnt/softnet-agent_${version}_amd64.deb`,
    remove: "dpkg --remove softnet-agent",
    purge: "dpkg --purge softnet-agent",
  },
  {
    title: "an .rpm",
    install: (version) => `rpm --upgrade --nodeps --force-debian /mnt/softnet-agent-${version}-1.x86_64.rpm`,
    remove: "rpm --erase softnet-agent",
    purge: undefined,
  },
  {
    title: "a .tar.gz",
    // It knows no versions: the same once more is an upgrade.
    install: () =>
      `tar -xzf /mnt/softnet-agent-${EARLIER}-linux-x64.tar.gz -C /opt && sh /opt/softnet-agent-*/install.sh`,
    remove: "sh /opt/softnet-agent-*/install.sh remove",
    purge: "sh /opt/softnet-agent-*/install.sh purge",
  },
];

describe("the installed service", { skip: skipWithoutContainers() || skipWithout("rpmbuild") }, () => {
  const folder = mkdtempSync(join(tmpdir(), "softnet-service-"));
  let around: Neighbourhood;
  let machine: Container;
  let settings: string;

  before(async () => {
    const root = await debianWithRpm();
    await makePackages(folder);
    around = await Neighbourhood.around(INSTANCE, join(folder, `softnet-agent_${EARLIER}_amd64.deb`));
    settings = `SOFTNET_ENDPOINT="${around.told.cloudUrl}"\n`;
    machine = await Container.boot({
      root,
      bindReadOnly: { "/mnt": folder },
      networkOf: around.pid,
      furnish: (upper) => {
        mkdirSync(join(upper, "etc/softnet"), { recursive: true });
        writeFileSync(join(upper, "etc/softnet/agent.env"), settings);
      },
    });
    await machine.sh(KINDS[0]!.install(EARLIER));
  });
  after(async () => {
    await machine?.[Symbol.asyncDispose]();
    await around?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  test("is there at once, enabled, and as a user of its own", async () => {
    assert.equal(await machine.sh("systemctl is-active softnet-agent"), "active");
    assert.equal(await machine.sh("systemctl is-enabled softnet-agent"), "enabled");
    assert.equal(
      await machine.sh(
        `ps -o user= -p ${await mainPid()} 2> /dev/null || stat -c %U /proc/${await mainPid()}`,
      ),
      "softnet",
    );
  });

  test("sees all that the agent reads elsewhere", async () => {
    const capture = "/usr/bin/softnet capture --for 2 --every 1";
    const [inside, outside] = [captured(await inUnit(capture)), captured(await machine.sh(capture))];
    assert.deepEqual([...inside.keys()], [...outside.keys()]);
    for (const path of ["/proc/net/softnet_stat", "/proc/stat", "/proc/interrupts", "/proc/meminfo"]) {
      assert.ok(inside.has(path), path);
    }
    for (const [path, text] of outside) {
      if (!path.startsWith("/sys/")) continue;
      // Others' packets go on between the two looks.
      if (path.includes("/statistics/")) assert.ok(Number(inside.get(path)) <= Number(text), path);
      // What only root may read is as empty for the agent as it is for any user.
      else assert.equal(inside.get(path), text, path);
    }
  });

  test("judges as the command does outside of it", async () => {
    const diagnose = "/usr/bin/softnet diagnose --for 3 --json";
    const [inside, outside] = await Promise.all([inUnit(diagnose), machine.run(...diagnose.split(" "))]);
    const [here, there] = [JSON.parse(inside), JSON.parse(outside.stdout)] as Diagnosis[];
    assert.deepEqual(shapeOf(here!), shapeOf(there!));
    assert.equal(here!.healthy, there!.healthy);
    assert.equal(typeof here!.cpus[0]!["softirqPercent"], "number");
  });

  test("writes to its state directory and nowhere else", async () => {
    for (const file of OUTSIDE) await assert.rejects(inUnit(captureTo(file)), unwritable(file), file);
    await inUnit(captureTo(`${STATE}/probe`));
    await machine.sh(`rm ${STATE}/probe`);
  });

  test("could not write elsewhere as root either", async () => {
    for (const file of OUTSIDE) await assert.rejects(inUnit(captureTo(file), "root"), unwritable(file), file);
    assert.equal(await machine.sh("find / -xdev -name softnet-probe"), "");
  });

  test("starts no shell", async () => {
    await assert.rejects(inUnit("/bin/sh -c :"), /status=203/);
  });

  test("is there again after kill -9", async () => {
    const pid = await mainPid();
    await machine.sh(`kill -9 ${pid}`);
    await anotherMainPid(pid);
    assert.equal(await machine.sh("systemctl show --property NRestarts softnet-agent"), "NRestarts=1");
  });

  test("is started anew when its loop hangs", async () => {
    await dropIn("[Service]\nWatchdogSec=3s\nTimeoutAbortSec=1s\nRestartSec=100ms\n");
    const pid = await mainPid();
    // Longer than systemd's patience: the life signs come.
    await sleep(5000);
    assert.equal(await mainPid(), pid);
    await machine.sh(`kill -STOP ${pid}`);
    await anotherMainPid(pid);
    assert.match(await machine.sh("journalctl --unit softnet-agent --output cat"), /Watchdog timeout/);
    await dropIn(undefined);
  });

  test("runs without memory that is writable and executable, where a drop-in has it interpret", async () => {
    await dropIn("[Service]\nEnvironment=NODE_OPTIONS=--jitless\nMemoryDenyWriteExecute=yes\n");
    assert.equal(await machine.sh("systemctl is-active softnet-agent"), "active");
    await dropIn(undefined);
  });

  test("pushes to the cloud as the instance's role", async () => {
    const deadlineMs = performance.now() + 130_000;
    let names: readonly string[] = [];
    while (names.length === 0 && performance.now() < deadlineMs) {
      await sleep(1000);
      names = (await around.ask()).points.map(({ metricName }) => metricName);
    }
    assert.ok(
      names.includes("softnet_severity"),
      await machine.sh("journalctl --unit softnet-agent --output cat"),
    );
  });

  test("leaves nothing when it is purged, but a remedy that is in force", async () => {
    await machine.sh(`mkdir ${JOURNAL.replace("/journal", "")} && echo "softnet-remedy 1" > ${JOURNAL}`);
    const { stderr } = await machine.run(...KINDS[0]!.purge!.split(" "));
    assert.match(stderr, /^softnet-agent: the tuning of this machine stays as it is; 'softnet remedy undo'/m);
    assert.equal(await left(), JOURNAL);
    await machine.sh(`rm -r ${JOURNAL.replace("/journal", "")}`);
  });

  for (const { title, install, remove, purge } of KINDS) {
    test(`comes, is upgraded and goes as ${title}`, async () => {
      await machine.sh(`mkdir -p /etc/softnet && cat > /etc/softnet/agent.env << 'END'\n${settings}END`);
      await machine.sh(install(EARLIER));
      const pid = await mainPid();
      assert.equal(await machine.sh("systemctl is-active softnet-agent"), "active");
      const history = await machine.sh(`stat -c %i ${STATE}/softnet.db`);

      await machine.sh(install(LATER));
      assert.notEqual(await mainPid(), pid);
      assert.equal(await machine.sh("systemctl is-active softnet-agent"), "active");
      assert.equal(`${await machine.sh("cat /etc/softnet/agent.env")}\n`, settings);
      assert.equal(await machine.sh(`stat -c %i ${STATE}/softnet.db`), history);

      await machine.sh(remove);
      assert.equal((await machine.run("systemctl", "is-active", "softnet-agent")).stdout, "inactive\n");
      assert.equal((await machine.run("pgrep", "-u", "softnet")).stdout, "");
      assert.equal((await machine.run("test", "-e", "/usr/bin/softnet")).code, 1);
      await machine.sh(`ls ${STATE}/softnet.db /etc/softnet/agent.env*`);

      await machine.sh(purge ?? `rm -r ${STATE} /etc/softnet`);
      assert.equal(await left(), "");
    });
  }

  for (const { title, root } of OLDEST_RELEASES) {
    test(`comes up on ${title}, and again when it is killed`, async (t) => {
      const files = await root().catch((error: unknown) => {
        if (error instanceof Error && /Failed to fetch|Could not (resolve|connect)/.test(error.message))
          return;
        throw error;
      });
      if (files === undefined) return t.skip(`the archive of ${title} cannot be reached`);
      await using old = await Container.boot({ root: files, bindReadOnly: { "/mnt": folder } });
      await old.sh(KINDS[0]!.install(EARLIER));
      assert.equal(await old.sh("systemctl is-active softnet-agent"), "active");
      assert.match(await old.sh("softnet diagnose --json || true"), /"healthy":/);
      const pid = await mainPid(old);
      await old.sh(`kill -9 ${pid}`);
      await anotherMainPid(pid, old);
    });
  }

  async function mainPid(of = machine): Promise<string> {
    return of.sh("systemctl show --property MainPID --value softnet-agent");
  }

  /** Waits for another process to be ready in this one's place. */
  async function anotherMainPid(than: string, of = machine): Promise<void> {
    const deadlineMs = performance.now() + 30_000;
    for (;;) {
      const { stdout } = await of.run("systemctl", "is-active", "softnet-agent");
      const pid = await mainPid(of);
      if (stdout === "active\n" && pid !== than && pid !== "0") return;
      assert.ok(performance.now() < deadlineMs, `expected the agent to be started again, got ${stdout}`);
      await sleep(200);
    }
  }

  /** With these lines beside the unit's own; undefined takes them away. */
  async function dropIn(lines: string | undefined): Promise<void> {
    const file = "/run/systemd/system/softnet-agent.service.d/test.conf";
    await machine.sh(
      lines === undefined
        ? `rm ${file}`
        : `mkdir -p ${file.replace(/\/[^/]*$/, "")} && printf '${lines}' > ${file}`,
    );
    await machine.sh("systemctl daemon-reload && systemctl restart softnet-agent");
  }

  /** Runs a command to its end where the agent runs: under its unit, but for what starts and restarts it. @returns what it printed. */
  async function inUnit(command: string, user = "softnet"): Promise<string> {
    const unit = "/run/systemd/system/softnet-probe.service";
    const edits = [
      "s|^Type=.*|Type=oneshot|",
      `s|^ExecStart=.*|ExecStart=${command}\\nStandardOutput=truncate:/run/probe\\nStandardError=journal|`,
      `s/^(User|Group)=.*/\\1=${user}/`,
      "/^(Restart|Watchdog|NotifyAccess)/d",
      // systemd would give the agent's own directory to root.
      ...(user === "root" ? ["/^StateDirectory/d"] : []),
    ];
    await machine.sh(
      `sed -E ${edits.map((edit) => `-e '${edit}'`).join(" ")} /usr/lib/systemd/system/softnet-agent.service > ${unit}`,
    );
    await machine.sh("systemctl daemon-reload");
    const { code, stderr } = await machine.run("systemctl", "start", "softnet-probe");
    const said = await machine.sh("journalctl --unit softnet-probe --output cat --lines 5");
    // A verb that has findings ends with 1, and a oneshot has then failed.
    const { stdout: status } = await machine.run(
      "systemctl",
      "show",
      "--property=ExecMainStatus",
      "--value",
      "softnet-probe",
    );
    if (code !== 0 && status !== "1\n") throw new Error(`${command}: ${stderr}${said}`);
    return machine.sh("cat /run/probe");
  }

  /** What of the agent is on the machine, a line each. */
  async function left(): Promise<string> {
    return machine.sh(
      "find / -xdev \\( -path /proc -o -path /mnt -o -path /opt -o -path /tmp -o -path /run \\) -prune -o " +
        "\\( -path '*softnet*' -a ! -type d -a ! -path '/var/l*/dpkg/*' -a ! -path '/var/log/*' \\) -print",
    );
  }
});

interface Diagnosis {
  readonly healthy: boolean;
  readonly cpus: readonly Readonly<Record<string, unknown>>[];
}

/** The keys of a document, and how many entries its lists have. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
}

/** The files in a capture's first snapshot. */
function captured(text: string): ReadonlyMap<string, string> {
  const [, first = ""] = text.split(/^@snapshot .*$/m);
  const files = first.split(/^@file /m).slice(1);
  return new Map(files.map((file) => [file.slice(0, file.indexOf("\n")), file.slice(file.indexOf("\n"))]));
}

function unwritable(file: string): RegExp {
  return new RegExp(
    `${file}: expected a file that can be written, got (a read-only file system|no permission)`,
  );
}

function captureTo(file: string): string {
  return `/usr/bin/softnet capture --for 1 --out ${file}`;
}

async function makePackages(folder: string): Promise<void> {
  const [dist, executable] = [join(folder, "dist"), join(folder, "softnet")];
  await buildDist(dist);
  makeExecutable("x64", dist, executable);
  const files = (settings: string) => contentsOf("x64", executable, dist, settings);
  const packed = { arch: "x64", compression: "none", builtAtSeconds: 1 } as const;
  for (const version of [EARLIER, LATER]) {
    makeDeb({ ...packed, version, files: files(DEBIAN_SETTINGS) }, folder);
    makeRpm({ ...packed, version, files: files(RPM_SETTINGS) }, folder);
  }
  makeTarball({ ...packed, version: EARLIER, files: files(RPM_SETTINGS) }, folder);
}
