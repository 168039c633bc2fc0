import { stepDocuments } from "../alarms/document.ts";
import { ACCOUNT_OPTIONS, WISH_OPTIONS } from "../alarms/options.ts";
import { openAlarms, prepare, readWatchedPoints, refuseContradictions } from "../alarms/preparing.ts";
import { alarmStatusText, consoleUrl, type StatusToShow } from "../alarms/status-text.ts";
import { systemClock } from "../clock.ts";
import { defineVerb } from "../terminal/command.ts";
import type { Channel } from "../core/alarm-account.ts";
import { ownEventRule } from "../core/alarm-event-rule.ts";
import { alarmStatus, channelsOfLevel, LEVELS } from "../core/alarm-status.ts";
import { lookAt } from "../terminal/look.ts";

export default defineVerb({
  name: "alarms status",
  summary: {
    en: "rules and their state, who is told, quota, and when each instance last sent a point",
    zh: "规则及其状态、通知对象、配额，以及各实例最近一次上报的时间",
  },
  details: {
    en: "CloudMonitor tells nobody when data stops, so this is also the check for a dead agent: run it from cron.\nExits with 0 when all is well, 1 when something differs, waits for its link, or has sent nothing for five minutes, 2 when it could not tell.",
    zh: "数据中断时云监控不会报警，因此本命令也用于检查 agent 是否存活，可由 cron 定期执行。\n退出码：0 正常，1 有差异、联系人未激活或超过五分钟没有数据，2 无法判断。",
  },
  options: { ...WISH_OPTIONS, ...ACCOUNT_OPTIONS },
  run: async (options, io) => {
    refuseContradictions(options);
    const at = await openAlarms(options, io);
    const prepared = await prepare(options, at, { isStatus: true });
    const { lastPoints, stoppedIds } = await readWatchedPoints(prepared, options, at);
    const quota = await at.alarms.readQuota();
    const { regionId, accountId } = at;
    const status = alarmStatus(
      prepared.account,
      { ...prepared, stoppedIds, regionId },
      lastPoints,
      quota,
      systemClock.nowMs(),
    );
    const shown: StatusToShow = { status, prepared, regionId, accountId, site: options.site };
    io.stdout(
      options.json
        ? `${JSON.stringify(statusDocument(shown))}\n`
        : alarmStatusText(shown, lookAt(options.lang, io)),
    );
    return status.isInStep ? 0 : 1;
  },
});

function statusDocument({ status, prepared, regionId, accountId, site }: StatusToShow) {
  const eventRule = ownEventRule(prepared.account);
  return {
    schemaVersion: 1,
    inStep: status.isInStep,
    regionId,
    accountId,
    instances: status.instances.map(({ instanceId, isStopped, rules, lastPointAgeSeconds }) => ({
      instanceId,
      stopped: isStopped,
      lastPointAgeSeconds: lastPointAgeSeconds ?? null,
      rules: rules.map(({ rule, found }) => ({
        id: found.ruleId,
        level: rule.level,
        state: found.state ?? null,
        enabled: found.isEnabled,
      })),
    })),
    eventRule: eventRule ? { name: eventRule.name, enabled: eventRule.isEnabled } : null,
    differences: stepDocuments(prepared.plan.steps),
    deferred: stepDocuments(prepared.plan.deferred),
    obstacles: prepared.plan.obstacles.map(({ code, expected, got, where }) => ({
      code,
      expected: expected.en,
      got: got.en,
      where: where.en,
    })),
    contactGroups: prepared.plan.contactGroups,
    contacts: status.contacts.map(({ name, mail, phone }) => ({
      name,
      mail: channelWord(mail),
      phone: channelWord(phone),
    })),
    channels: Object.fromEntries(LEVELS.map((level) => [level, channelsOfLevel(level, site)])),
    quota: status.quota,
    consoleUrl: consoleUrl(regionId, site),
  };
}

function channelWord(channel: Channel | undefined): "ok" | "pending" | null {
  if (!channel) return null;
  return channel.isPending ? "pending" : "ok";
}
