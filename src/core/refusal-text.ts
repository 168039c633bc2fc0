import { sameText } from "./checkup.ts";
import type { Text } from "./text.ts";

/** What the cloud did not let us do, and why. */
export interface RefusalFacts {
  /** Ours: `not-permitted`, `clock-off`, … */
  readonly code: string;
  /** `cms:PutContact` */
  readonly ramAction: string;
  /** The policy that allows it. */
  readonly policy: string;
}

/** Why it was refused, in a few words; undefined for a code of no call. */
export function reasonOfRefusal(code: string): Text | undefined {
  return REASONS[code];
}

const REASONS: Readonly<Record<string, Text>> = {
  "not-permitted": { en: "not permitted", zh: "没有权限" },
  "clock-off": { en: "this machine's clock is more than 15 minutes off", zh: "本机时钟相差超过 15 分钟" },
  "unknown-access-key": {
    en: "the access key does not exist or is disabled",
    zh: "AccessKey 不存在或已被禁用",
  },
  "wrong-secret": {
    en: "the access key's secret does not belong to its id",
    zh: "AccessKey 的 ID 与密钥不匹配",
  },
  "bad-security-token": {
    en: "the security token is missing, wrong or has expired",
    zh: "安全令牌缺失、错误或已过期",
  },
  "no-credentials": { en: "no usable credentials", zh: "没有可用的凭证" },
  "wrong-endpoint": { en: "something else listens there", zh: "该地址上是其他服务" },
  throttled: { en: "too many calls at once, by this account", zh: "该账号的调用过于频繁" },
  "cloud-unreachable": { en: "it cannot be reached", zh: "无法连接" },
  "cloud-silent": { en: "no answer in time", zh: "没有及时应答" },
  "cloud-unreadable": { en: "an answer that cannot be read", zh: "应答无法解析" },
  "cloud-trouble": { en: "the server failed", zh: "服务端出错" },
  "cloud-refused": { en: "the call was refused", zh: "调用被拒绝" },
};

/** What mends a call that was refused. */
export function mendOfRefusal({ code, ramAction, policy }: RefusalFacts): Text {
  if (code === "not-permitted") {
    return {
      en: `allow ${ramAction} for this RAM user or role: softnet doctor --policy ${policy}`,
      zh: `为该 RAM 用户或角色授权 ${ramAction}：softnet doctor --policy ${policy}`,
    };
  }
  const mend = MENDS[code];
  if (mend === undefined) return { en: "try again later", zh: "请稍后重试" };
  return typeof mend === "function" ? mend(endpointVariable(ramAction)) : mend;
}

/** The setting that names another endpoint of the product; of CloudMonitor, where no call says of which. */
function endpointVariable(ramAction: string): string {
  const product = ramAction.slice(0, ramAction.indexOf(":"));
  return product === "cms" || product === ""
    ? "SOFTNET_ENDPOINT"
    : `SOFTNET_${product.toUpperCase()}_ENDPOINT`;
}

const MENDS: Readonly<Record<string, Text | ((variable: string) => Text)>> = {
  "clock-off": sameText("sudo chronyc makestep || sudo timedatectl set-ntp true"),
  "unknown-access-key": {
    en: "give an access key that exists and is not disabled",
    zh: "请使用存在且未被禁用的 AccessKey",
  },
  "wrong-secret": {
    en: "give the id and the secret of one access key anew",
    zh: "请重新提供同一 AccessKey 的 ID 与密钥",
  },
  "bad-security-token": {
    en: "fetch temporary credentials anew, all three parts of them",
    zh: "请重新获取临时凭证（三项均需更新）",
  },
  "no-credentials": {
    en: "attach a RAM role to the instance, or give an access key",
    zh: "为实例绑定 RAM 角色，或提供 AccessKey",
  },
  "wrong-endpoint": (variable) => ({
    en: `check ${variable}: something else listens there`,
    zh: `请检查 ${variable}：该地址上是其他服务`,
  }),
  "cloud-unreachable": (variable) => ({
    en: `open the way there (route, security group, name server), or name another endpoint: ${variable}`,
    zh: `请打通网络（路由、安全组、DNS），或用 ${variable} 指定其他接入地址`,
  }),
};
