import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import { renderUndo } from "../../src/core/remedy-script.ts";
import { runSoftnet } from "../support/run-softnet.ts";

const dir = mkdtempSync(join(tmpdir(), "softnet-remedy-"));
after(() => rmSync(dir, { recursive: true }));

const incident = (name: string): string => join(import.meta.dirname, `../fixtures/incidents/${name}.capture`);

/** What a capture shows beside counters: the last CPU of the host is full and drops 3000 packets a second. */
interface OverloadedHost {
  readonly cpus: number;
  /** Packets a second that an interface receives, and of them the lost. */
  readonly interfaces: Readonly<
    Record<string, { received: number; lost: number; type?: number; mask?: string; isVirtual?: true }>
  >;
  readonly files?: Readonly<Record<string, string>>;
  /** Without `/sys/devices/system/cpu/online`, as some containers are. */
  readonly hidesOnline?: true;
}

/** @returns the path of a capture of five seconds. */
function overloadedHost({ cpus, interfaces, files, hidesOnline }: OverloadedHost): string {
  const range = cpus === 1 ? "0" : `0-${cpus - 1}`;
  const hex = (value: number): string => value.toString(16).padStart(8, "0");
  const still: Record<string, string> = {
    "/proc/sys/net/core/netdev_max_backlog": "1000",
    "/proc/sys/net/core/netdev_budget_usecs": "8000",
    "/sys/devices/system/cpu/possible": range,
    ...(hidesOnline ? {} : { "/sys/devices/system/cpu/online": range }),
    ...files,
  };
  for (const [name, { type = 1, mask = "0", isVirtual }] of Object.entries(interfaces)) {
    still[`/sys/class/net/${name}/type`] = String(type);
    still[`/sys/class/net/${name}/queues/rx-0/rps_cpus`] = mask;
    if (type === 1 && !isVirtual) still[`/sys/class/net/${name}/device/uevent`] = "DRIVER=virtio_net";
  }
  const snapshots = [...Array(6).keys()].map((second) => {
    const rows = [...Array(cpus).keys()].map((cpu) => {
      const isFull = cpu === cpus - 1;
      const counts = isFull ? [100_000 * second, 3000 * second, 50 * second] : [10 * second, 0, 0];
      const waiting = isFull ? 1800 : 0;
      return {
        softnet: [...counts, ...Array(8).fill(0), waiting, cpu, waiting, 0].map(hex).join(" "),
        time: `cpu${cpu} 0 0 0 ${(isFull ? 1 : 99) * second} 0 0 ${(isFull ? 99 : 1) * second} 0 0 0`,
      };
    });
    const moving: Record<string, string> = {
      "/proc/net/softnet_stat": rows.map(({ softnet }) => softnet).join("\n"),
      "/proc/stat": rows.map(({ time }) => time).join("\n"),
      "/proc/sys/kernel/random/boot_id": "11111111-1111-1111-1111-111111111111",
    };
    for (const [name, { received, lost }] of Object.entries(interfaces)) {
      moving[`/sys/class/net/${name}/statistics/rx_packets`] = String(received * second);
      moving[`/sys/class/net/${name}/statistics/rx_dropped`] = String(lost * second);
    }
    const shown = Object.entries(second === 0 ? { ...still, ...moving } : moving).map(
      ([path, text]) => `@file ${path}\n${text.replaceAll(/^/gm, " ")}\n`,
    );
    return `@snapshot ${1_795_377_811_000 + second * 1000} ${4000 + second}.000000\n${shown.join("")}`;
  });
  const file = join(mkdtempSync(join(dir, "capture-")), "capture");
  writeFileSync(file, `softnet-capture 1\n${snapshots.join("")}@end\n`);
  return file;
}

interface Planned {
  readonly steps: readonly { kind: string; target: string; to: string }[];
  readonly cannotHelp: readonly { code: string; why: string }[];
  readonly advice: string | null;
}

async function planOf(host: OverloadedHost, ...args: readonly string[]): Promise<Planned> {
  const { stdout, stderr } = await runSoftnet([
    "remedy",
    "plan",
    "--from",
    overloadedHost(host),
    "--json",
    ...args,
  ]);
  assert.equal(stderr, "");
  return JSON.parse(stdout) as Planned;
}

function codesOf({ cannotHelp }: Planned): readonly string[] {
  return cannotHelp.map(({ code }) => code);
}

describe("softnet remedy plan of an overload", () => {
  const suffers = { received: 100_000, lost: 3000 };
  const lo = { received: 5000, lost: 0, type: 772 };

  test("spreads it over the other CPU", async () => {
    const { steps } = await planOf({ cpus: 2, interfaces: { eth0: suffers, lo } });
    assert.deepEqual(
      steps.filter(({ kind }) => kind === "rps").map(({ target, to }) => [target, to]),
      [["/sys/class/net/eth0/queues/rx-0/rps_cpus", "3"]],
    );
  });

  for (const args of [[], ["--rps", "1"], ["--rps", "1", "--device", "eth0"]]) {
    test(`on one CPU says that there is no other, and plans nothing: ${args.join(" ") || "no flags"}`, async () => {
      const plan = await planOf({ cpus: 1, interfaces: { eth0: suffers } }, ...args);
      assert.deepEqual(plan.steps, []);
      assert.equal(codesOf(plan).filter((code) => code === "rps-on-one-cpu").length, 1);
    });
  }

  test("on one CPU that is not isolated says the same", async () => {
    const files = { "/sys/devices/system/cpu/isolated": "0" };
    const plan = await planOf({ cpus: 2, interfaces: { eth0: suffers }, files });
    assert.deepEqual(plan.steps, []);
    assert.ok(codesOf(plan).includes("rps-on-one-cpu"));
  });

  for (const args of [[], ["--script"]]) {
    test(`refuses a CPU beyond the possible ones where no map of the online ones is: ${args.join(" ") || "no script"}`, async () => {
      const host: OverloadedHost = { cpus: 2, interfaces: { eth0: suffers }, hidesOnline: true };
      const flags = ["--from", overloadedHost(host), "--rps", "f", ...args];
      const { code, stdout, stderr } = await runSoftnet(["remedy", "plan", ...flags]);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(
        stderr,
        /^softnet: --rps: expected CPUs that are online and not isolated, got f with CPU 2\n$/,
      );
    });
  }

  describe("in another network namespace", () => {
    const elsewhere: OverloadedHost = { cpus: 2, interfaces: { eth0: { received: 10, lost: 0 }, lo } };

    for (const args of [[], ["--rps", "3"]]) {
      test(`steers no interface that loses nothing: ${args.join(" ") || "no flags"}`, async () => {
        const plan = await planOf(elsewhere, ...args);
        assert.deepEqual(plan.steps, []);
        assert.ok(codesOf(plan).includes("other-namespace"));
        assert.equal(plan.advice, null);
      });
    }

    test("steers the interface that is named", async () => {
      const { steps } = await planOf(elsewhere, "--device", "eth0");
      assert.equal(steps[0]?.target, "/sys/class/net/eth0/queues/rx-0/rps_cpus");
    });

    const host = (eth0: object, others: OverloadedHost["interfaces"] = {}): OverloadedHost => ({
      cpus: 4,
      interfaces: { eth0: { received: 60_000, lost: 0, ...eth0 }, lo, ...others },
    });
    const said = async (verb: string, what: OverloadedHost, ...args: readonly string[]): Promise<string> =>
      (await runSoftnet([...verb.split(" "), "--from", overloadedHost(what), ...args])).stdout;

    test("of containers steers the NIC that brings their packets, and says where the losses are", async () => {
      const containers = host({}, { cni0: { received: 90_000, lost: 0, isVirtual: true } });
      const { steps, cannotHelp } = await planOf(containers);
      assert.deepEqual(
        steps.filter(({ kind }) => kind === "rps").map(({ target, to }) => [target, to]),
        [["/sys/class/net/eth0/queues/rx-0/rps_cpus", "f"]],
      );
      assert.ok(!cannotHelp.some(({ code }) => code === "other-namespace"));
      const where =
        /losses\s+are\s+in\s+another\s+network\s+namespace,\s+and\s+eth0\s+most\s+likely\s+brings/;
      assert.match(await said("remedy plan", containers), where);
      const diagnosis = await said("diagnose", containers);
      assert.match(diagnosis, where);
      assert.match(diagnosis, /sudo softnet remedy apply/);
      const { findings } = JSON.parse(await said("diagnose", containers, "--json"));
      assert.deepEqual(
        findings.map((one: { code: string; confidence: number; remedy: string | null }) => [
          one.code,
          one.remedy,
          one.code === "steering-narrow" ? one.confidence : undefined,
        ]),
        [
          ["cpu-bottleneck", "rps", undefined],
          ["steering-narrow", "rps", 0.5],
        ],
      );
    });

    for (const [name, what] of [
      ["no NIC", host({ isVirtual: true })],
      ["a NIC that gives its packets to all CPUs already", host({ mask: "f" })],
      ["a NIC with less traffic than is lost", host({ received: 1000 })],
    ] as const) {
      test(`of a host with ${name} steers nothing without --device, and says so`, async () => {
        const plan = await planOf(what);
        assert.deepEqual(plan.steps, []);
        assert.ok(codesOf(plan).includes("other-namespace"));
        const text = await said("remedy plan", what);
        assert.match(text, /^Plan +Nothing can be steered from here without --device: the losses are in/m);
        assert.doesNotMatch(text, /No setting that we would change/);
        assert.doesNotMatch(await said("diagnose", what), /remedy apply/);
      });
    }

    test("does not go on to advise --device where it is given", async () => {
      assert.deepEqual(codesOf(await planOf(elsewhere, "--device", "eth0")), [
        "backlog-under-overload",
        "budget-under-overload",
      ]);
    });

    test("and in this one steers the interface that suffers here", async () => {
      const { steps } = await planOf({ cpus: 2, interfaces: { eth0: { received: 90_000, lost: 400 }, lo } });
      assert.equal(steps[0]?.target, "/sys/class/net/eth0/queues/rx-0/rps_cpus");
    });
  });
});

describe("softnet remedy plan", () => {
  test("ends with 1 and the plan", async () => {
    const { code, stdout, stderr } = await runSoftnet([
      "remedy",
      "plan",
      "--from",
      incident("burst"),
      "--json",
    ]);
    assert.deepEqual([code, stderr], [1, ""]);
    const document = JSON.parse(stdout);
    assert.deepEqual(Object.keys(document), [
      "schemaVersion",
      "steps",
      "cannotHelp",
      "undo",
      "conflicts",
      "notes",
      "advice",
      "bandwidth",
    ]);
    assert.deepEqual(
      document.steps.map(({ kind, target, from, to }: Record<string, string>) => [kind, target, from, to]),
      [
        ["sysctl", "net.core.netdev_max_backlog", "1000", "10000"],
        ["file", "/etc/sysctl.d/99-network-tuning.conf", null, "net.core.netdev_max_backlog = 10000"],
      ],
    );
    assert.deepEqual(Object.keys(document.steps[0]), ["kind", "target", "from", "to", "why", "cost"]);
  });

  test("ends with 0 where there is nothing to do", async () => {
    const { code } = await runSoftnet(["remedy", "plan", "--from", incident("healthy")]);
    assert.equal(code, 0);
  });

  test("says that a bigger backlog is of no use where no packet enters it", async () => {
    const args = ["remedy", "plan", "--from", incident("napi-veth-rps-off"), "--backlog", "30000", "--json"];
    const { stdout } = await runSoftnet(args);
    const codes = JSON.parse(stdout).cannotHelp.map(({ code }: { code: string }) => code);
    assert.ok(codes.includes("nic-bypasses-backlog"), String(codes));
  });

  for (const [lang, advice] of [
    ["en", /^Advice +Let the sender spread this traffic over more connections or ports/m],
    ["zh", /^建议 +请让发送端把流量分散到更多连接或端口/m],
  ] as const) {
    test(`advises where no setting helps, in ${lang}`, async () => {
      const args = ["remedy", "plan", "--from", incident("single-flow"), "--lang", lang];
      const { code, stdout } = await runSoftnet(args);
      assert.equal(code, 0);
      assert.match(stdout, advice);
    });
  }

  test("names the command with the flags that it was asked with", async () => {
    const args = ["--backlog", "20000", "--rps", "off", "--no-persist"];
    const { stdout } = await runSoftnet(["remedy", "plan", "--from", incident("burst"), ...args]);
    assert.match(
      stdout,
      /^Apply +sudo softnet remedy apply --backlog 20000 --rps off --no-persist {5}\(on the host itself\)$/m,
    );
  });

  test("says of a value that is not above the present one that it is never lowered, and what it would be by itself", async () => {
    const { code, stdout } = await runSoftnet([
      "remedy",
      "plan",
      "--from",
      incident("burst"),
      "--backlog",
      "5",
    ]);
    assert.equal(code, 0);
    assert.match(stdout, /^Plan +The value that you ask for changes nothing\.$/m);
    assert.match(stdout, /Setting net\.core\.netdev_max_backlog to 5: it is 1,000 already/);
    assert.match(stdout.replaceAll(/\s+/g, " "), /Without --backlog it is raised to 10,000\./);
  });

  test("advises on the flow limit, which it leaves alone", async () => {
    const { code, stdout } = await runSoftnet(["remedy", "plan", "--from", incident("flow-limit")]);
    assert.equal(code, 0);
    assert.match(stdout, /^Advice +Leave the flow limit as it is, or .*flow_limit_cpu_bitmap/m);
  });

  test("prints the script that apply runs, and the two others", async () => {
    const scripts = await Promise.all(
      ["apply", "persist", "undo"].map(async (phase) => {
        const args = ["remedy", "plan", "--from", incident("burst"), "--script", "--phase", phase];
        return (await runSoftnet(args)).stdout;
      }),
    );
    assert.match(scripts[0]!, /sysctl \/proc\/sys\/net\/core\/netdev_max_backlog 1000 10000/);
    assert.match(scripts[1]!, /lines='netdev_max_backlog 10000 '/);
    assert.equal(scripts[2], renderUndo({ force: false }));
  });

  for (const [what, args] of [
    ["JSON of a script", ["--json", "--script"]],
    ["a portable plan that is no script", ["--portable"]],
    ["a portable script of a capture", ["--portable", "--script", "--from", "x"]],
    ["a portable script with a mask", ["--portable", "--script", "--rps", "f"]],
    ["a portable script until the next reboot", ["--portable", "--script", "--no-persist"]],
    ["a phase of the portable script", ["--portable", "--script", "--phase", "undo"]],
    [
      "the script of files that shall not be written",
      ["--script", "--phase", "persist", "--no-persist", "--from", incident("burst")],
    ],
    ["a phase that is no script", ["--phase", "undo", "--from", incident("burst")]],
    ["an interface that this machine has not, unmeasured", ["--device", "nope", "--for", "3600"]],
    ["a value without a limit", ["--backlog", "-1"]],
    ["a value of nothing", ["--backlog", "0"]],
    ["a mask that is none", ["--rps", "0x3"]],
    ["an interface that is not there", ["--device", "nope", "--from", incident("burst")]],
    ["a CPU that is not there", ["--rps", "f", "--from", incident("burst")]],
  ] as const) {
    test(`refuses ${what}, with one line`, async () => {
      const { code, stdout, stderr } = await runSoftnet(["remedy", "plan", ...args]);
      assert.deepEqual([code, stdout.includes('"steps"'), stderr.split("\n").length], [2, false, 2]);
    });
  }
});

describe("softnet remedy apply and undo", () => {
  test("undo ends by the signal that comes in place of an answer", async () => {
    const abort = new AbortController();
    const ended = await runSoftnet(["remedy", "undo"], {
      env: { SOFTNET_REMEDY_DIR: dir },
      canAsk: true,
      ask: () => {
        abort.abort("SIGINT");
        return Promise.resolve(undefined);
      },
      signal: abort.signal,
    });
    assert.deepEqual(ended, { code: 130, stdout: "", stderr: "\n" });
  });

  test("apply refuses an interface that is not there, unmeasured", async () => {
    const args = ["remedy", "apply", "--yes", "--device", "nope", "--for", "3600"];
    const { code, stdout, stderr } = await runSoftnet(args, { env: { SOFTNET_REMEDY_DIR: dir } });
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^softnet: --device: expected .*, got "nope"\n$/);
  });

  for (const verb of ["apply", "undo"]) {
    test(`${verb} needs root, and ends with the line that does it`, async () => {
      const args = ["remedy", verb, "--yes"];
      const { code, stdout, stderr } = await runSoftnet(args, {
        isRoot: false,
        env: { SOFTNET_REMEDY_DIR: "/tmp/x" },
        commandLine: ["/opt/my node", "/opt/softnet.js", ...args],
      });
      assert.deepEqual([code, stdout], [2, ""]);
      assert.equal(
        stderr,
        `softnet: remedy ${verb}: expected root, got another user: sudo SOFTNET_REMEDY_DIR=/tmp/x '/opt/my node' /opt/softnet.js remedy ${verb} --yes\n`,
      );
    });

    test(`${verb} without a terminal needs --yes`, async () => {
      const { code, stdout, stderr } = await runSoftnet(["remedy", verb]);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, /expected --yes, or a terminal to ask on/);
    });

    test(`${verb} refuses another root`, async () => {
      const { code, stderr } = await runSoftnet(["remedy", verb, "--root", "/x"]);
      assert.equal(code, 2);
      assert.match(stderr, /--root/);
    });
  }

  test("undo asks, and a no changes nothing", async () => {
    const asked: string[] = [];
    const { code, stderr } = await runSoftnet(["remedy", "undo"], {
      canAsk: true,
      ask: (question) => {
        asked.push(question);
        return Promise.resolve("");
      },
      env: { SOFTNET_REMEDY_DIR: join(dir, "never-made") },
    });
    assert.deepEqual(asked, ["Put back everything that softnet remedy changed? [y/N] "]);
    assert.equal(code, 2);
    assert.match(stderr, /expected yes, got no/);
  });

  test("undo says that there is nothing to undo", async () => {
    const env = { SOFTNET_REMEDY_DIR: join(dir, "undone") };
    const { code, stdout } = await runSoftnet(["remedy", "undo", "--yes"], { env });
    assert.deepEqual([code, stdout], [0, "Undo      There is nothing to undo.\n"]);
  });

  test("apply does not touch a folder that others can write to", async () => {
    const open = join(dir, "open");
    mkdirSync(open);
    spawnSync("chmod", ["777", open]);
    const { code, stderr } = await runSoftnet(["remedy", "apply", "--yes"], {
      env: { SOFTNET_REMEDY_DIR: open },
    });
    assert.equal(code, 2);
    assert.match(
      stderr,
      /expected a directory that only you can write to, got one of user \d+ with mode 777/,
    );
  });
});

/** A machine with 2 CPUs whose backlog is 3000. */
function machineWith(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(dir, "root-"));
  const all = {
    "/proc/sys/net/core/netdev_max_backlog": "3000\n",
    "/sys/devices/system/cpu/possible": "0-1\n",
    "/sys/class/net/eth0/type": "1\n",
    "/sys/class/net/eth0/queues/rx-0/rps_cpus": "3\n",
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe("softnet remedy status", () => {
  const changed = {
    "/var/lib/softnet-remedy/journal": [
      "softnet-remedy 1",
      "run 2026-11-22T20:15:27Z",
      "sysctl /proc/sys/net/core/netdev_max_backlog 5000 1000 -",
      "rps /sys/class/net/eth0/queues/rx-0/rps_cpus 3 0 -",
      "file /etc/sysctl.d/99-network-tuning.conf 1:2",
      "",
    ].join("\n"),
    "/var/lib/softnet-remedy/audit.jsonl": `${JSON.stringify({
      time: "2026-11-22T20:16:00.000Z",
      verb: "remedy apply",
      result: "kept",
      tried: [
        {
          kind: "sysctl",
          target: "net.core.netdev_max_backlog",
          from: "1000",
          to: "5000",
          key: "netdev_max_backlog",
        },
      ],
      before: { lostPerMillion: 90_000, squeezedPerMillion: 0, packetsPerSecond: 1000 },
      after: { lostPerMillion: 0, squeezedPerMillion: 0, packetsPerSecond: 1000 },
      persisted: true,
    })}\n`,
  };

  test("tells what was changed, what it did, and what holds no more", async () => {
    const { code, stdout } = await runSoftnet(["remedy", "status", "--root", machineWith(changed), "--json"]);
    assert.equal(code, 0);
    const { changes, files, changedAt, drift, runs } = JSON.parse(stdout);
    assert.deepEqual(changes, [
      { kind: "sysctl", target: "net.core.netdev_max_backlog", from: "1000", to: "5000" },
      { kind: "rps", target: "/sys/class/net/eth0/queues/rx-0/rps_cpus", from: "0", to: "3" },
    ]);
    assert.deepEqual(files, ["/etc/sysctl.d/99-network-tuning.conf"]);
    assert.deepEqual(changedAt, ["2026-11-22T20:15:27Z"]);
    assert.deepEqual(drift, [
      {
        kind: "sysctl",
        target: "net.core.netdev_max_backlog",
        expected: "5000",
        found: "3000",
        mend: "sudo sysctl -w net.core.netdev_max_backlog=5000",
      },
    ]);
    assert.equal(runs.length, 1);
  });

  for (const lang of ["en", "zh"]) {
    test(`reads well in ${lang}`, async () => {
      const { stdout } = await runSoftnet([
        "remedy",
        "status",
        "--root",
        machineWith(changed),
        "--lang",
        lang,
      ]);
      assert.equal(
        stdout,
        readFileSync(join(import.meta.dirname, `../fixtures/remedy/status.${lang}.txt`), "utf8"),
      );
    });
  }

  test("tells what lasted until the last reboot, which is no drift", async () => {
    const root = machineWith({
      "/proc/stat": `cpu0 0 0 0 0\nbtime ${Date.parse("2026-11-23T00:00:00Z") / 1000}\n`,
      "/proc/sys/net/core/netdev_max_backlog": "1000\n",
      "/var/lib/softnet-remedy/journal":
        "softnet-remedy 1\nrun 2026-11-22T20:15:27Z\nsysctl /proc/sys/net/core/netdev_max_backlog 5000 1000 -\n",
    });
    const document = await runSoftnet(["remedy", "status", "--root", root, "--json"]);
    const { changes, drift } = JSON.parse(document.stdout);
    assert.deepEqual(drift, []);
    assert.deepEqual(changes, [
      {
        kind: "sysctl",
        target: "net.core.netdev_max_backlog",
        from: "1000",
        to: "5000",
        endedByReboot: true,
      },
    ]);
    const { stdout } = await runSoftnet(["remedy", "status", "--root", root]);
    assert.match(stdout, /^Status +Changed since 2026-11-22T20:15:27Z:$/m);
    assert.match(stdout, /^ +net\.core\.netdev_max_backlog {2}1000 → 5000 {2}\(until the last reboot\)$/m);
  });

  test("does not take a journal that it cannot read for none", async () => {
    const root = machineWith({ "/var/lib/softnet-remedy/journal": "root:x:0:0::/root:/bin/sh\n" });
    const { code, stdout, stderr } = await runSoftnet(["remedy", "status", "--root", root]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.equal(
      stderr,
      `softnet: ${root}/var/lib/softnet-remedy/journal: expected a journal of softnet remedy, got another text\n`,
    );
  });

  test("tells that nothing is changed", async () => {
    const { code, stdout } = await runSoftnet(["remedy", "status", "--root", machineWith({})]);
    assert.deepEqual([code, stdout], [0, "Status    Nothing is changed on this machine.\n"]);
  });
});
