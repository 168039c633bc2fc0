import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

import { openAccount } from "../double/account.ts";
import { type CloudUser, startCloudDouble } from "../double/cloud.ts";
import { customEvents } from "../double/custom-events.ts";
import { customMetrics } from "../double/custom-metrics.ts";

const USER = { accessKeyId: "LTAI5tPackagePackage", accessKeySecret: "package-secret" } satisfies CloudUser;

const ACCOUNT_ID = "1234567890";

/** What every window has, whatever its CPUs did. */
export const HOST_METRICS = [
  "softnet_dropped_per_second",
  "softnet_squeezed_per_second",
  "softnet_severity",
] as const;

/**
 * Lets a command line push one minute to a CloudMonitor of its own: up to 65 s.
 *
 * @param command as typed before `run --once`
 * @returns what it said, how it ended, and what arrived.
 */
export async function pushOneMinute(
  command: readonly [string, ...string[]],
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
) {
  const metrics = customMetrics({ edition: "free", seriesQuota: 10 });
  await using cloud = await startCloudDouble({ users: [USER], families: [metrics, customEvents()] });
  const [program, ...args] = command;
  const child = spawn(program, [...args, "run", "--once"], {
    cwd,
    env: {
      ...env,
      ...cloudEnv(cloud.url),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [[status], stdout, stderr] = await Promise.all([
    once(child, "exit") as Promise<[number | null]>,
    text(child.stdout),
    text(child.stderr),
  ]);
  return { status, stdout, stderr, names: [...metrics.points.values()].map(({ metricName }) => metricName) };
}

/** Lets a command line's doctor look at an account of its own. @param command as typed before `doctor` */
export async function examine(
  command: readonly [string, ...string[]],
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
) {
  const { families } = openAccount({ uid: ACCOUNT_ID });
  await using cloud = await startCloudDouble({ users: [USER], families });
  const [program, ...args] = command;
  const child = spawn(program, [...args, "doctor", "--json"], {
    cwd,
    env: { ...env, ...cloudEnv(cloud.url), SOFTNET_CPU_SERIES: "none" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(await text(child.stdout)) as { checks: { code: string; status: string }[] };
}

function cloudEnv(url: string): Readonly<Record<string, string>> {
  return {
    ALIBABA_CLOUD_ACCESS_KEY_ID: USER.accessKeyId,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: USER.accessKeySecret,
    SOFTNET_ENDPOINT: url,
    SOFTNET_STS_ENDPOINT: url,
    SOFTNET_IMDS: url,
    SOFTNET_REGION: "cn-hangzhou",
    SOFTNET_INSTANCE_ID: "i-bp1package",
    SOFTNET_ACCOUNT_ID: ACCOUNT_ID,
  };
}
