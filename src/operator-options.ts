import { AGENT_OPTIONS, endpoint } from "./config.ts";
import type { Option, ValuesOf } from "./options.ts";

/** How every verb that asks the cloud on an operator's behalf finds it. */
export const OPERATOR_OPTIONS = {
  region: {
    ...AGENT_OPTIONS.region,
    help: {
      en: "region id (default: from the CLI's profile, then from the metadata service)",
      zh: "地域 ID（默认取自 CLI 配置，其次取自元数据服务）",
    },
  },
  endpoint: AGENT_OPTIONS.endpoint,
  stsEndpoint: {
    env: "SOFTNET_STS_ENDPOINT",
    placeholder: "HOST",
    ...endpoint,
    fallback: undefined,
    help: {
      en: "STS endpoint (default: sts-vpc.<region>.aliyuncs.com, then sts.<region>.aliyuncs.com)",
      zh: "STS 接入地址（默认 sts-vpc.<region>.aliyuncs.com，其次 sts.<region>.aliyuncs.com）",
    },
  },
  imds: AGENT_OPTIONS.imds,
} as const;

/** For a verb that asks which instances there are. */
export const ecsEndpoint: Option<string | undefined> = {
  env: "SOFTNET_ECS_ENDPOINT",
  placeholder: "HOST",
  ...endpoint,
  fallback: undefined,
  help: {
    en: "ECS endpoint (default: ecs-vpc.<region>.aliyuncs.com, then ecs.<region>.aliyuncs.com)",
    zh: "ECS 接入地址（默认 ecs-vpc.<region>.aliyuncs.com，其次 ecs.<region>.aliyuncs.com）",
  },
};

export type OperatorOptions = ValuesOf<typeof OPERATOR_OPTIONS>;
