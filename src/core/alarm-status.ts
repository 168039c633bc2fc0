import {
  type AlarmAccount,
  type Contact,
  type MonitorQuota,
  type OwnRule,
  ownRulesOf,
} from "./alarm-account.ts";
import type { AlarmPlan } from "./alarm-plan.ts";
import type { Site } from "./alarm-wish.ts";
import type { AlarmLevel } from "./alarm-rules.ts";
import { ageOfPointMs, isStaleAge } from "./last-point.ts";

/** How an account's alarms are. */
export interface AlarmStatus {
  readonly instances: readonly InstanceAlarms[];
  /** In the group that is told. */
  readonly contacts: readonly Contact[];
  readonly quota: MonitorQuota;
  /** Whether everything is there, as it should be, and able to call somebody. */
  readonly isInStep: boolean;
}

export interface InstanceAlarms {
  readonly instanceId: string;
  readonly rules: readonly OwnRule[];
  /** Whether it is known not to run: then it owes no point. */
  readonly isStopped: boolean;
  /** Seconds since the end of the newest point's period; undefined where none came within a day. */
  readonly lastPointAgeSeconds: number | undefined;
}

/** Which instances are looked at, and by which plan. */
interface Watched {
  readonly plan: AlarmPlan;
  /** Undefined is every instance that has sent a point. */
  readonly watchedIds: readonly string[] | undefined;
  readonly stoppedIds: readonly string[];
  readonly regionId: string;
}

/** @param lastPoints by instance, epoch milliseconds. */
export function alarmStatus(
  account: AlarmAccount,
  { plan, watchedIds, stoppedIds, regionId }: Watched,
  lastPoints: ReadonlyMap<string, number>,
  quota: MonitorQuota,
  nowMs: number,
): AlarmStatus {
  const byInstance = Map.groupBy(ownRulesOf(account, regionId), ({ instanceId }) => instanceId);
  const ids = watchedIds ?? [...lastPoints.keys()].sort();
  const instances = ids.map((instanceId): InstanceAlarms => {
    const atMs = lastPoints.get(instanceId);
    return {
      instanceId,
      rules: byInstance.get(instanceId) ?? [],
      isStopped: stoppedIds.includes(instanceId),
      lastPointAgeSeconds: atMs === undefined ? undefined : Math.round(ageOfPointMs(atMs, nowMs) / 1000),
    };
  });
  const contacts = account.contacts.filter(({ groups }) =>
    plan.contactGroups.some((group) => groups.includes(group)),
  );
  const isInStep =
    plan.steps.length === 0 &&
    plan.deferred.length === 0 &&
    plan.obstacles.length === 0 &&
    contacts.length > 0 &&
    !contacts.some(isSilent) &&
    instances.length > 0 &&
    !instances.some(isStale);
  return { instances, contacts, quota, isInStep };
}

export function isStale({ isStopped, lastPointAgeSeconds }: InstanceAlarms): boolean {
  return !isStopped && isStaleAge(lastPointAgeSeconds === undefined ? undefined : lastPointAgeSeconds * 1000);
}

/** Whether a channel of it waits for its link. */
function isSilent({ mail, phone }: Contact): boolean {
  return mail?.isPending === true || phone?.isPending === true;
}

/** One word for a rule. */
export function ruleWord({ found }: OwnRule): "OK" | "ALARM" | "NODATA" | "PAUSED" | "?" {
  if (!found.isEnabled) return "PAUSED";
  if (found.state === "INSUFFICIENT_DATA") return "NODATA";
  return found.state ?? "?";
}

export const LEVELS: readonly AlarmLevel[] = ["CRITICAL", "WARN", "INFO"];

export type AlarmChannel = "phone" | "sms" | "mail" | "chat";

/** By documentation: which channels an alarm of a level takes. */
export function channelsOfLevel(level: AlarmLevel, site: Site): readonly AlarmChannel[] {
  if (site === "intl") return ["mail", "chat"];
  const channels: Readonly<Record<AlarmLevel, readonly AlarmChannel[]>> = {
    CRITICAL: ["phone", "sms", "mail", "chat"],
    WARN: ["sms", "mail", "chat"],
    INFO: ["mail", "chat"],
  };
  return channels[level];
}
