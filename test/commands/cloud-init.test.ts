import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { runSoftnet } from "../support/run-softnet.ts";

const WHAT = [
  "cloud-init",
  "--package-url",
  "https://packages.example.com/a.deb",
  "--sha256",
  "ab".repeat(32),
];

describe("softnet cloud-init", () => {
  for (const { args, wanted } of [
    { args: [], wanted: 5000 },
    { args: ["--bandwidth-gbps", "1"], wanted: 1000 },
    { args: ["--bandwidth-gbps", "16"], wanted: 30_000 },
    { args: ["--instance-type", "ecs.g6.large"], wanted: 1000 },
    { args: ["--instance-type", "ecs.c7.4xlarge"], wanted: 5000 },
    { args: ["--instance-type", "ecs.g5ne.large"], wanted: 1000 },
    { args: ["--instance-type", "ecs.g5ne.xlarge"], wanted: 5000 },
    { args: ["--instance-type", "ecs.u1-c1m2.large"], wanted: 1000 },
    { args: ["--instance-type", "ecs.r6e.8xlarge"], wanted: 5000 },
    { args: ["--instance-type", "ecs.g8i.4xlarge"], wanted: 30_000 },
    { args: ["--instance-type", "ecs.r8i.32xlarge"], wanted: 60_000 },
    { args: ["--instance-type", "ecs.c8ine.8xlarge"], wanted: 60_000 },
    { args: ["--instance-type", "ecs.g7ne.8xlarge"], wanted: 30_000 },
    { args: ["--instance-type", "ecs.g7ne.16xlarge"], wanted: 60_000 },
  ]) {
    test(`tunes to ${wanted} ${args.length > 0 ? `for ${args.join(" ")}` : "where nobody knows the bandwidth"}`, async () => {
      const { code, stdout } = await runSoftnet([...WHAT, "--tune", "backlog", ...args]);
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`^ +wanted=${wanted}$`, "m"));
      assert.ok(Buffer.byteLength(stdout) <= 16_384);
    });
  }

  test("tunes nothing unless asked, whatever it knows of the instance", async () => {
    const { code, stdout } = await runSoftnet([...WHAT, "--instance-type", "ecs.g7.large"]);
    assert.equal(code, 0);
    assert.doesNotMatch(stdout, /tune|write_files/);
  });

  test("takes --root as every verb that writes nothing, and refuses --json, since its text is the product", async () => {
    const plain = await runSoftnet(WHAT);
    assert.deepEqual(await runSoftnet([...WHAT, "--root", "/"]), plain);
    assert.equal((await runSoftnet([...WHAT, "--json"])).code, 2);
  });

  test("takes directories that the service can use", async () => {
    const set = [
      "--set",
      "SOFTNET_STATE_DIR=/var/lib/softnet/a",
      "--set",
      "SOFTNET_REMEDY_DIR=/var/lib/remedy",
    ];
    const { code, stdout } = await runSoftnet([...WHAT, ...set]);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /SOFTNET_STATE_DIR="\/var\/lib\/softnet\/a"\n +SOFTNET_REMEDY_DIR="\/var\/lib\/remedy"/,
    );
  });

  test("takes the runbook's own directory beside --tune, with a slash at its end as well", async () => {
    for (const end of ["", "/"]) {
      const set = ["--tune", "backlog", "--set", `SOFTNET_REMEDY_DIR=/var/lib/softnet-remedy${end}`];
      assert.equal((await runSoftnet([...WHAT, ...set])).code, 0);
    }
  });

  for (const { name, args, says } of [
    {
      name: "nothing to install",
      args: ["cloud-init"],
      says: "command line: expected --package-url and --sha256, which say what to install, got neither",
    },
    {
      name: "a checksum that is none",
      args: ["cloud-init", "--sha256", "abc"],
      says: '--sha256: expected the package\'s sha256: 64 hex digits, got "abc"',
    },
    {
      name: "a password that every process of the instance could read",
      args: ["cloud-init", "--package-url", "https://user:secret@packages.example.com/a.deb"],
      says: "--package-url: expected an https:// or http:// URL of a .deb, .rpm or .tar.gz, without a user and password: every process on the instance can read user-data, got something else\n",
    },
    {
      name: "an address that would end the shell's word",
      args: ["cloud-init", "--package-url", "https://packages.example.com/'; reboot'/a.deb"],
      says: "--package-url: expected an https:// or http:// URL",
    },
    {
      name: "an instance family it does not know",
      args: [...WHAT, "--instance-type", "ecs.g99.large"],
      says: "--instance-type: expected --bandwidth-gbps, or a type of a family that this version knows: c6, g6, r6,",
    },
    {
      name: "a size that it does not know of a family that it knows",
      args: [...WHAT, "--instance-type", "ecs.g6e.large2"],
      says: '--instance-type: expected --bandwidth-gbps, or a size of its family that this version knows: large, xlarge, 2xlarge, 4xlarge, 8xlarge, 13xlarge, 26xlarge, got "ecs.g6e.large2"',
    },
    {
      name: "two bandwidths",
      args: [...WHAT, "--instance-type", "ecs.g7.large", "--bandwidth-gbps", "2"],
      says: "command line: expected --instance-type or --bandwidth-gbps, got both",
    },
    {
      name: "a setting that the agent would refuse",
      args: [...WHAT, "--set", "SOFTNET_SINK=cloud"],
      says: '--set: expected SOFTNET_SINK to be auto or cloudmonitor or local, got "cloud"',
    },
    {
      name: "a cron that the agent would not start with",
      args: [...WHAT, "--set", "SOFTNET_PUSH_CRON=*/20 * * * *"],
      says: "--set: expected SOFTNET_PUSH_CRON to be a cron expression that fires once in a minute at most",
    },
    {
      name: "a webhook, which it does not repeat",
      args: [...WHAT, "--set", "SOFTNET_WEBHOOK=http://example.com/secret"],
      says: "--set: expected SOFTNET_WEBHOOK to be an https:// URL, or http:// to a loopback address, got something else",
    },
    {
      name: "a setting that there is not",
      args: [...WHAT, "--set", "SOFTNET_SYNC=auto"],
      says: "--set: expected a setting of the agent (see softnet run --help), got SOFTNET_SYNC",
    },
    {
      name: "a setting given twice",
      args: [...WHAT, "--set", "SOFTNET_SINK=auto", "--set", "SOFTNET_SINK=local"],
      says: "--set: expected each setting once, got SOFTNET_SINK twice",
    },
    {
      name: "a state directory that the service may not write to",
      args: [...WHAT, "--set", "SOFTNET_STATE_DIR=/var/lib/softnet/../other"],
      says: "--set: expected SOFTNET_STATE_DIR to be /var/lib/softnet or a directory below, since the service may write nowhere else",
    },
    {
      name: "a remedy's directory that the service does not see",
      args: [...WHAT, "--set", "SOFTNET_REMEDY_DIR=/root/remedy"],
      says: "--set: expected SOFTNET_REMEDY_DIR to be a directory that the service sees",
    },
    {
      name: "a remedy's directory that is not the one of what it runs",
      args: [...WHAT, "--tune", "backlog", "--set", "SOFTNET_REMEDY_DIR=/var/lib/remedy"],
      says: "--set: expected SOFTNET_REMEDY_DIR to be /var/lib/softnet-remedy beside --tune",
    },
    {
      name: "a credential",
      args: [...WHAT, "--set", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=secret"],
      says: "--set: expected no credential: every process on the instance can read user-data, got ALIBABA_CLOUD_ACCESS_KEY_SECRET\n",
    },
    {
      name: "a credential that has no form, which it does not repeat",
      args: [...WHAT, "--set", 'ALIBABA_CLOUD_ACCESS_KEY_SECRET="topsecret"'],
      says: "--set: expected a setting of the agent such as SOFTNET_PUSH_CRON=*/5 * * * *, without quotes, $, ` and \\, got something else\n",
    },
    {
      name: "what ECS would not take",
      args: [
        ...WHAT,
        "--tune",
        "backlog+rps",
        "--set",
        `SOFTNET_STATE_DIR=/var/lib/softnet/${"a".repeat(2000)}`,
      ],
      says: "--package-url and --set: expected at most 16384 bytes of user-data, got 1",
    },
  ]) {
    test(`refuses ${name} in one line`, async () => {
      const { code, stdout, stderr } = await runSoftnet(args);
      assert.equal(code, 2);
      assert.equal(stdout, "");
      assert.ok(stderr.startsWith(`softnet: ${says}`), stderr);
      assert.equal(stderr.trim().split("\n").length, 1);
    });
  }
});
