import type { Contact, MonitorQuota } from "./alarm-account.ts";
import { FIRST_BOOT_REPORT, firstBootGap, type FirstBootReport, firstBootProblem } from "./first-boot.ts";
import { isStaleAge, STALE_AFTER_MS } from "./last-point.ts";
import type { Conflict } from "./remedies/conflicts.ts";
import type { Text } from "./text.ts";
import { complaintText } from "./wording.ts";

/** A closed set; public. */
export type CheckCode =
  | "credentials"
  | "role"
  | "endpoint"
  | "clock-skew"
  | "series-quota"
  | "pending-contacts"
  | "last-point"
  | "agent"
  | "remedy-drift"
  | "sysctl-conflict"
  | "tuned"
  | "ecs-mq"
  | "irqbalance"
  | "first-boot";

export type CheckStatus = "ok" | "warning" | "failed";

/** One thing that was looked at. */
export interface Check {
  readonly code: CheckCode;
  readonly status: CheckStatus;
  readonly summary: Text;
  /** What mends it; undefined where nothing is to be mended. */
  readonly mend?: Text;
  /** The numbers and names that led to it, for programs. */
  readonly evidence: Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
}

/** What could not be looked at, for want of something that another check tells of. */
export interface NotChecked {
  readonly code: CheckCode;
  readonly because: Text;
}

export type Checked = Check | NotChecked;

export function isCheck(checked: Checked): checked is Check {
  return "status" in checked;
}

/** The command as it can be pasted, the same in both languages. */
export function sameText(text: string): Text {
  return { en: text, zh: text };
}

/** The gateway refuses what is dated further off than this. */
const LONGEST_SKEW_MS = 15 * 60_000;
/** Points of another minute than the one they speak of lead nobody anywhere, long before the gateway minds. */
const WORRYING_SKEW_MS = 60_000;

/**
 * @param serverMs from the answer's `Date`, which has no more than seconds.
 * @param localMs half-way between the question and the answer.
 */
export function clockCheck(serverMs: number, localMs: number): Check {
  const skewMs = localMs - serverMs;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const evidence = { skewSeconds: Math.round(skewMs / 1000) };
  if (seconds * 1000 <= WORRYING_SKEW_MS) {
    return {
      code: "clock-skew",
      status: "ok",
      summary: {
        en: `this clock is ${seconds} s from the cloud's`,
        zh: `本机时钟与云端相差 ${seconds} 秒`,
      },
      evidence,
    };
  }
  const refused = Math.abs(skewMs) > LONGEST_SKEW_MS;
  const way: Text = skewMs > 0 ? { en: "ahead of", zh: "快于" } : { en: "behind", zh: "慢于" };
  return {
    code: "clock-skew",
    status: refused ? "failed" : "warning",
    summary: {
      en: `this clock is ${seconds} s ${way.en} the cloud's${refused ? ", which refuses what is more than 15 minutes off" : ""}`,
      zh: `本机时钟${way.zh}云端 ${seconds} 秒${refused ? "，相差超过 15 分钟的请求会被拒绝" : ""}`,
    },
    mend: sameText("sudo chronyc makestep || sudo timedatectl set-ntp true"),
    evidence,
  };
}

/** @param atMost series of this configuration; @param hostSeries those among them that the alarms look at. */
export function quotaCheck(
  { edition, series: { limit, used } }: MonitorQuota,
  atMost: number,
  hostSeries: number,
): Check {
  const evidence = {
    edition: edition ?? null,
    limit: limit ?? null,
    used: used ?? null,
    configurationAtMost: atMost,
  };
  const have: Text = {
    en: `${used ?? "an unknown number"} of the account's ${limit ?? "unknown number of"} series are used; this configuration takes at most ${atMost}`,
    zh: `账号配额 ${limit ?? "未知"} 条时间序列，已用 ${used ?? "未知"}；本配置最多占用 ${atMost} 条`,
  };
  if (limit !== undefined && atMost > limit) {
    const cpus = Math.max(0, Math.floor((limit - hostSeries) / 2));
    return {
      code: "series-quota",
      status: "warning",
      summary: {
        en: `${have.en}: what is beyond the quota is refused, the CPUs' series first`,
        zh: `${have.zh}：超出配额的部分会被拒绝，首先是各 CPU 的时间序列`,
      },
      mend:
        hostSeries > limit
          ? sameText("SOFTNET_HOST_SERIES=severity SOFTNET_CPU_SERIES=none")
          : sameText(`SOFTNET_CPU_SERIES_MAX=${cpus}`),
      evidence,
    };
  }
  if (limit !== undefined && used !== undefined && used >= limit) {
    return {
      code: "series-quota",
      status: "warning",
      summary: {
        en: `${have.en}: the quota is used up, and no new series begins`,
        zh: `${have.zh}：配额已用尽，无法新增时间序列`,
      },
      mend: {
        en: "raise the quota in the CloudMonitor console, or set SOFTNET_CPU_SERIES=none on other instances",
        zh: "在云监控控制台提高配额，或在其他实例上设置 SOFTNET_CPU_SERIES=none",
      },
      evidence,
    };
  }
  return { code: "series-quota", status: "ok", summary: have, evidence };
}

export function contactsCheck(contacts: readonly Contact[]): Check {
  const pending = contacts.flatMap(({ name, mail, phone }) => {
    const channels = [mail?.isPending ? "Mail" : undefined, phone?.isPending ? "SMS" : undefined];
    const silent = channels.filter((channel) => channel !== undefined);
    return silent.length > 0 ? [`${name}: ${silent.join(", ")}`] : [];
  });
  const evidence = { contacts: contacts.length, pending };
  if (pending.length === 0) {
    return {
      code: "pending-contacts",
      status: "ok",
      summary:
        contacts.length === 0
          ? {
              en: "there is no alarm contact yet: softnet alarms apply makes one",
              zh: "尚无报警联系人：可用 softnet alarms apply 创建",
            }
          : {
              en: `activated: ${contacts.length} of ${contacts.length} alarm contacts`,
              zh: `${contacts.length} 个报警联系人均已激活`,
            },
      evidence,
    };
  }
  const names = pending.join("; ");
  return {
    code: "pending-contacts",
    status: "warning",
    summary: {
      en: `never activated, and so silent: ${names}`,
      zh: `尚未激活，收不到报警：${names}`,
    },
    mend: {
      en: "click the link that was sent to it, valid for 24 hours; the CloudMonitor console sends another one",
      zh: "点击收到的激活链接（24 小时内有效）；可在云监控控制台重新发送",
    },
    evidence,
  };
}

/**
 * @param ageMs undefined where there is no point at all.
 * @param minutesApart how far apart this agent's pushes are.
 */
export function lastPointCheck(instanceId: string, ageMs: number | undefined, minutesApart = 1): Check {
  // A push a minute is within what every agent is given.
  const longestMs = STALE_AFTER_MS + (minutesApart - 1) * 60_000;
  const evidence = { instanceId, ageSeconds: ageMs === undefined ? null : Math.round(ageMs / 1000) };
  if (ageMs !== undefined && ageMs <= longestMs) {
    return {
      code: "last-point",
      status: "ok",
      summary: {
        en: `the last point of ${instanceId} is ${evidence.ageSeconds} s old`,
        zh: `${instanceId} 的最近一个数据点在 ${evidence.ageSeconds} 秒前`,
      },
      evidence,
    };
  }
  return {
    code: "last-point",
    status: "failed",
    summary:
      ageMs === undefined
        ? {
            en: `CloudMonitor has no point of ${instanceId} in the last 24 hours`,
            zh: `云监控中没有 ${instanceId} 最近 24 小时的数据点`,
          }
        : {
            en: `the last point of ${instanceId} is ${Math.round(ageMs / 60_000)} minutes old: no alarm can come`,
            zh: `${instanceId} 的最近一个数据点在 ${Math.round(ageMs / 60_000)} 分钟前：不会有报警`,
          },
    mend: {
      en: "sudo systemctl enable --now softnet-agent; journalctl -u softnet-agent says why it does not push",
      zh: "sudo systemctl enable --now softnet-agent；journalctl -u softnet-agent 会说明为何没有推送",
    },
    evidence,
  };
}

/** Beyond these, a line is too long to read. */
const MOST_NAMES = 10;

/**
 * The same for every instance that there is and that has a rule of ours or sent a point in the last 24 hours.
 *
 * @param agesMs undefined where there is no point.
 */
export function lastPointsCheck(agesMs: ReadonlyMap<string, number | undefined>): Check {
  const silent = [...agesMs].filter(([, ageMs]) => isStaleAge(ageMs)).map(([id]) => id);
  const evidence = { instances: agesMs.size, silent };
  if (agesMs.size === 0) {
    return {
      code: "last-point",
      status: "warning",
      summary: {
        en: "no instance that there is has sent a point in the last 24 hours, and none has an alarm",
        zh: "现有实例在最近 24 小时内均未上报数据点，也没有设置报警",
      },
      mend: {
        en: "install the agent on the instances: docs/install.md; for one of them: --instance-id ID",
        zh: "在实例上安装 agent：docs/install.md；只检查某一个：--instance-id ID",
      },
      evidence,
    };
  }
  if (silent.length === 0) {
    return {
      code: "last-point",
      status: "ok",
      summary: {
        en: `${agesMs.size} of ${agesMs.size} instances sent a point in the last 5 minutes`,
        zh: `${agesMs.size} 个实例最近 5 分钟内均有数据点`,
      },
      evidence,
    };
  }
  const more = silent.length > MOST_NAMES ? ", …" : "";
  const names = silent.slice(0, MOST_NAMES).join(", ") + more;
  return {
    code: "last-point",
    status: "failed",
    summary: {
      en: `${silent.length} of ${agesMs.size} instances have sent nothing for 5 minutes, so that no alarm can come: ${names}`,
      zh: `${agesMs.size} 个实例中有 ${silent.length} 个超过 5 分钟没有数据点，不会有报警：${names}`,
    },
    mend: {
      en: "on each of them: sudo softnet doctor",
      zh: "在这些实例上执行：sudo softnet doctor",
    },
    evidence,
  };
}

/** Points are read from a namespace that an account's id names: another one's holds nothing of ours. */
export function otherAccountCheck(accountId: string, callersId: string): Check {
  return {
    code: "last-point",
    status: "warning",
    summary: {
      en: `SOFTNET_ACCOUNT_ID is ${accountId}, but these credentials are of account ${callersId}: points are looked for in the wrong place`,
      zh: `SOFTNET_ACCOUNT_ID 为 ${accountId}，但凭证属于账号 ${callersId}：会在错误的位置查找数据点`,
    },
    mend: { en: "unset SOFTNET_ACCOUNT_ID", zh: "取消设置 SOFTNET_ACCOUNT_ID" },
    evidence: { accountId, callersId },
  };
}

/** What was found of an agent on this machine. */
export interface AgentSigns {
  /** The process that holds a state directory. */
  readonly pid: number | undefined;
  readonly stateDir: string | undefined;
  /** A state directory that this user may not look into. */
  readonly closedDir: string | undefined;
  /** The agent's settings, which this user may not read: what is checked by them may be another thing. */
  readonly closedSettings: string | undefined;
  /** What the console says of itself; undefined where none answers, or none is wanted. */
  readonly console: { readonly url: string; readonly healthy: boolean; readonly said: string } | undefined;
}

/** A setting that whoever reads it does not take. */
export interface RefusedSetting {
  readonly name: string;
  /** File and line. */
  readonly place: string;
  readonly expected: string;
  readonly got: string;
}

export function refusedText({ place, name, expected, got }: RefusedSetting): Text {
  const where: Text = { en: `${place}: ${name}`, zh: `${place}：${name}` };
  return complaintText(where, sameText(expected), sameText(got));
}

/** @param refused one or more. */
export function settingsCheck(refused: readonly RefusedSetting[]): Check {
  const each = refused.map(refusedText);
  const places = refused.map(({ place }) => place).join(" ");
  return {
    code: "agent",
    status: "failed",
    summary: {
      en: `the agent does not start with ${each.map(({ en }) => en).join("; ")}`,
      zh: `agent 无法以这些设置启动：${each.map(({ zh }) => zh).join("；")}`,
    },
    mend: {
      en: `correct ${places}, then: sudo systemctl restart softnet-agent`,
      zh: `请修正 ${places}，然后执行：sudo systemctl restart softnet-agent`,
    },
    evidence: { settings: refused.map(({ place, name }) => `${place} ${name}`) },
  };
}

/** Where nobody has installed it and no cloud runs the machine, nobody misses it. */
export const NO_AGENT_HERE: NotChecked = {
  code: "agent",
  because: {
    en: "no agent is installed here, and this is no ECS instance",
    zh: "本机未安装 agent，也不是 ECS 实例",
  },
};

export function agentCheck({ pid, stateDir, closedDir, closedSettings, console }: AgentSigns): Check {
  const evidence = {
    pid: pid ?? null,
    stateDir: stateDir ?? null,
    closedSettings: closedSettings ?? null,
    console: console?.url ?? null,
    said: console?.said ?? null,
  };
  if (console && !console.healthy) {
    return {
      code: "agent",
      status: "failed",
      summary: { en: `the agent does not sample: ${console.said}`, zh: `agent 未在采样：${console.said}` },
      mend: sameText("journalctl -u softnet-agent"),
      evidence,
    };
  }
  if (pid === undefined && console === undefined) {
    return closedDir === undefined
      ? {
          code: "agent",
          status: "failed",
          summary: { en: "no agent runs here", zh: "本机没有运行 agent" },
          mend: {
            en: "sudo systemctl enable --now softnet-agent, or softnet run",
            zh: "sudo systemctl enable --now softnet-agent，或 softnet run",
          },
          evidence,
        }
      : {
          code: "agent",
          status: "warning",
          summary: {
            en: `whether an agent runs here cannot be told: ${closedDir} may not be read, and no console answers`,
            zh: `无法判断 agent 是否在运行：${closedDir} 不可读，且控制台没有应答`,
          },
          mend: sameText("sudo softnet doctor"),
          evidence,
        };
  }
  const where = [pid === undefined ? undefined : `pid ${pid}`, console?.url]
    .filter((part) => part)
    .join(", ");
  const hint: Text =
    closedSettings === undefined
      ? { en: "", zh: "" }
      : {
          en: `; ${closedSettings} may not be read, so what it sets is not looked at (sudo softnet doctor does)`,
          zh: `；${closedSettings} 不可读，其中的设置未纳入检查（可用 sudo softnet doctor）`,
        };
  return {
    code: "agent",
    status: "ok",
    summary: { en: `the agent runs (${where})${hint.en}`, zh: `agent 正在运行（${where}）${hint.zh}` },
    evidence,
  };
}

/** What is no longer as the remedy set it, each with the command that mends it. */
export interface DriftedSetting {
  readonly target: string;
  readonly expected: string;
  readonly found: string | null;
  readonly mend: string;
}

/** @param drifted undefined where nothing was ever changed. */
export function driftCheck(drifted: readonly DriftedSetting[] | undefined): Check {
  if (drifted === undefined || drifted.length === 0) {
    return {
      code: "remedy-drift",
      status: "ok",
      summary:
        drifted === undefined
          ? { en: "no remedy has changed anything here", zh: "本机没有执行过修复" }
          : { en: "everything is as the remedy set it", zh: "一切仍与修复时的设置一致" },
      evidence: { drifted: [] },
    };
  }
  const lines = drifted.map(({ target, expected, found }) => `${target} ${expected} → ${found ?? "-"}`);
  return {
    code: "remedy-drift",
    status: "warning",
    summary: {
      en: `no longer as the remedy set it: ${lines.join("; ")}`,
      zh: `与修复时的设置不再一致：${lines.join("；")}`,
    },
    mend: sameText(drifted.map(({ mend }) => mend).join("\n")),
    evidence: { drifted: lines },
  };
}

const CONFLICT_CODES = {
  "sysctl-overridden": "sysctl-conflict",
  tuned: "tuned",
  "ecs-mq": "ecs-mq",
  irqbalance: "irqbalance",
} as const satisfies Record<Conflict["code"], CheckCode>;

/** What was looked for, and whether it is there at all. */
export interface TuningSigns {
  readonly tuned: boolean;
  readonly ecsMq: string | undefined;
  readonly irqbalance: string | undefined;
}

/** One check for each kind of thing that may take back what a remedy sets. */
export function conflictChecks(conflicts: readonly Conflict[], signs: TuningSigns): readonly Check[] {
  const there: Readonly<Record<Conflict["code"], boolean>> = {
    "sysctl-overridden": false,
    tuned: signs.tuned,
    "ecs-mq": signs.ecsMq !== undefined,
    irqbalance: signs.irqbalance !== undefined,
  };
  return (Object.keys(CONFLICT_CODES) as Conflict["code"][]).map((kind): Check => {
    const code = CONFLICT_CODES[kind];
    const found = conflicts.filter((conflict) => conflict.code === kind);
    if (found.length > 0) {
      const summary = {
        en: found.map(({ where, text }) => `${where} ${text.en}`).join(" "),
        zh: found.map(({ where, text }) => `${where} ${text.zh}`).join(""),
      };
      const evidence = { present: true, where: found.map(({ where }) => where) };
      if (kind === "tuned" && !found.some(({ isLasting }) => isLasting)) {
        return { code, status: "ok", summary, evidence };
      }
      return { code, status: "warning", summary, mend: MEND_OF_CONFLICT[kind], evidence };
    }
    return {
      code,
      status: "ok",
      summary: there[kind] ? PRESENT[kind] : ABSENT[kind],
      evidence: { present: there[kind], where: [] },
    };
  });
}

const MEND_OF_CONFLICT: Readonly<Record<Conflict["code"], Text>> = {
  "sysctl-overridden": {
    en: "take that line out, then: sudo sysctl --system",
    zh: "删除该行，然后执行：sudo sysctl --system",
  },
  tuned: { en: "set it in the tuned profile too", zh: "在 tuned 配置中同样设置" },
  "ecs-mq": sameText("softnet remedy status"),
  irqbalance: sameText("softnet remedy status"),
};

const PRESENT: Readonly<Record<Conflict["code"], Text>> = {
  "sysctl-overridden": { en: "nothing overrides the remedy's sysctls", zh: "没有文件覆盖修复所设的 sysctl" },
  tuned: {
    en: "tuned runs, and sets nothing that a remedy has set",
    zh: "tuned 正在运行，但未设置修复所设的参数",
  },
  "ecs-mq": {
    en: "ecs_mq sets queues and masks at boot; no mask of ours depends on it",
    zh: "ecs_mq 在启动时设置队列和掩码；当前没有由修复设置的掩码",
  },
  irqbalance: {
    en: "irqbalance runs; no mask of ours depends on it",
    zh: "irqbalance 正在运行；当前没有由修复设置的掩码",
  },
};

const ABSENT: Readonly<Record<Conflict["code"], Text>> = {
  "sysctl-overridden": PRESENT["sysctl-overridden"],
  tuned: { en: "tuned does not run", zh: "tuned 未运行" },
  "ecs-mq": { en: "ecs_mq is not enabled", zh: "ecs_mq 未启用" },
  irqbalance: { en: "irqbalance does not run", zh: "irqbalance 未运行" },
};

/** @param report undefined where our user-data did not set the machine up. */
export function firstBootCheck(report: FirstBootReport | undefined): Check {
  const problem = firstBootProblem(report);
  const gap = firstBootGap(report);
  const evidence = {
    time: report?.time ?? null,
    failedSteps: report?.failures.map(({ step }) => step) ?? [],
    lastStep: report?.lastStep ?? null,
  };
  const wrong = problem ?? gap;
  if (!wrong) {
    const summary = report
      ? { en: "the first boot installed the agent", zh: "首次启动已安装 agent" }
      : {
          en: "user-data of softnet cloud-init did not set this machine up",
          zh: "本机并非由 softnet cloud-init 的 user-data 设置",
        };
    return { code: "first-boot", status: "ok", summary, evidence };
  }
  return {
    code: "first-boot",
    status: problem ? "failed" : "warning",
    summary: wrong,
    mend: {
      en: `sudo sh /var/lib/cloud/instance/scripts/runcmd takes its steps again; sudo rm ${FIRST_BOOT_REPORT} if it is mended otherwise`,
      zh: `sudo sh /var/lib/cloud/instance/scripts/runcmd 重新执行各步骤；若已用其他方式修复，则 sudo rm ${FIRST_BOOT_REPORT}`,
    },
    evidence,
  };
}
