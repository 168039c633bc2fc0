import { posix } from "node:path";

import * as v from "valibot";

import { defineVerb } from "../terminal/command.ts";
import { AGENT_OPTIONS } from "../config.ts";
import {
  type FirstBoot,
  MAX_USER_DATA_BYTES,
  PACKAGE_KINDS,
  type PackageKind,
  renderCloudInit,
} from "../core/cloud-init.ts";
import { baselineGbpsOf, KNOWN_FAMILIES, knownSizesOf } from "../core/instance-bandwidth.ts";
import { DEFAULT_REMEDY_DIR } from "../core/remedy-journal.ts";
import { firstBacklogOf } from "../core/remedies/bandwidth.ts";
import { UsageError } from "../errors.ts";
import { matching, oneOf, type Option, type RepeatedOption } from "../options.ts";
import { refusedAs, shownValue } from "../agent/setting.ts";
import { CHOOSING_OPTIONS } from "../remedy-options.ts";

/** Why nothing secret may be in it. */
const READABLE = "every process on the instance can read user-data";

interface PackageUrl {
  readonly url: string;
  readonly kind: PackageKind;
}

/** Plain http is enough for what is checked by its sha256; see docs/decisions. Quotes and blanks would end the word that sh reads. */
const packageUrl: Option<PackageUrl | undefined> = {
  flag: "package-url",
  placeholder: "URL",
  schema: v.pipe(
    v.string(),
    v.regex(/^https?:\/\/[\w!#$%&()*+,./:;=?@[\]~-]+$/),
    v.check((text) => URL.canParse(text) && new URL(text).username === "" && kindOf(text) !== undefined),
    v.transform((text): PackageUrl => ({ url: text, kind: kindOf(text)! })),
  ),
  expected: `an https:// or http:// URL of a .deb, .rpm or .tar.gz, without a user and password: ${READABLE}`,
  fallback: undefined,
  isSecret: true,
  help: {
    en: "where the first boot fetches the package: a .deb, .rpm or .tar.gz",
    zh: "首次启动时下载软件包的地址：.deb、.rpm 或 .tar.gz",
  },
};

function kindOf(url: string): PackageKind | undefined {
  const { pathname } = new URL(url);
  return PACKAGE_KINDS.find((kind) => pathname.endsWith(`.${kind}`));
}

const sha256: Option<string | undefined> = {
  flag: "sha256",
  placeholder: "HEX",
  schema: v.pipe(v.string(), v.regex(/^[0-9a-fA-F]{64}$/), v.toLowerCase()),
  expected: "the package's sha256: 64 hex digits",
  fallback: undefined,
  help: {
    en: "the package's sha256; nothing else is installed",
    zh: "软件包的 sha256；不一致则不安装",
  },
};

const TUNINGS = ["none", "backlog", "backlog+rps"] as const;

const tune: Option<(typeof TUNINGS)[number]> = {
  flag: "tune",
  placeholder: TUNINGS.join("|"),
  ...oneOf(TUNINGS),
  fallback: "none",
  help: {
    en: "what the first boot sets without having measured: nothing, the backlog by bandwidth, or RPS as well",
    zh: "首次启动时未经测量即设置的内容：无、按带宽设置 backlog，或同时设置 RPS",
  },
};

const instanceType: Option<string | undefined> = {
  flag: "instance-type",
  placeholder: "TYPE",
  ...matching(/^ecs\.[a-z0-9-]+\.[a-z0-9-]+$/, "an instance type such as ecs.g7.large"),
  fallback: undefined,
  help: {
    en: "the instance type, for its bandwidth",
    zh: "实例规格，用于确定带宽",
  },
};

interface Setting {
  readonly name: string;
  readonly value: string;
}

const set: RepeatedOption<Setting> = {
  flag: "set",
  placeholder: "NAME=VALUE",
  repeatable: true,
  schema: v.pipe(
    v.string(),
    v.regex(/^[A-Z][A-Z0-9_]*=[ !#%-[\]-_a-~]+$/),
    v.transform((text): Setting => {
      const equals = text.indexOf("=");
      return { name: text.slice(0, equals), value: text.slice(equals + 1) };
    }),
  ),
  expected: "a setting of the agent such as SOFTNET_PUSH_CRON=*/5 * * * *, without quotes, $, ` and \\",
  isSecret: true,
  help: {
    en: "a setting of the agent, for its agent.env; never a credential, since every process of the instance can read user-data",
    zh: "写入 agent.env 的 agent 设置；不要放凭证，实例上的任何进程都能读取 user-data",
  },
};

export default defineVerb({
  name: "cloud-init",
  summary: {
    en: "print user-data whose first boot installs and starts the agent",
    zh: "打印 user-data：首次启动时安装并启动 agent",
  },
  details: {
    en: "  softnet cloud-init --package-url URL --sha256 HEX > user-data.yaml\n\nExits with 0 when it is printed, 2 when it could not be.",
    zh: "  softnet cloud-init --package-url URL --sha256 HEX > user-data.yaml\n\n退出码：0 已打印，2 无法生成。",
  },
  refuses: ["json"],
  options: {
    packageUrl,
    sha256,
    tune,
    instanceType,
    bandwidthGbps: {
      ...CHOOSING_OPTIONS.bandwidthGbps,
      help: {
        en: "the instance's bandwidth, in place of its type (default: taken for more than 1 and at most 10)",
        zh: "实例带宽，可代替实例规格（默认视为大于 1 且不超过 10）",
      },
    },
    set,
  },
  run: (options, io) => {
    const gbps = bandwidthOf(options);
    const text = renderCloudInit({
      package: packageOf(options),
      settings: settingsOf(options.set, options.tune),
      tuning: tuningOf(options.tune, gbps),
    });
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_USER_DATA_BYTES) {
      throw new UsageError({
        code: "user-data-too-large",
        expected: `at most ${MAX_USER_DATA_BYTES} bytes of user-data`,
        got: `${bytes}`,
        where: "--package-url and --set",
      });
    }
    io.stdout(text);
    return Promise.resolve(0);
  },
});

function packageOf(given: {
  readonly packageUrl: PackageUrl | undefined;
  readonly sha256: string | undefined;
}): FirstBoot["package"] {
  if (given.packageUrl === undefined || given.sha256 === undefined) {
    throw new UsageError({
      code: "missing-flag",
      expected: "--package-url and --sha256, which say what to install",
      got: given.packageUrl ? "no --sha256" : given.sha256 ? "no --package-url" : "neither",
      where: "command line",
    });
  }
  return { ...given.packageUrl, sha256: given.sha256 };
}

function bandwidthOf(given: {
  readonly instanceType: string | undefined;
  readonly bandwidthGbps: number | undefined;
}): number | undefined {
  const { instanceType: type, bandwidthGbps } = given;
  if (type === undefined) return bandwidthGbps;
  if (bandwidthGbps !== undefined) {
    throw new UsageError({
      code: "flags-contradict",
      expected: "--instance-type or --bandwidth-gbps",
      got: "both",
      where: "command line",
    });
  }
  const gbps = baselineGbpsOf(type);
  if (gbps !== undefined) return gbps;
  const sizes = knownSizesOf(type);
  throw new UsageError({
    code: "unknown-instance-type",
    expected: sizes
      ? `--bandwidth-gbps, or a size of its family that this version knows: ${sizes.join(", ")}`
      : `--bandwidth-gbps, or a type of a family that this version knows: ${KNOWN_FAMILIES.join(", ")}`,
    got: JSON.stringify(type),
    where: "--instance-type",
  });
}

function tuningOf(what: (typeof TUNINGS)[number], gbps: number | undefined): FirstBoot["tuning"] {
  if (what === "none") return undefined;
  const source = gbps === undefined ? "unknown" : "flag";
  return { backlog: firstBacklogOf({ gbps, source }), rps: what === "backlog+rps" };
}

/** @throws UsageError for what the agent would refuse, or would silently never see. */
function settingsOf(given: readonly Setting[], what: (typeof TUNINGS)[number]): FirstBoot["settings"] {
  const settings = new Map<string, string>();
  for (const { name, value } of given) {
    const option = Object.values(AGENT_OPTIONS).find(({ env }) => env === name);
    if (!option && isCredential(name)) throw refusal("credential", `no credential: ${READABLE}`, name);
    if (!option) throw refusal("unknown-setting", "a setting of the agent (see softnet run --help)", name);
    if (settings.has(name)) throw refusal("repeated-setting", "each setting once", `${name} twice`);
    const expected = refusedAs(option, value) ?? unusableAs(name, value, what);
    if (expected !== undefined) {
      throw refusal("bad-value", `${name} to be ${expected}`, shownValue(option, value));
    }
    settings.set(name, value);
  }
  return settings;
}

function isCredential(name: string): boolean {
  return /ACCESS_?KEY|SECRET|TOKEN|PASSWORD/.test(name);
}

/** All that the unit lets the service write to. */
const WRITABLE = /^\/var\/lib\/softnet(\/|$)/;
/** What the unit hides from it. */
const HIDDEN = /^\/(home|root|run\/user|tmp|var\/tmp|dev|boot)(\/|$)/;

/** What the service that is installed would need in its place; undefined for what it can use. */
function unusableAs(name: string, value: string, what: (typeof TUNINGS)[number]): string | undefined {
  const path = posix.resolve(value);
  if (name === AGENT_OPTIONS.stateDir.env && !WRITABLE.test(path)) {
    return "/var/lib/softnet or a directory below, since the service may write nowhere else (docs/install.md)";
  }
  if (name !== AGENT_OPTIONS.remedyDir.env) return undefined;
  if (what !== "none" && path !== DEFAULT_REMEDY_DIR) {
    return `${DEFAULT_REMEDY_DIR} beside --tune, which keeps its originals there`;
  }
  return HIDDEN.test(path)
    ? "a directory that the service sees: none of users, /tmp, /dev or /boot"
    : undefined;
}

function refusal(code: string, expected: string, got: string): UsageError {
  return new UsageError({ code, expected, got, where: "--set" });
}
