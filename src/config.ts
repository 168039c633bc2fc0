import * as v from "valibot";

import type { CpuSeriesMode } from "./core/cpu-series.ts";
import { DEFAULT_REMEDY_DIR } from "./core/remedy-journal.ts";
import { isLoopback } from "./loopback.ts";
import { matching, nonEmpty, number, oneOf, type ValuesOf, wholeNumber } from "./options.ts";

/** Where the console listens; undefined is `off`. */
export interface ConsoleAddress {
  readonly host: string;
  readonly port: number;
}

export const DEFAULT_CONSOLE: ConsoleAddress = { host: "127.0.0.1", port: 9417 };

/** Plain http would send a signature in the clear, so only a loopback address may be reached by it. */
const cloudUrl = v.pipe(
  v.string(),
  v.check((text) => (text.includes("://") ? isSafeUrl(text) : /^[A-Za-z0-9.-]+(:\d{1,5})?$/.test(text))),
);

function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
}

/** Where a product of the cloud listens. */
export const endpoint = {
  schema: cloudUrl,
  expected: "a host, an https:// URL, or http:// to a loopback address",
};

/** A machine outside of ECS may push by a name of its own, so it need not begin with `i-`. */
export const instanceId = matching(/^[A-Za-z0-9._-]{1,64}$/, "an instance id such as i-bp1abcdefgh");

const consoleAddress = v.pipe(
  v.string(),
  v.regex(/^(off|(\[[0-9a-fA-F:]+\]|[0-9A-Za-z.-]+):\d{1,5})$/),
  v.check((text) => text === "off" || Number(text.slice(text.lastIndexOf(":") + 1)) <= 65_535),
  v.check((text) => text === "off" || isLoopback(text.slice(0, text.lastIndexOf(":")))),
  v.transform((text): ConsoleAddress | undefined => {
    if (text === "off") return undefined;
    const colon = text.lastIndexOf(":");
    return { host: text.slice(0, colon).replaceAll(/[[\]]/g, ""), port: Number(text.slice(colon + 1)) };
  }),
);

/** Every setting of the agent: flag, then environment, then default. systemd reads `/etc/softnet/agent.env`. */
export const AGENT_OPTIONS = {
  sampleSeconds: {
    flag: "sample-seconds",
    env: "SOFTNET_SAMPLE_SECONDS",
    placeholder: "SECONDS",
    ...number({ min: 0.1, max: 10 }),
    fallback: 1,
    help: { en: "time between two samples", zh: "两次采样之间的时间" },
  },
  pushCron: {
    flag: "push-cron",
    env: "SOFTNET_PUSH_CRON",
    placeholder: "CRON",
    ...nonEmpty("a cron expression"),
    fallback: "* * * * *",
    help: {
      en: "when closed minutes are sent: every 1 to 15 minutes",
      zh: "何时发送已结束的分钟：每 1 到 15 分钟一次",
    },
  },
  sink: {
    flag: "sink",
    env: "SOFTNET_SINK",
    placeholder: "auto|cloudmonitor|local",
    ...oneOf(["auto", "cloudmonitor", "local"]),
    fallback: "auto",
    help: {
      en: "where the metrics go; auto is CloudMonitor as soon as credentials, region and instance id are found, cloudmonitor does not start without them",
      zh: "指标发往何处；auto 表示一旦找到凭证、地域和实例 ID 就发往云监控，cloudmonitor 则在缺少其中任何一项时拒绝启动",
    },
  },
  cpuSeries: {
    flag: "cpu-series",
    env: "SOFTNET_CPU_SERIES",
    placeholder: "active|all|none",
    ...oneOf(["active", "all", "none"]),
    fallback: "active" satisfies CpuSeriesMode,
    help: {
      en: "which CPUs get series of their own in CloudMonitor",
      zh: "哪些 CPU 在云监控中有自己的时间序列",
    },
  },
  cpuSeriesMax: {
    flag: "cpu-series-max",
    env: "SOFTNET_CPU_SERIES_MAX",
    placeholder: "N",
    ...wholeNumber({ min: 0, max: 1024 }),
    fallback: 16,
    help: { en: "at most this many CPUs get series of their own", zh: "最多这么多个 CPU 有自己的时间序列" },
  },
  hostSeries: {
    flag: "host-series",
    env: "SOFTNET_HOST_SERIES",
    placeholder: "all|severity|none",
    ...oneOf(["all", "severity", "none"]),
    fallback: "all",
    help: { en: "which series of the whole host are sent", zh: "发送哪些整机时间序列" },
  },
  region: {
    flag: "region",
    env: "SOFTNET_REGION",
    placeholder: "ID",
    ...matching(/^[a-z0-9-]{2,32}$/, "a region id such as cn-hangzhou"),
    fallback: undefined,
    help: { en: "region id (default: from the metadata service)", zh: "地域 ID（默认取自元数据服务）" },
  },
  instanceId: {
    flag: "instance-id",
    env: "SOFTNET_INSTANCE_ID",
    placeholder: "ID",
    ...instanceId,
    fallback: undefined,
    help: { en: "instance id (default: from the metadata service)", zh: "实例 ID（默认取自元数据服务）" },
  },
  accountId: {
    flag: "account-id",
    env: "SOFTNET_ACCOUNT_ID",
    placeholder: "UID",
    ...matching(/^\d{1,20}$/, "the main account's numeric id"),
    fallback: undefined,
    help: {
      en: "main account id (default: from the metadata service)",
      zh: "主账号 ID（默认取自元数据服务）",
    },
  },
  groupId: {
    flag: "group-id",
    env: "SOFTNET_GROUP_ID",
    placeholder: "N",
    ...wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    fallback: 0,
    help: { en: "CloudMonitor application group; 0 is none", zh: "云监控应用分组；0 表示无" },
  },
  endpoint: {
    flag: "endpoint",
    env: "SOFTNET_ENDPOINT",
    placeholder: "HOST",
    ...endpoint,
    fallback: undefined,
    help: {
      en: "CloudMonitor endpoint (default: cms-vpc.<region>.aliyuncs.com, then metrics.<region>.aliyuncs.com)",
      zh: "云监控接入地址（默认 cms-vpc.<region>.aliyuncs.com，其次 metrics.<region>.aliyuncs.com）",
    },
  },
  imds: {
    flag: "imds",
    env: "SOFTNET_IMDS",
    placeholder: "URL",
    schema: v.pipe(v.string(), v.regex(/^http:\/\//), v.url()),
    expected: "an http:// URL",
    fallback: "http://100.100.100.200",
    help: { en: "base URL of the instance metadata service", zh: "实例元数据服务的地址" },
  },
  stateDir: {
    flag: "state-dir",
    env: "SOFTNET_STATE_DIR",
    placeholder: "DIR",
    ...nonEmpty("a directory"),
    fallback: undefined,
    help: {
      en: "history and queue (default: /var/lib/softnet if writable, else below the home directory)",
      zh: "历史与队列（默认 /var/lib/softnet，不可写时位于主目录下）",
    },
  },
  stateMb: {
    flag: "state-mb",
    env: "SOFTNET_STATE_MB",
    placeholder: "MB",
    ...wholeNumber({ min: 4, max: 100_000 }),
    fallback: 64,
    help: { en: "history and queue together stay below this", zh: "历史与队列的总大小上限" },
  },
  remedyDir: {
    env: "SOFTNET_REMEDY_DIR",
    schema: v.pipe(
      v.string(),
      v.regex(/^\/[\w./-]*$/),
      v.transform((path) => path.replace(/(?<=.)\/+$/, "")),
    ),
    expected: "an absolute path of letters, digits and -_./",
    fallback: DEFAULT_REMEDY_DIR,
    help: {
      en: "where `remedy` keeps originals and the audit; the agent looks there for what should be set",
      zh: "`remedy` 保存原始值和审计记录的位置；agent 据此检查设置是否仍然有效",
    },
  },
  backfillSeconds: {
    flag: "backfill-seconds",
    env: "SOFTNET_BACKFILL_SECONDS",
    placeholder: "SECONDS",
    ...wholeNumber({ min: 60, max: 86_400 }),
    fallback: 900,
    help: {
      en: "minutes older than this are no longer sent and stay in the local history",
      zh: "早于此时间的分钟不再发送，仅保留在本地历史中",
    },
  },
  console: {
    flag: "console",
    env: "SOFTNET_CONSOLE",
    placeholder: "ADDRESS|off",
    schema: consoleAddress,
    expected: "a loopback address and port such as 127.0.0.1:9417, or off",
    fallback: DEFAULT_CONSOLE,
    help: {
      en: "where the console listens (default 127.0.0.1:9417)",
      zh: "控制台监听地址（默认 127.0.0.1:9417）",
    },
  },
  webhook: {
    flag: "webhook",
    env: "SOFTNET_WEBHOOK",
    placeholder: "URL",
    schema: v.pipe(v.string(), v.check(isSafeUrl)),
    expected: "an https:// URL, or http:// to a loopback address",
    fallback: undefined,
    isSecret: true,
    help: {
      en: "gets a JSON document for each alarm and each recovery (default: nobody is told)",
      zh: "每次报警和恢复时接收一个 JSON 文档（默认不通知）",
    },
  },
  logLevel: {
    flag: "log-level",
    env: "SOFTNET_LOG_LEVEL",
    placeholder: "debug|info|warn|error",
    ...oneOf(["debug", "info", "warn", "error"]),
    fallback: "info",
    help: { en: "how much is logged to stderr", zh: "输出到 stderr 的日志级别" },
  },
} as const;

export type AgentConfig = ValuesOf<typeof AGENT_OPTIONS>;
