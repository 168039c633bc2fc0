import * as v from "valibot";

import { type CpuMask, cpuMaskText, cpusOfMask, parseCpuMask } from "./core/cpu-mask.ts";
import type { HostSettings } from "./core/host-settings.ts";
import type { Bandwidth } from "./core/remedies/bandwidth.ts";
import { bandwidthOf } from "./core/remedies/bandwidth.ts";
import type { RemedyContext, RemedyPolicy } from "./core/remedies/part.ts";
import { failuresIn } from "./core/remedy-audit.ts";
import type { RemedyJournal } from "./core/remedy-journal.ts";
import { KnownError, UsageError } from "./errors.ts";
import type { Host } from "./host/host.ts";
import { readAudit, readJournal } from "./host/remedy-record.ts";
import { readTuningFiles } from "./host/tuning-files.ts";
import { nonEmpty, number, type Option, type Switch, type ValuesOf, wholeNumber } from "./options.ts";

/** The table ends far below; what is larger is a slip of the hand. */
const MOST_PACKETS = 1_000_000;

const isMask = v.check((text: string) => parseCpuMask(text) !== undefined);

/** What `plan` and `apply` choose a remedy by. */
export const CHOOSING_OPTIONS = {
  backlog: {
    flag: "backlog",
    placeholder: "auto|N",
    schema: v.union([
      v.literal("auto"),
      v.pipe(v.string(), v.regex(/^\d{1,7}$/), v.transform(Number), v.minValue(1), v.maxValue(MOST_PACKETS)),
    ]),
    expected: `auto or a whole number from 1 to ${MOST_PACKETS}`,
    fallback: "auto",
    help: {
      en: "netdev_max_backlog: by need and bandwidth, or this value; never lower than it is",
      zh: "netdev_max_backlog：按需要和带宽选择，或指定的值；从不调低",
    },
  } as Option<number | "auto">,
  bandwidthGbps: {
    flag: "bandwidth-gbps",
    placeholder: "N",
    ...number({ min: 0.01, max: 1000 }),
    fallback: undefined,
    help: {
      en: "bandwidth of the instance (default: the metadata service's, else the link's speed)",
      zh: "实例带宽（默认取自元数据服务，其次为链路速率）",
    },
  } as Option<number | undefined>,
  rps: {
    flag: "rps",
    placeholder: "auto|off|MASK",
    schema: v.union([
      v.picklist(["auto", "off"]),
      v.pipe(
        v.string(),
        isMask,
        v.transform((text) => parseCpuMask(text)!),
      ),
    ]),
    expected: "auto, off, or a mask as in rps_cpus",
    fallback: "auto",
    help: {
      en: "receive packet steering: by evidence, left alone, or this mask (0 turns it off)",
      zh: "RPS：按证据决定、不改动，或指定的掩码（0 表示关闭）",
    },
  } as Option<"auto" | "off" | CpuMask>,
  device: {
    flag: "device",
    placeholder: "NAME",
    ...nonEmpty("the name of an interface"),
    fallback: undefined,
    help: {
      en: "the interface to steer (default: the one that suffers)",
      zh: "要调整的接口（默认为丢包的接口）",
    },
  } as Option<string | undefined>,
  noPersist: {
    flag: "no-persist",
    isSwitch: true,
    help: { en: "until the next reboot only", zh: "仅在下次重启前有效" },
  },
  force: {
    flag: "force",
    isSwitch: true,
    help: {
      en: "without a finding, and again what did not help before",
      zh: "没有发现问题也执行，并再次尝试之前无效的改动",
    },
  },
} as const satisfies Record<
  string,
  | Option<number | "auto">
  | Option<string | undefined>
  | Option<number | undefined>
  | Option<"auto" | "off" | CpuMask>
  | Switch
>;

export type Choice = ValuesOf<typeof CHOOSING_OPTIONS>;

export const verifySeconds: Option<number> = {
  flag: "verify-for",
  placeholder: "SECONDS",
  ...wholeNumber({ min: 3, max: 3600 }),
  fallback: 30,
  help: {
    en: "how long to measure what it did; up to three times that while it cannot be told",
    zh: "用多少秒测量效果；无法判断时最多为三倍",
  },
};

/** @throws UsageError for an interface or a CPU that the host does not have. */
export function policyOf(choice: Choice, { interfaces, cpus }: HostSettings): RemedyPolicy {
  const { device, rps } = choice;
  if (device !== undefined && !interfaces.some(({ name }) => name === device)) {
    const names = interfaces.map(({ name }) => name).join(", ");
    throw new UsageError({
      code: "bad-value",
      expected: names === "" ? "an interface of this host, which shows none" : `one of: ${names}`,
      got: JSON.stringify(device),
      where: "--device",
    });
  }
  if (typeof rps === "bigint") refuseUnusableCpus(rps, cpus);
  return { backlog: choice.backlog, rps, device, force: choice.force, persist: !choice.noPersist };
}

/** The kernel refuses CPUs beyond the possible ones, and silently leaves out those that are offline or isolated. */
function refuseUnusableCpus(mask: CpuMask, { possible, online, isolated }: HostSettings["cpus"]): void {
  const wrong = cpusOfMask(mask).filter(
    (cpu) =>
      (possible !== undefined && cpu >= possible) ||
      (online && !online.includes(cpu)) ||
      isolated?.includes(cpu),
  );
  if (wrong.length === 0) return;
  throw new UsageError({
    code: "bad-value",
    expected: "CPUs that are online and not isolated",
    got: `${mask.toString(16)} with CPU ${wrong[0]}`,
    where: "--rps",
  });
}

/** The command that applies what was planned by a choice. */
export function applyCommandOf({ backlog, bandwidthGbps, rps, device, noPersist, force }: Choice): string {
  return [
    "sudo softnet remedy apply",
    ...(backlog === "auto" ? [] : [`--backlog ${backlog}`]),
    ...(bandwidthGbps === undefined ? [] : [`--bandwidth-gbps ${bandwidthGbps}`]),
    ...(rps === "auto" ? [] : [`--rps ${rps === "off" ? rps : cpuMaskText(rps, undefined)}`]),
    ...(device === undefined ? [] : [`--device ${device}`]),
    ...(noPersist ? ["--no-persist"] : []),
    ...(force ? ["--force"] : []),
  ].join(" ");
}

/** What a plan needs beside the observation. */
export async function contextOf(
  host: Host | undefined,
  choice: Choice,
  asked: { readonly dir: string; readonly ingressKbps: () => Promise<number | undefined> },
  settings: HostSettings,
): Promise<RemedyContext> {
  const journal = host && readJournal(host, asked.dir);
  return {
    bandwidth: await bandwidthFor(choice, asked.ingressKbps, settings),
    tuning: host && readTuningFiles(host),
    failures: host ? failuresIn(readAudit(host, asked.dir)) : [],
    firstBudgetUsecs: journal && firstBudgetUsecsIn(journal),
  };
}

async function bandwidthFor(
  { bandwidthGbps }: Choice,
  ingressKbps: () => Promise<number | undefined>,
  { interfaces }: HostSettings,
): Promise<Bandwidth> {
  const speeds = interfaces.flatMap(({ kind, speedMbps }) => (kind === "nic" ? (speedMbps ?? []) : []));
  return bandwidthOf({
    flagGbps: bandwidthGbps,
    ingressKbps: bandwidthGbps === undefined ? await ingressKbps() : undefined,
    linkMbps: speeds.length > 0 ? Math.max(...speeds) : undefined,
  });
}

function firstBudgetUsecsIn({ values }: RemedyJournal): number | undefined {
  const found = values.find((value) => value.kind === "sysctl" && value.name === "netdev_budget_usecs");
  return found?.kind === "sysctl" ? found.original : undefined;
}

/** What the metadata service says an instance may receive, Kbit/s; undefined where there is no such service, or it says nothing. */
export async function askIngressKbps(baseUrl: string | undefined): Promise<number | undefined> {
  const { instanceMetadata } = await import("./cloud/instance-metadata.ts");
  const metadata = instanceMetadata(baseUrl === undefined ? {} : { baseUrl });
  try {
    const text = await metadata.get("instance/max-netbw-ingress");
    return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : undefined;
  } catch (error) {
    if (error instanceof KnownError) return undefined;
    throw error;
  }
}
