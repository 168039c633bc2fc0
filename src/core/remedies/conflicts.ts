import type { RemedySysctl } from "../remedy-sysctls.ts";
import type { Text } from "../text.ts";
import { type Assignment, assignmentIn, overridesOf, type TuningFiles } from "../tuning-files.ts";

export type ConflictCode = "sysctl-overridden" | "tuned" | "ecs-mq" | "irqbalance";

/** Something else on the machine that sets what the remedy sets. It is named and not fought. */
export interface Conflict {
  readonly code: ConflictCode;
  /** `FILE:LINE`, or a file. */
  readonly where: string;
  readonly text: Text;
  /** What is kept over a reboot is lost by it all the same. */
  readonly isLasting: boolean;
}

export interface SetSysctl {
  readonly name: RemedySysctl;
  readonly to: number;
  /** By our file in `sysctl.d`. */
  readonly isKept: boolean;
}

/** What may take back, at the next boot or before, what a remedy sets. */
export function conflictsWith(
  sysctls: readonly SetSysctl[],
  setsMasks: boolean,
  tuning: TuningFiles,
): readonly Conflict[] {
  return [
    ...sysctls.flatMap(({ name, to, isKept }) => [
      ...overridesOf(tuning.sysctl, name)
        .filter(({ value }) => value !== String(to))
        .map(({ path, line, value }): Conflict => ({
          code: "sysctl-overridden",
          where: `${path}:${line}`,
          text: {
            en: `sets net.core.${name} to ${value} and is read later: ${to} will be lost at the next boot or sysctl --system. Take that line out.`,
            zh: `把 net.core.${name} 设为 ${value}，且读取顺序在后：下次启动或执行 sysctl --system 时 ${to} 会丢失。请删除该行。`,
          },
          isLasting: true,
        })),
      ...tuning.tuned
        .flatMap((file) => assignmentIn(file, name) ?? [])
        .slice(-1)
        .filter(({ value }) => isChangedByTuned(value, to))
        .map((line) => tunedConflict(line, name, to, isKept && tuning.tunedReappliesSysctl)),
    ]),
    ...(setsMasks ? maskConflicts(tuning) : []),
  ];
}

/** A profile writes `net.core.netdev_max_backlog=>5000` for "at least", and `<` for "at most". */
function isChangedByTuned(value: string, to: number): boolean {
  const limit = Number(value.replace(/^[<>]/, ""));
  if (value.startsWith(">")) return limit > to;
  return value.startsWith("<") ? limit < to : limit !== to;
}

/** @param isReapplied it reads `sysctl.d` again after its own profile, and so what is kept there. */
function tunedConflict(
  { path, line, value }: Assignment,
  name: RemedySysctl,
  to: number,
  isReapplied: boolean,
): Conflict {
  const set = value.replace(/^[<>]\s*/, "");
  return {
    code: "tuned",
    where: `${path}:${line}`,
    text: isReapplied
      ? {
          en: `tuned sets net.core.${name} to ${set} whenever it starts, and then reads sysctl.d again (reapply_sysctl): ${to}, which is kept there, comes back.`,
          zh: `tuned 每次启动都会把 net.core.${name} 设为 ${set}，随后会重新读取 sysctl.d（reapply_sysctl），其中保存的 ${to} 会恢复。`,
        }
      : {
          en: `tuned sets net.core.${name} to ${set} whenever it starts: ${to} is lost then. Set it there too.`,
          zh: `tuned 每次启动都会把 net.core.${name} 设为 ${set}，届时 ${to} 会丢失。请同时修改该处。`,
        },
    isLasting: !isReapplied,
  };
}

function maskConflicts({ ecsMq, irqbalance }: TuningFiles): readonly Conflict[] {
  return [
    ...(ecsMq === undefined
      ? []
      : [
          {
            code: "ecs-mq" as const,
            where: ecsMq,
            isLasting: false,
            text: {
              en: "Alibaba Cloud's ecs_mq sets queues and on some images rps_cpus, at boot and for each new NIC. The remedy's unit runs after it; `softnet remedy status` shows whether the masks still hold.",
              zh: "阿里云的 ecs_mq 会在启动时以及每块新网卡出现时设置队列，部分镜像还会设置 rps_cpus。修复所装的单元在它之后运行；`softnet remedy status` 会显示掩码是否仍然有效。",
            },
          },
        ]),
    ...(irqbalance === undefined
      ? []
      : [
          {
            code: "irqbalance" as const,
            where: irqbalance,
            isLasting: false,
            text: {
              en: "irqbalance moves the NIC's interrupts between CPUs. The masks hold, but the CPU that takes the interrupt may be another one tomorrow.",
              zh: "irqbalance 会在 CPU 之间迁移网卡中断。掩码仍然有效，但处理中断的 CPU 可能会变化。",
            },
          },
        ]),
  ];
}
