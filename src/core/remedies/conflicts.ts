import type { RemedySysctl } from "../remedy-sysctls.ts";
import type { Text } from "../text.ts";
import { assignmentIn, overridesOf, type TuningFiles } from "../tuning-files.ts";

export type ConflictCode = "sysctl-overridden" | "tuned" | "ecs-mq" | "irqbalance";

/** Something else on the machine that sets what the remedy sets. It is named and not fought. */
export interface Conflict {
  readonly code: ConflictCode;
  /** `FILE:LINE`, or a file. */
  readonly where: string;
  readonly text: Text;
}

/** What may take back, at the next boot or before, what a remedy sets. */
export function conflictsWith(
  sysctls: readonly { readonly name: RemedySysctl; readonly to: number }[],
  setsMasks: boolean,
  tuning: TuningFiles,
): readonly Conflict[] {
  return [
    ...sysctls.flatMap(({ name, to }) => [
      ...overridesOf(tuning.sysctl, name)
        .filter(({ value }) => value !== String(to))
        .map(({ path, line, value }): Conflict => ({
          code: "sysctl-overridden",
          where: `${path}:${line}`,
          text: {
            en: `sets net.core.${name} to ${value} and is read later: ${to} will be lost at the next boot or sysctl --system. Take that line out.`,
            zh: `把 net.core.${name} 设为 ${value}，且读取顺序在后：下次启动或执行 sysctl --system 时 ${to} 会丢失。请删除该行。`,
          },
        })),
      ...tuning.tuned
        .flatMap((file) => tunedLines(file, name))
        .slice(-1)
        .filter(({ value }) => value !== String(to))
        .map(({ path, line, value }): Conflict => ({
          code: "tuned",
          where: `${path}:${line}`,
          text: {
            en: `tuned sets net.core.${name} to ${value} whenever it starts. Set it there too.`,
            zh: `tuned 每次启动都会把 net.core.${name} 设为 ${value}。请同时修改该处。`,
          },
        })),
    ]),
    ...(setsMasks ? maskConflicts(tuning) : []),
  ];
}

/** A profile writes `net.core.netdev_max_backlog=>5000` for "at least", too. */
function tunedLines(
  file: TuningFiles["tuned"][number],
  name: RemedySysctl,
): { path: string; line: number; value: string }[] {
  const found = assignmentIn(file, name);
  return found ? [{ ...found, value: found.value.replace(/^[<>]\s*/, "") }] : [];
}

function maskConflicts({ ecsMq, irqbalance }: TuningFiles): readonly Conflict[] {
  return [
    ...(ecsMq === undefined
      ? []
      : [
          {
            code: "ecs-mq" as const,
            where: ecsMq,
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
            text: {
              en: "irqbalance moves the NIC's interrupts between CPUs. The masks hold, but the CPU that takes the interrupt may be another one tomorrow.",
              zh: "irqbalance 会在 CPU 之间迁移网卡中断。掩码仍然有效，但处理中断的 CPU 可能会变化。",
            },
          },
        ]),
  ];
}
