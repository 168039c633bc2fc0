import * as v from "valibot";

import type { Tag } from "../cloud/ecs.ts";
import { AGENT_OPTIONS, instanceId } from "../config.ts";
import type { Site } from "../core/alarm-wish.ts";
import { isPublicHost } from "../public-host.ts";
import { ecsEndpoint, OPERATOR_OPTIONS } from "../operator-options.ts";
import {
  matching,
  oneOf,
  type Option,
  type RepeatedOption,
  type Switch,
  type ValuesOf,
  wholeNumber,
} from "../options.ts";

/** CloudMonitor calls it from outside: an address of this machine or its network reaches nobody. */
const webhookUrl = v.union([
  v.literal("off"),
  v.pipe(
    v.string(),
    v.check((text) => {
      const url = URL.parse(text);
      return (
        url !== null &&
        (url.protocol === "https:" || url.protocol === "http:") &&
        url.username === "" &&
        isPublicHost(url.hostname)
      );
    }),
  ),
]);

/** Where the account and its alarms are. */
export const ACCOUNT_OPTIONS = {
  ...OPERATOR_OPTIONS,
  accountId: {
    ...AGENT_OPTIONS.accountId,
    help: { en: "main account id (default: STS is asked)", zh: "主账号 ID（默认向 STS 查询）" },
  },
  groupId: {
    ...AGENT_OPTIONS.groupId,
    fallback: undefined,
    help: {
      en: "CloudMonitor application group of the series; 0 is none (default: the one in use)",
      zh: "时间序列所属的云监控应用分组；0 表示无（默认为正在使用的分组）",
    },
  } as Option<number | undefined>,
} as const;

export const instances: RepeatedOption<string> = {
  flag: "instance",
  placeholder: "ID",
  repeatable: true,
  ...instanceId,
  help: { en: "an instance", zh: "实例" },
};

const fromTag: RepeatedOption<Tag> = {
  flag: "from-tag",
  placeholder: "KEY=VALUE",
  repeatable: true,
  schema: v.pipe(
    v.string(),
    v.regex(/^[^=]{1,128}=.{0,128}$/),
    v.transform((text): Tag => {
      const equals = text.indexOf("=");
      return { key: text.slice(0, equals), value: text.slice(equals + 1) };
    }),
  ),
  expected: "KEY=VALUE",
  help: {
    en: "every instance with this tag; those that no longer exist lose their rules",
    zh: "带有该标签的所有实例；已不存在的实例会被移除规则",
  },
};

/** Which instances have alarms. */
const COVERAGE_OPTIONS = {
  instances,
  fromTag,
  fleetOnly: {
    flag: "fleet-only",
    isSwitch: true,
    help: {
      en: "one rule on the event softnet_critical in place of rules per instance (from about 50 instances on)",
      zh: "用一条针对 softnet_critical 事件的规则代替每个实例的规则（建议 50 个实例以上使用）",
    },
  },
  withSqueezed: {
    flag: "with-squeezed",
    isSwitch: true,
    help: {
      en: "also a rule of level INFO on squeezes, above 1000/s for ten minutes",
      zh: "同时创建 INFO 级别的 squeezed 规则（持续十分钟超过每秒 1000 次）",
    },
  },
  ecsEndpoint,
} as const satisfies Record<
  string,
  RepeatedOption<string> | RepeatedOption<Tag> | Option<string | undefined> | Switch
>;

/** What `plan`, `apply` and `status` compare the account with. */
export const WISH_OPTIONS = {
  mail: {
    flag: "mail",
    placeholder: "ADDRESS",
    ...matching(/^[^@\s;,]{1,64}@[^@\s;,.]+(\.[^@\s;,.]+)+$/, "one e-mail address"),
    fallback: undefined,
    help: { en: "who is told by e-mail", zh: "接收报警邮件的地址" },
  } as Option<string | undefined>,
  phone: {
    flag: "phone",
    placeholder: "86-1…",
    ...matching(/^86-1\d{10}$/, "a mobile number of mainland China such as 86-13800138000"),
    fallback: undefined,
    help: {
      en: "who is told by SMS and phone (China site only)",
      zh: "接收短信和电话报警的手机号（仅中国站）",
    },
  } as Option<string | undefined>,
  webhook: {
    flag: "webhook",
    placeholder: "URL|off",
    schema: webhookUrl,
    expected: "an http(s) URL that CloudMonitor can reach, on a public address, or off",
    fallback: undefined,
    isSecret: true,
    help: {
      en: "what CloudMonitor calls with each alarm (default: as it is)",
      zh: "云监控在每次报警时调用的地址（默认保持不变）",
    },
  } as Option<string | undefined>,
  contactGroup: {
    flag: "contact-group",
    placeholder: "NAME",
    ...matching(/^[^,;\n]{1,64}$/, "the name of one contact group, without commas"),
    fallback: undefined,
    help: {
      en: "the contact group that is told; others in it stay (default: the one in use, else softnet_oncall)",
      zh: "接收报警的联系人组，组内其他成员不变（默认为正在使用的组，否则为 softnet_oncall）",
    },
  } as Option<string | undefined>,
  site: {
    flag: "site",
    env: "SOFTNET_SITE",
    placeholder: "china|intl",
    ...oneOf(["china", "intl"]),
    fallback: "china",
    help: {
      en: "the site of the account: the international one has neither SMS nor phone",
      zh: "账号所属站点：国际站没有短信和电话报警",
    },
  } as Option<Site>,
  ...COVERAGE_OPTIONS,
} as const;

/** How far a run that nobody watches may go. */
export const maxRemovals: Option<number | undefined> = {
  flag: "max-removals",
  placeholder: "N",
  ...wholeNumber({ min: 0, max: 100_000 }),
  fallback: undefined,
  help: {
    en: "with --from-tag: let so many instances lose their rules (default: 3 or a fifth, none where no instance has the tag)",
    zh: "配合 --from-tag：最多允许移除多少个实例的规则（默认 3 个或五分之一；没有实例带该标签时为 0）",
  },
};

export type AccountOptions = ValuesOf<typeof ACCOUNT_OPTIONS>;
export type WishOptions = ValuesOf<typeof WISH_OPTIONS>;
