import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";

import { isCheck } from "../../src/core/checkup.ts";
import { hostEntries } from "../../src/core/metrics.ts";
import { checkMachine } from "../../src/doctor/checkup-local.ts";
import { POLICIES, type PolicyChoice } from "../../src/policies.ts";
import { lockStateDir } from "../../src/store/state-dir.ts";
import { type Account, openAccount } from "../double/account.ts";
import { call, type Parameter } from "../double/call.ts";
import { type CloudUser, startCloudDouble } from "../double/cloud.ts";
import { startImdsDouble } from "../double/imds.ts";
import { hostOf } from "../host/hosts.ts";
import { runSoftnet } from "../support/run-softnet.ts";

const dir = mkdtempSync(join(tmpdir(), "softnet-doctor-"));
after(() => rmSync(dir, { recursive: true, force: true }));

const USER: CloudUser = { accessKeyId: "LTAI5tDoctorDoctor", accessKeySecret: "doctor-secret" };
/** Nobody listens there. */
const NOWHERE = "http://127.0.0.1:9";
const KEYS = {
  ALIBABA_CLOUD_ACCESS_KEY_ID: USER.accessKeyId,
  ALIBABA_CLOUD_ACCESS_KEY_SECRET: USER.accessKeySecret,
};

interface CheckDocument {
  readonly code: string;
  readonly status: string;
  readonly summary: string;
  readonly mend: string | null;
  readonly evidence: Readonly<Record<string, unknown>>;
}

let roots = 0;

/** A machine's tree of two CPUs with these files in it, where nothing else is tuned. */
function rootWith(files: Readonly<Record<string, string>> = {}): string {
  const root = join(dir, `root${++roots}`);
  mkdirSync(root);
  for (const [path, text] of Object.entries({ "/sys/devices/system/cpu/possible": "0-1\n", ...files })) {
    mkdirSync(dirname(root + path), { recursive: true });
    writeFileSync(root + path, text);
  }
  return root;
}

/** What the doctor finds, by the code of the check; what it could not look at is there with the status `skipped`. */
async function doctor(env: Readonly<Record<string, string>> = {}, args: readonly string[] = []) {
  const { code, stdout, stderr } = await runSoftnet(["doctor", "--json", ...args], {
    env: {
      SOFTNET_IMDS: NOWHERE,
      SOFTNET_CONSOLE: "off",
      SOFTNET_STATE_DIR: join(dir, "no-agent"),
      HOME: dir,
      ...env,
    },
  });
  assert.equal(stderr, "");
  assert.doesNotMatch(stdout, /doctor-secret|role-secret|role-token/);
  const document = JSON.parse(stdout) as {
    schemaVersion: number;
    healthy: boolean;
    checks: CheckDocument[];
    notChecked: { code: string; because: string }[];
  };
  assert.equal(document.schemaVersion, 1);
  assert.equal(document.healthy, code === 0);
  const found = new Map(document.checks.map((check) => [check.code, check]));
  for (const { code: skipped, because } of document.notChecked) {
    found.set(skipped, { code: skipped, status: "skipped", summary: because, mend: null, evidence: {} });
  }
  assert.equal(found.size, 14, "each thing is told of once");
  return {
    exit: code,
    check: (name: string) => found.get(name)!,
    statuses: Object.fromEntries([...found].map(([name, { status }]) => [name, status])),
  };
}

/** An account, its cloud, and the environment that leads there. */
async function cloudOf(account: Account, user: CloudUser = USER) {
  const cloud = await startCloudDouble({ users: [user], families: account.families });
  return {
    cloud,
    env: {
      ...KEYS,
      SOFTNET_ENDPOINT: cloud.url,
      SOFTNET_STS_ENDPOINT: cloud.url,
      SOFTNET_ECS_ENDPOINT: cloud.url,
      SOFTNET_REGION: "cn-hangzhou",
      SOFTNET_INSTANCE_ID: "i-bp1doctor",
    },
    [Symbol.asyncDispose]: () => cloud[Symbol.asyncDispose](),
  };
}

function pushPoint(account: Account, startMs: number, instanceId = "i-bp1doctor"): void {
  const tally = { sum: 0, elapsedSeconds: 60, rates: [0] };
  const entries = hostEntries({ period: "60", startMs }, { dropped: tally, squeezed: tally }, [0], {
    instanceId,
    groupId: 0,
    hostSeries: "all",
  });
  const MetricList = entries.map(({ metricName, groupId, dimensions, type, period, time, values }) => ({
    MetricName: metricName,
    GroupId: groupId,
    Dimensions: dimensions,
    Type: type,
    Period: period,
    Time: time,
    Values: values,
  }));
  call(account.families, "PutCustomMetric", { MetricList }, startMs);
}

function launch(account: Account, instanceId: string, status: "Running" | "Stopped" = "Running"): void {
  account.state.instances.push({
    instanceId,
    regionId: "cn-hangzhou",
    instanceName: instanceId,
    instanceType: "ecs.g7.large",
    status,
    tags: {},
  });
}

function putContact(account: Account, name: string): void {
  const contact: Readonly<Record<string, Parameter>> = {
    ContactName: name,
    Describe: "on call",
    Channels: { Mail: `${name}@example.com` },
  };
  call(account.families, "PutContact", contact, Date.now());
}

/** As `softnet alarms apply` would. */
function putRule(account: Account, instanceId: string): void {
  call(account.families, "PutContactGroup", { ContactGroupName: "ops", ContactNames: ["ops"] });
  const answer = call(account.families, "PutCustomMetricRule", {
    RuleId: `softnet-critical-critical-${instanceId}`,
    RuleName: `softnet ${instanceId} cn-hangzhou`,
    MetricName: "softnet_severity",
    Resources: JSON.stringify([{ groupId: 0, dimension: `cpu=all&instanceId=${instanceId}` }]),
    Statistics: "Maximum",
    ComparisonOperator: ">=",
    Threshold: "2",
    EvaluationCount: 1,
    Level: "CRITICAL",
    ContactGroups: "ops",
  });
  assert.equal(answer["Code"], "200", JSON.stringify(answer));
}

const MINUTE_MS = 60_000;
const minutesAgo = (minutes: number): number => Math.floor(Date.now() / MINUTE_MS - minutes) * MINUTE_MS;

describe("softnet doctor", () => {
  test("finds nothing to mend where everything works", async () => {
    const account = openAccount();
    pushPoint(account, minutesAgo(1));
    putContact(account, "ops");
    account.activate("ops", "Mail");
    await using it = await cloudOf(account);
    await using imds = await startImdsDouble({ role: roleNamed("softnet-role") });
    const stateDir = join(dir, "agent");
    mkdirSync(stateDir);
    using _agent = lockStateDir(stateDir);
    const env = { ...it.env, SOFTNET_IMDS: imds.url, SOFTNET_STATE_DIR: stateDir };
    const { exit, check, statuses } = await doctor(env);
    assert.deepEqual(new Set(Object.values(statuses)), new Set(["ok"]), JSON.stringify(statuses));
    assert.equal(exit, 0);
    assert.partialDeepStrictEqual(check("credentials").evidence, {
      source: "the environment",
      accountId: account.state.uid,
      identityType: "RAMUser",
    });
    assert.equal(check("role").evidence["role"], "softnet-role");
    assert.equal(check("agent").evidence["pid"], process.pid);
    assert.partialDeepStrictEqual(check("series-quota").evidence, { limit: 100, used: 3 });
  });

  test("tells of what is wrong in the account, each with what mends it", async () => {
    const account = openAccount({ limits: { edition: "free", seriesQuota: 4 } });
    pushPoint(account, minutesAgo(20));
    putContact(account, "silent");
    await using it = await cloudOf(account);
    const { exit, check, statuses } = await doctor(it.env, ["--root", rootWith()]);
    assert.equal(exit, 1);
    assert.partialDeepStrictEqual(statuses, {
      credentials: "ok",
      endpoint: "ok",
      "clock-skew": "ok",
      "series-quota": "warning",
      "pending-contacts": "warning",
      "last-point": "failed",
    });
    assert.deepEqual(check("series-quota").evidence, {
      edition: "free",
      limit: 4,
      used: 3,
      configurationAtMost: 7,
    });
    assert.equal(check("series-quota").mend, "SOFTNET_CPU_SERIES_MAX=0");
    assert.deepEqual(check("pending-contacts").evidence["pending"], ["silent: Mail"]);
    assert.match(check("last-point").summary, /(19|20) minutes old/);
  });

  test("looks after every instance where it runs on none", async () => {
    const account = openAccount();
    pushPoint(account, minutesAgo(1));
    pushPoint(account, minutesAgo(20), "i-bp1silent");
    pushPoint(account, minutesAgo(90), "i-bp1dead");
    putContact(account, "ops");
    putRule(account, "i-bp1dead");
    for (const id of ["i-bp1doctor", "i-bp1silent", "i-bp1dead"]) launch(account, id);
    await using it = await cloudOf(account);
    const { check } = await doctor({ ...it.env, SOFTNET_INSTANCE_ID: "" });
    assert.equal(check("last-point").status, "failed");
    assert.deepEqual(check("last-point").evidence, { instances: 3, silent: ["i-bp1dead", "i-bp1silent"] });
  });

  test("counts a point's age as status does, from the end of its minute, and knows how far apart the pushes are", async () => {
    const account = openAccount();
    pushPoint(account, Date.now() - 330_000);
    await using it = await cloudOf(account);
    const status = async (env: Readonly<Record<string, string>> = {}): Promise<string> =>
      (await doctor({ ...it.env, ...env })).check("last-point").status;
    assert.equal(await status(), "ok");
    (account.metrics.points as Map<string, object>).clear();
    pushPoint(account, Date.now() - 18 * MINUTE_MS);
    assert.equal(await status(), "failed");
    assert.equal(await status({ SOFTNET_PUSH_CRON: "*/15 * * * *" }), "ok");
    assert.equal(await status({ SOFTNET_PUSH_CRON: "*/5 * * * *" }), "failed");
  });

  test("does not forget an instance that died hours ago and has no rule", async () => {
    const account = openAccount();
    pushPoint(account, minutesAgo(1));
    pushPoint(account, minutesAgo(20 * 60), "i-bp1dead");
    launch(account, "i-bp1dead");
    await using it = await cloudOf(account);
    const { check } = await doctor({ ...it.env, SOFTNET_INSTANCE_ID: "" });
    assert.deepEqual(check("last-point").evidence, { instances: 2, silent: ["i-bp1dead"] });
  });

  test("misses no instance that was released or is stopped, unless ECS may not be asked", async () => {
    const account = openAccount();
    pushPoint(account, minutesAgo(1));
    for (const id of ["i-bp1released", "i-bp1stopped"]) pushPoint(account, minutesAgo(60), id);
    launch(account, "i-bp1stopped", "Stopped");
    await using it = await cloudOf(account);
    const lastPoint = async () => (await doctor({ ...it.env, SOFTNET_INSTANCE_ID: "" })).check("last-point");
    const { status, evidence } = await lastPoint();
    assert.deepEqual([status, evidence], ["ok", { instances: 1, silent: [] }]);
    it.cloud.failBy((_, action) =>
      action === "DescribeInstances"
        ? { name: "refused", taken: false, how: { status: 403, body: '{"Code":"NoPermission"}' } }
        : undefined,
    );
    assert.deepEqual((await lastPoint()).evidence["silent"], ["i-bp1released", "i-bp1stopped"]);
  });

  test("takes the agent's own settings from the file that systemd reads", async () => {
    const account = openAccount({ limits: { edition: "free", seriesQuota: 4 } });
    await using it = await cloudOf(account);
    const settings = { ...it.env, SOFTNET_CPU_SERIES: "none" };
    const root = rootWith({
      "/etc/softnet/agent.env": Object.entries(settings)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(""),
    });
    const { check } = await doctor({}, ["--root", root]);
    assert.equal(check("series-quota").evidence["configurationAtMost"], 3);
    assert.equal(check("credentials").evidence["source"], "/etc/softnet/agent.env");
    assert.equal(check("last-point").evidence["instanceId"], "i-bp1doctor");
  });

  test("finds everything by the instance's role, and nothing given", async () => {
    const role = roleNamed("softnet-role");
    const user = {
      accessKeyId: role.credentials.AccessKeyId,
      accessKeySecret: role.credentials.AccessKeySecret,
      securityToken: role.credentials.SecurityToken,
    };
    await using it = await cloudOf(openAccount(), user);
    await using imds = await startImdsDouble({ role });
    const env = {
      SOFTNET_IMDS: imds.url,
      SOFTNET_ENDPOINT: it.cloud.url,
      SOFTNET_STS_ENDPOINT: it.cloud.url,
    };
    const { check } = await doctor(env);
    assert.equal(check("credentials").evidence["source"], "the RAM role of this instance");
    assert.equal(check("last-point").evidence["instanceId"], imds.state.keys["instance-id"]);
  });

  test("does not ask for more rights for the agent's own role", async () => {
    const account = openAccount();
    const role = roleNamed("softnet-role");
    const {
      AccessKeyId: accessKeyId,
      AccessKeySecret: accessKeySecret,
      SecurityToken: securityToken,
    } = role.credentials;
    const allowed = POLICIES.agent.document.Statement.flatMap(({ Action }) => Action);
    await using it = await cloudOf(account, { accessKeyId, accessKeySecret, securityToken, allowed });
    await using imds = await startImdsDouble({ role });
    const { ALIBABA_CLOUD_ACCESS_KEY_ID: _, ALIBABA_CLOUD_ACCESS_KEY_SECRET: __, ...env } = it.env;
    const { check, exit } = await doctor({ ...env, SOFTNET_IMDS: imds.url }, ["--root", rootWith()]);
    assert.equal(check("credentials").status, "ok");
    for (const code of ["series-quota", "pending-contacts", "last-point"]) {
      assert.equal(check(code).status, "skipped");
    }
    assert.match(check("last-point").summary, /operator's \(cms:DescribeMetricLast/);
    assert.equal(exit, 0);
  });

  test("nor where a profile of the Alibaba Cloud CLI hands that role out", async () => {
    const role = roleNamed("softnet-role");
    const {
      AccessKeyId: accessKeyId,
      AccessKeySecret: accessKeySecret,
      SecurityToken: securityToken,
    } = role.credentials;
    const allowed = POLICIES.agent.document.Statement.flatMap(({ Action }) => Action);
    await using it = await cloudOf(openAccount(), { accessKeyId, accessKeySecret, securityToken, allowed });
    await using imds = await startImdsDouble({ role });
    const file = join(dir, "role-profile.json");
    const profiles = [{ name: "default", mode: "EcsRamRole", ram_role_name: "softnet-role" }];
    writeFileSync(file, JSON.stringify({ current: "default", profiles }));
    const { ALIBABA_CLOUD_ACCESS_KEY_ID: _, ALIBABA_CLOUD_ACCESS_KEY_SECRET: __, ...env } = it.env;
    const { check, exit } = await doctor(
      { ...env, SOFTNET_IMDS: imds.url, ALIBABA_CLOUD_CONFIG_FILE: file },
      ["--root", rootWith()],
    );
    assert.match(check("credentials").summary, /by the profile/);
    assert.equal(check("last-point").status, "skipped");
    assert.equal(exit, 0);
  });

  test("does not sign with the shell's key and the token of the agent's file", async () => {
    await using it = await cloudOf(openAccount());
    const root = rootWith({
      "/etc/softnet/agent.env":
        "ALIBABA_CLOUD_ACCESS_KEY_ID=STS.agent\nALIBABA_CLOUD_ACCESS_KEY_SECRET=x\nALIBABA_CLOUD_SECURITY_TOKEN=y\n",
    });
    const { check } = await doctor(it.env, ["--root", root]);
    assert.equal(check("credentials").status, "ok");
    assert.equal(check("credentials").evidence["source"], "the environment");
  });

  test("tells of a setting with which the agent does not start, by file and line, and goes on", async () => {
    const account = openAccount();
    pushPoint(account, minutesAgo(1));
    await using it = await cloudOf(account);
    const root = rootWith({
      "/etc/softnet/agent.env":
        "# ours\nSOFTNET_SAMPLE_SECONDS=often\nSOFTNET_PUSH_CRON=0 3 * * *\nSOFTNET_WEBHOOK=ftp://s3cret\nSOFTNET_STATE_MB=\n",
    });
    const { check, exit } = await doctor(it.env, ["--root", root]);
    assert.equal(exit, 1);
    const { status, summary, mend, evidence } = check("agent");
    assert.equal(status, "failed");
    assert.match(
      summary,
      /agent\.env:2: SOFTNET_SAMPLE_SECONDS: expected a number from 0\.1 to 10, got "often"; .*agent\.env:3: SOFTNET_PUSH_CRON: expected a cron .*, got "0 3 \* \* \*"; .*agent\.env:4: SOFTNET_WEBHOOK: .*, got something else$/,
    );
    assert.match(mend!, /correct \S+\/etc\/softnet\/agent\.env:2 .*restart softnet-agent/);
    assert.equal((evidence["settings"] as string[]).length, 3);
    assert.equal(check("last-point").status, "ok");
  });

  test("does not say of an operator's endpoint in the agent's file that the agent does not start with it", async () => {
    await using it = await cloudOf(openAccount());
    const root = rootWith({
      "/etc/softnet/agent.env": "SOFTNET_STS_ENDPOINT=ftp://sts\nSOFTNET_ECS_ENDPOINT=ftp://ecs\n",
    });
    const { stdout, stderr } = await runSoftnet(["doctor", "--json", "--root", root], {
      env: { ...it.env, SOFTNET_IMDS: NOWHERE, HOME: dir },
    });
    const { checks } = JSON.parse(stdout) as { checks: CheckDocument[] };
    assert.ok(!checks.some(({ code }) => code === "agent"));
    assert.match(
      stderr,
      /agent\.env:1: SOFTNET_STS_ENDPOINT: expected .*, got "ftp:\/\/sts": it is passed over, and the agent does not read it\n.*agent\.env:2: SOFTNET_ECS_ENDPOINT: /,
    );
  });

  test("names the setting of the endpoint that cannot be reached", async () => {
    await using it = await cloudOf(openAccount(), { ...USER, allowed: [] });
    const { check } = await doctor({ ...it.env, SOFTNET_ENDPOINT: NOWHERE });
    assert.match(check("endpoint").mend!, /another endpoint: SOFTNET_ENDPOINT$/);
    const sts = await doctor({ ...it.env, SOFTNET_ENDPOINT: NOWHERE, SOFTNET_STS_ENDPOINT: NOWHERE });
    assert.match(sts.check("credentials").mend!, /another endpoint: SOFTNET_STS_ENDPOINT$/);
  });

  test("names each RAM action that is missing, and still knows whose the credentials are", async () => {
    await using it = await cloudOf(openAccount(), { ...USER, allowed: ["sts:GetCallerIdentity"] });
    const { check } = await doctor(it.env);
    assert.equal(check("credentials").status, "ok");
    for (const [code, action] of [
      ["series-quota", "cms:DescribeMonitorResourceQuotaAttribute"],
      ["pending-contacts", "cms:DescribeContactList"],
      ["last-point", "cms:DescribeMetricLast"],
    ] as const) {
      assert.equal(check(code).status, "warning");
      assert.equal(check(code).evidence["ramAction"], action);
      assert.equal(
        check(code).mend,
        `allow ${action} for this RAM user or role: softnet doctor --policy setup`,
      );
    }
  });

  test("takes the credentials for good where CloudMonitor takes them and STS cannot be reached", async () => {
    await using it = await cloudOf(openAccount());
    const { check } = await doctor({ ...it.env, SOFTNET_STS_ENDPOINT: NOWHERE, SOFTNET_ACCOUNT_ID: "1" });
    assert.equal(check("credentials").status, "ok");
    assert.match(check("credentials").summary, /STS does not tell/);
  });

  test("tells of an account id that is another account's", async () => {
    await using it = await cloudOf(openAccount());
    const { check } = await doctor({ ...it.env, SOFTNET_ACCOUNT_ID: "42" });
    assert.equal(check("last-point").status, "warning");
    assert.match(check("last-point").summary, /is 42, but these credentials are of account 1234567890123456/);
  });

  test("finds no point in an account that knows nothing of ours", async () => {
    await using it = await cloudOf(openAccount());
    const { check } = await doctor({ ...it.env, SOFTNET_STS_ENDPOINT: NOWHERE, SOFTNET_ACCOUNT_ID: "42" });
    assert.equal(check("last-point").status, "failed");
    assert.match(check("last-point").summary, /no point/);
  });

  test("asks for a role where an instance has none, and the agent nothing else", async () => {
    await using imds = await startImdsDouble();
    const { check, statuses } = await doctor({ SOFTNET_IMDS: imds.url, SOFTNET_ENDPOINT: NOWHERE });
    assert.equal(statuses["credentials"], "warning");
    assert.equal(statuses["role"], "warning");
    assert.match(check("role").mend!, /--policy agent/);
  });

  const BAD: readonly {
    name: string;
    env: Readonly<Record<string, string>>;
    status: string;
    mend: RegExp;
  }[] = [
    {
      name: "a key that nobody knows",
      env: { ALIBABA_CLOUD_ACCESS_KEY_ID: "LTAInobody" },
      status: "failed",
      mend: /exists/,
    },
    {
      name: "another key's secret",
      env: { ALIBABA_CLOUD_ACCESS_KEY_SECRET: "other" },
      status: "failed",
      mend: /anew/,
    },
    {
      name: "half a pair",
      env: { ALIBABA_CLOUD_ACCESS_KEY_SECRET: "" },
      status: "failed",
      mend: /ALIBABA_CLOUD_ACCESS_KEY_SECRET together/,
    },
  ];
  for (const { name, env, status, mend } of BAD) {
    test(`says what is to be done about ${name}`, async () => {
      await using it = await cloudOf(openAccount());
      const { exit, check } = await doctor({ ...it.env, ...env });
      assert.equal(check("credentials").status, status);
      assert.match(check("credentials").mend!, mend);
      assert.equal(check("series-quota").status, "skipped");
      assert.equal(exit, 1);
    });
  }
});

describe("softnet doctor without a way out", () => {
  test("looks at what is here, and says what it could not look at", async () => {
    const { exit, statuses, check } = await doctor({}, ["--root", rootWith()]);
    assert.equal(exit, 1);
    assert.deepEqual(statuses, {
      credentials: "warning",
      role: "skipped",
      endpoint: "skipped",
      "clock-skew": "skipped",
      "series-quota": "skipped",
      "pending-contacts": "skipped",
      "last-point": "skipped",
      agent: "skipped",
      "remedy-drift": "ok",
      "sysctl-conflict": "ok",
      tuned: "ok",
      "ecs-mq": "ok",
      irqbalance: "ok",
      "first-boot": "ok",
    });
    assert.match(check("endpoint").summary, /no region: give --region/);
  });

  test("names the endpoint that cannot be reached", async () => {
    const { statuses, check } = await doctor({
      ...KEYS,
      SOFTNET_ENDPOINT: NOWHERE,
      SOFTNET_STS_ENDPOINT: NOWHERE,
      SOFTNET_REGION: "cn-hangzhou",
    });
    assert.partialDeepStrictEqual(statuses, {
      credentials: "warning",
      endpoint: "failed",
      "clock-skew": "skipped",
      "series-quota": "skipped",
      "last-point": "skipped",
    });
    assert.match(check("endpoint").summary, /127\.0\.0\.1:9: ECONNREFUSED/);
    assert.match(check("endpoint").mend!, /SOFTNET_ENDPOINT/);
  });

  test("leaves the cloud alone where the agent is to stay local", async () => {
    await using it = await cloudOf(openAccount());
    const { statuses } = await doctor({ ...it.env, SOFTNET_SINK: "local" });
    assert.deepEqual([statuses["credentials"], statuses["last-point"]], ["skipped", "skipped"]);
    assert.deepEqual(it.cloud.requests, []);
  });
});

test("softnet doctor ends with a signal that comes while the cloud is silent", async () => {
  await using imds = await startImdsDouble({ trouble: "stall" });
  const asked = new AbortController();
  const running = runSoftnet(["doctor"], { env: { SOFTNET_IMDS: imds.url }, signal: asked.signal });
  asked.abort("SIGINT");
  assert.deepEqual(await running, { code: 130, stdout: "", stderr: "" });
});

describe("softnet doctor on the machine", () => {
  test("sees what takes a remedy back", async () => {
    const root = rootWith({
      "/etc/sysctl.d/99-network-tuning.conf": "net.core.netdev_max_backlog = 10000\n",
      "/etc/sysctl.d/99-zz.conf": "# later\nnet.core.netdev_max_backlog = 1000\n",
      "/run/tuned/tuned.pid": "1\n",
      "/etc/tuned/active_profile": "own\n",
      "/etc/tuned/tuned-main.conf": "reapply_sysctl = 0\n",
      "/etc/tuned/own/tuned.conf": "[sysctl]\nnet.core.netdev_max_backlog=2000\n",
      "/run/irqbalance.pid": "2\n",
      "/etc/systemd/system/multi-user.target.wants/ecs_mq.service": "",
    });
    const { exit, check } = await doctor({}, ["--root", root]);
    assert.equal(exit, 1);
    assert.deepEqual(check("sysctl-conflict").evidence["where"], ["/etc/sysctl.d/99-zz.conf:2"]);
    assert.match(check("sysctl-conflict").summary, /1000/);
    assert.deepEqual(check("tuned").evidence["where"], ["/etc/tuned/own/tuned.conf:2"]);
    assert.deepEqual(
      [check("ecs-mq"), check("irqbalance")].map(({ status, evidence }) => [status, evidence["present"]]),
      [
        ["ok", true],
        ["ok", true],
      ],
    );
  });

  test("sees that a remedy no longer holds, and what puts it right", async () => {
    const root = rootWith({
      "/var/lib/softnet-remedy/journal":
        "softnet-remedy 1\nrun 2026-11-22T12:00:00Z\nsysctl /proc/sys/net/core/netdev_max_backlog 10000 1000\n",
      "/proc/sys/net/core/netdev_max_backlog": "1000\n",
    });
    const { check } = await doctor({}, ["--root", root]);
    assert.equal(check("remedy-drift").status, "warning");
    assert.equal(check("remedy-drift").mend, "sudo sysctl -w net.core.netdev_max_backlog=10000");
  });

  const unproven =
    "softnet-remedy 1\nrun 2026-11-22T12:00:00Z a-boot\nsysctl /proc/sys/net/core/netdev_max_backlog 8000 1000 -\n";

  test("does not miss what a reboot has ended, and looks after what is kept", async () => {
    const root = rootWith({
      "/var/lib/softnet-remedy/journal": unproven,
      "/proc/sys/kernel/random/boot_id": "another\n",
      "/proc/sys/net/core/netdev_max_backlog": "5000\n",
      "/etc/sysctl.d/99-network-tuning.conf": "net.core.netdev_max_backlog = 5000\n",
      "/etc/sysctl.d/99-zz.conf": "net.core.netdev_max_backlog = 5000\n",
    });
    const { statuses } = await doctor({}, ["--root", root]);
    assert.deepEqual([statuses["sysctl-conflict"], statuses["remedy-drift"]], ["ok", "ok"]);
  });

  test("does not take a line of another value for one that keeps what is set", async () => {
    const root = rootWith({
      "/var/lib/softnet-remedy/journal": unproven,
      "/proc/sys/kernel/random/boot_id": "a-boot\n",
      "/proc/sys/net/core/netdev_max_backlog": "8000\n",
      "/etc/sysctl.d/99-network-tuning.conf": "net.core.netdev_max_backlog = 5000\n",
      "/run/tuned/tuned.pid": "1\n",
      "/etc/tuned/active_profile": "own\n",
      "/etc/tuned/own/tuned.conf": "[sysctl]\nnet.core.netdev_max_backlog=2000\n",
    });
    assert.match((await doctor({}, ["--root", root])).check("tuned").summary, /8000 is lost then/);
  });

  test("minds what sets masks once a remedy has set some", async () => {
    const root = rootWith({
      "/var/lib/softnet-remedy/journal":
        "softnet-remedy 1\nrun 2026-11-22T12:00:00Z\nrps /sys/class/net/eth0/queues/rx-0/rps_cpus 3 0\n",
      "/run/irqbalance.pid": "2\n",
      "/etc/systemd/system/multi-user.target.wants/ecs_mq.service": "",
    });
    const { statuses } = await doctor({}, ["--root", root]);
    assert.deepEqual([statuses["ecs-mq"], statuses["irqbalance"]], ["warning", "warning"]);
  });

  test("says that a journal which is none cannot be read", async () => {
    const { check } = await doctor({}, ["--root", rootWith({ "/var/lib/softnet-remedy/journal": "?" })]);
    assert.equal(check("remedy-drift").status, "failed");
  });

  describe("of a first boot by our user-data", () => {
    const checkAfter = async (...steps: readonly string[]) => {
      const report = `{"schemaVersion":1,"time":"2026-11-22T12:00:00Z","steps":[${steps.join(",")}]}\n`;
      return (await doctor({}, ["--root", rootWith({ "/etc/softnet/first-boot.json": report })])).check(
        "first-boot",
      );
    };
    const step = (name: string, exitCode = 0, message = "") =>
      JSON.stringify({ step: name, exitCode, message });

    test("names the step that failed", async () => {
      const failed = await checkAfter(step("tune", 5, "no such setting "), step("start"));
      assert.equal(failed.status, "failed");
      assert.match(failed.summary, /first boot failed in tune \(5\): no such setting$/);
      assert.deepEqual(failed.evidence["failedSteps"], ["tune"]);
    });

    test("is content once the agent was started", async () => {
      assert.equal((await checkAfter(step("tune"), step("start"))).status, "ok");
    });

    test("does not take one that was cut off for a good one", async () => {
      for (const [steps, last] of [
        [[step("tune")], "tune"],
        [[step("fetch"), step("check"), step("install")], "install"],
        [[], "its beginning"],
      ] as const) {
        const { status, summary, mend } = await checkAfter(...steps);
        assert.equal(status, "warning");
        assert.match(summary, new RegExp(`got no further than ${last} at `));
        assert.match(mend!, /scripts\/runcmd/);
      }
    });
  });

  for (const [status, body, found] of [
    [200, "ok", "ok"],
    [503, "no sample yet", "failed"],
    [200, "<html>", "failed"],
    [404, "nothing", "failed"],
  ] as const) {
    test(`takes ${status} ${body} at the console's address for ${found}`, async () => {
      const server = createServer((_, response) => response.writeHead(status).end(body));
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      try {
        const { port } = server.address() as AddressInfo;
        const { check } = await doctor({ SOFTNET_CONSOLE: `127.0.0.1:${port}` });
        assert.equal(check("agent").status, found);
      } finally {
        server.close();
        server.closeAllConnections();
      }
    });
  }
});

describe("softnet doctor on a machine without an agent", () => {
  const look = async (files: Readonly<Record<string, string>>, isInstance: boolean) => {
    const config = {
      stateDir: join(dir, "no-agent"),
      console: undefined,
      remedyDir: "/var/lib/softnet-remedy",
    };
    const asked = { refused: [], isInstance: () => Promise.resolve(isInstance) };
    const [agent] = await checkMachine(hostOf(files), "/", config, { HOME: dir }, asked);
    return isCheck(agent!) ? agent.status : "skipped";
  };

  for (const [name, files, isInstance, status] of [
    ["of an operator's own misses none", {}, false, "skipped"],
    ["that is an instance misses it", {}, true, "failed"],
    [
      "that Alibaba Cloud runs misses it",
      { "/sys/class/dmi/id/sys_vendor": "Alibaba Cloud\n" },
      false,
      "failed",
    ],
    ["that has its settings misses it", { "/etc/softnet/agent.env": "" }, false, "failed"],
    ["that has its unit misses it", { "/usr/lib/systemd/system/softnet-agent.service": "" }, false, "failed"],
  ] as const) {
    test(name, async () => assert.equal(await look(files, isInstance), status));
  }
});

describe("softnet doctor for people", () => {
  test("counts by the words of the labels, and says in Chinese why there is no instance", async () => {
    const env = { SOFTNET_IMDS: NOWHERE, HOME: dir };
    const { stdout } = await runSoftnet(["doctor", "--root", rootWith()], { env });
    assert.match(stdout, /Sum +6 ok, 1 warning, 0 failed/);
    const zh = await runSoftnet(["doctor", "--lang", "zh", "--root", rootWith()], { env });
    assert.match(zh.stdout, /这不是 ECS 实例（元数据服务 127\.0\.0\.1:9：应为 /);
  });

  test("says all of it in both languages", async () => {
    const env = { SOFTNET_IMDS: NOWHERE, HOME: dir };
    for (const [lang, words] of [
      ["en", ["WARNING   credentials: ", "SKIPPED   ", "→ ", "\nSum"]],
      ["zh", ["警告      凭证：", "未检查    ", "→ ", "\n合计"]],
    ] as const) {
      const { stdout } = await runSoftnet(["doctor", "--lang", lang, "--root", rootWith()], { env });
      for (const word of words) assert.ok(stdout.includes(word), `${word} in ${stdout}`);
    }
  });
});

describe("softnet doctor --policy", () => {
  const fileOf = (name: PolicyChoice): string =>
    readFileSync(join(import.meta.dirname, `../../policies/${name}.json`), "utf8");

  for (const name of Object.keys(POLICIES) as PolicyChoice[]) {
    test(`${name} is the file that is checked in, to the byte`, async () => {
      assert.deepEqual(await runSoftnet(["doctor", "--policy", name]), {
        code: 0,
        stdout: fileOf(name),
        stderr: "",
      });
    });
  }

  test("alone is all of them, each with its name", async () => {
    for (const args of [[], ["--lang", "zh"]]) {
      const { stdout } = await runSoftnet(["doctor", "--policy", ...args]);
      for (const name of Object.keys(POLICIES) as PolicyChoice[]) {
        assert.ok(stdout.includes(`# ${name}: `) && stdout.includes(fileOf(name)), name);
      }
    }
  });

  test("with --json is one document", async () => {
    const { stdout } = await runSoftnet(["doctor", "--policy", "--json"]);
    assert.deepEqual(Object.keys(JSON.parse(stdout).policies), ["agent", "setup", "remediation"]);
  });

  test("of another name is refused", async () => {
    const { code, stdout } = await runSoftnet(["doctor", "--policy", "root"]);
    assert.deepEqual([code, stdout], [2, ""]);
  });
});

function roleNamed(name: string) {
  return {
    name,
    credentials: {
      AccessKeyId: "STS.doctor",
      AccessKeySecret: "role-secret",
      SecurityToken: "role-token",
      Expiration: new Date(Date.now() + 3_600_000).toISOString(),
    },
  };
}
