import type { AccountOptions, WishOptions } from "./options.ts";
import type { AlarmsCloud, HostSeries } from "../cloud/alarms.ts";
import type { EcsInstance, Tag } from "../cloud/ecs.ts";
import type { CallerIdentity } from "../cloud/caller-identity.ts";
import type { InstanceIdentity } from "../cloud/instance-metadata.ts";
import { RefusedCall } from "../cloud/refusal.ts";
import type { CloudAccess } from "../cloud/rpc-call.ts";
import { systemClock } from "../clock.ts";
import type { CommonOptions, Io } from "../terminal/command.ts";
import { type AlarmAccount, ownRulesOf } from "../core/alarm-account.ts";
import { type FleetChange, fleetChange } from "../core/alarm-fleet.ts";
import { ownEventRule } from "../core/alarm-event-rule.ts";
import { type AlarmPlan, isPutAnew, planAlarms, seriesGroups } from "../core/alarm-plan.ts";
import type { AlarmWish, Coverage, Reported } from "../core/alarm-wish.ts";
import { alarmRuleId, alarmRules } from "../core/alarm-rules.ts";
import { ageOfPointMs, isStaleAge } from "../core/last-point.ts";
import type { MetricName } from "../core/metrics.ts";
import type { Language, Text } from "../core/text.ts";
import { KnownError, UsageError } from "../errors.ts";
import { openCloud, type OperatorCloud } from "../operator-cloud.ts";

/** The account's alarms, within reach. */
export interface AlarmsAtHand {
  readonly regionId: string;
  readonly accountId: string;
  readonly alarms: AlarmsCloud;
  readonly operator: OperatorCloud;
}

/** @throws KnownError where region, credentials or account cannot be had. */
export async function openAlarms(
  options: AccountOptions & Pick<CommonOptions, "lang">,
  io: Io,
): Promise<AlarmsAtHand> {
  const [{ connectAlarms }, { readCallerIdentity }] = await Promise.all([
    import("../cloud/alarms.ts"),
    import("../cloud/caller-identity.ts"),
  ]);
  const operator = await openCloud(options, io.env);
  const accountId = options.accountId ?? (await accountIdBy(readCallerIdentity(operator.sts), options, io));
  const alarms = connectAlarms({
    access: operator.cms,
    accountId,
    nowMs: systemClock.nowMs,
  });
  return { regionId: operator.regionId, accountId, alarms, operator };
}

/** Of the instance that this runs on, where STS cannot be reached: then these are most often its own account's credentials. */
async function accountIdBy(
  asked: Promise<CallerIdentity>,
  { imds, lang }: AccountOptions & Pick<CommonOptions, "lang">,
  io: Io,
): Promise<string> {
  try {
    return (await asked).accountId;
  } catch (error) {
    const isUnreached =
      error instanceof RefusedCall && (error.code === "cloud-unreachable" || error.code === "cloud-silent");
    const accountId = isUnreached ? (await identityHere(imds))?.accountId : undefined;
    if (accountId === undefined) throw error;
    const said: Text = {
      en: `STS cannot be reached, so the account is taken to be that of this instance: ${accountId} (--account-id UID names another)`,
      zh: `无法连接 STS，因此采用本实例所属的账号：${accountId}（可用 --account-id UID 指定其他账号）`,
    };
    io.stderr(`softnet: ${said[lang]}\n`);
    return accountId;
  }
}

export type WishAsked = AccountOptions &
  WishOptions & { readonly lang: Language; readonly maxRemovals?: number | undefined };

export interface Prepared extends Covered {
  readonly account: AlarmAccount;
  readonly plan: AlarmPlan;
  /** What the watched instances send; undefined is every one that sends something. */
  readonly watched: readonly HostSeries[] | undefined;
}

interface Covered {
  readonly coverage: Coverage;
  /** Instances that should send points; undefined is every one that does. */
  readonly watchedIds: readonly string[] | undefined;
  /** Those among them that are known not to run. */
  readonly stoppedIds: readonly string[];
  /** Instances that have rules, exist, and are not among those that were listed. */
  readonly unlistedIds: readonly string[];
}

/**
 * Reads what is there and plans what should be.
 *
 * @param isStatus whether "no instance" is an answer, and instances may be watched that the fleet's rule covers.
 * @throws KnownError for what stands in the way: nobody to tell, a name that is taken, a list of instances that cannot be believed.
 */
export async function prepare(
  options: WishAsked,
  at: AlarmsAtHand,
  { isStatus = false }: { readonly isStatus?: boolean } = {},
): Promise<Prepared> {
  const account = await at.alarms.readAccount("ours");
  const covered = isStatus
    ? await watchedOf(options, account, at)
    : await coverageOf(options, account, at, isStatus);
  const { coverage } = covered;
  const wish = wishOf(options, at.regionId, coverage);
  const plan = planAlarms(wish, account, await reportedFor(wish, account, at));
  const groupOf = seriesGroups(wish, account);
  const watched = covered.watchedIds?.map((instanceId) => ({ instanceId, groupId: groupOf(instanceId) }));
  return { account, plan, watched, ...covered };
}

interface WatchedPoints {
  /** By instance, epoch milliseconds. */
  readonly lastPoints: ReadonlyMap<string, number>;
  /** Instances that are known not to run. */
  readonly stoppedIds: readonly string[];
}

/** The newest points of what is watched. Where that is every instance that sends something, one that was released since is none. */
export async function readWatchedPoints(
  { watched, stoppedIds }: Prepared,
  options: WishAsked,
  at: AlarmsAtHand,
): Promise<WatchedPoints> {
  const lastPoints = await at.alarms.readLastPoints("softnet_severity", watched);
  if (watched !== undefined) return { lastPoints, stoppedIds };
  const nowMs = systemClock.nowMs();
  const silent = [...lastPoints].filter(([, atMs]) => isStaleAge(ageOfPointMs(atMs, nowMs)));
  const { readAbsences } = await import("../cloud/ecs.ts");
  const absences = await readAbsences(
    await ecsAccess(options, at),
    at.regionId,
    silent.map(([id]) => id),
  );
  return {
    lastPoints: new Map([...lastPoints].filter(([id]) => !absences.releasedIds.has(id))),
    stoppedIds: [...absences.stoppedIds],
  };
}

/** @throws UsageError for the first thing that stands in the way. */
export function refuseObstacles({ obstacles }: AlarmPlan): void {
  const first = obstacles[0];
  if (!first) return;
  const { code, expected, got, where } = first;
  throw new UsageError({ code, expected: expected.en, got: got.en, where: where.en });
}

function wishOf(options: WishAsked, regionId: string, coverage: Coverage): AlarmWish {
  const { mail, phone, webhook, contactGroup, site, lang, groupId } = options;
  return {
    regionId,
    seriesGroupId: groupId,
    contactGroup,
    mail,
    phone,
    contactLang: lang === "zh" ? "zh-cn" : "en",
    webhook,
    site,
    coverage,
  };
}

/** @throws UsageError for flags that do not go together, before anybody is asked anything. */
export function refuseContradictions({
  fleetOnly,
  withSqueezed,
  instances,
  fromTag,
  site,
  phone,
  maxRemovals,
}: WishAsked): void {
  const refuse = (expected: string, got: string, where: string): never => {
    throw new UsageError({ code: "bad-value", expected, got, where });
  };
  if (fleetOnly && (instances.length > 0 || fromTag.length > 0)) {
    refuse(
      "no instance beside it: it covers every one",
      instances.length > 0 ? "--instance" : "--from-tag",
      "--fleet-only",
    );
  }
  if (fleetOnly && withSqueezed) {
    refuse("no rule on a series beside it", "--with-squeezed", "--fleet-only");
  }
  if (maxRemovals !== undefined && fromTag.length === 0) {
    refuse("--from-tag beside it: nothing else takes rules away", String(maxRemovals), "--max-removals");
  }
  if (site === "intl" && phone !== undefined) {
    refuse("--mail or --webhook: the international site has neither SMS nor phone", phone, "--phone");
  }
}

async function coverageOf(
  options: WishAsked,
  account: AlarmAccount,
  at: AlarmsAtHand,
  isStatus: boolean,
): Promise<Covered> {
  const { instances, fromTag, withSqueezed } = options;
  if (options.fleetOnly) return fleetCovered();
  if (fromTag.length > 0) return taggedCoverage(options, account, at, isStatus);
  if (instances.length > 0) return covering(instances, withSqueezed);
  const ruled = instancesWithRules(account, at.regionId);
  if (ruled.length > 0) return covering(ruled, withSqueezed);
  return ownEventRule(account) ? fleetCovered() : covering([await thisInstance(options)], withSqueezed);
}

/** What `status` looks at: as above, but it sets nothing up, and one rule for the fleet covers the instances that are named. */
async function watchedOf(options: WishAsked, account: AlarmAccount, at: AlarmsAtHand): Promise<Covered> {
  const { instances, fromTag } = options;
  const hasRules = instancesWithRules(account, at.regionId).length > 0;
  const isNamed = instances.length > 0 || fromTag.length > 0;
  if (options.fleetOnly || hasRules || !ownEventRule(account)) {
    return hasRules || isNamed || options.fleetOnly
      ? coverageOf(options, account, at, true)
      : covering([], false);
  }
  if (!isNamed) return fleetCovered();
  const listed = fromTag.length > 0 ? await listTagged(options, at) : [];
  return {
    ...fleetCovered(),
    watchedIds: [...new Set([...instances, ...idsOf(listed)])],
    stoppedIds: stoppedAmong(listed),
  };
}

function fleetCovered(): Covered {
  return { coverage: { kind: "fleet" }, watchedIds: undefined, stoppedIds: [], unlistedIds: [] };
}

function covering(given: readonly string[], withSqueezed: boolean): Covered {
  const instanceIds = [...new Set(given)];
  return {
    coverage: { kind: "instances", instanceIds, withSqueezed, goneIds: [] },
    watchedIds: instanceIds,
    stoppedIds: [],
    unlistedIds: [],
  };
}

function instancesWithRules(account: AlarmAccount, regionId: string): readonly string[] {
  return [...new Set(ownRulesOf(account, regionId).map(({ instanceId }) => instanceId))];
}

async function listTagged(options: WishAsked, at: AlarmsAtHand): Promise<readonly EcsInstance[]> {
  const { readInstancesByTag } = await import("../cloud/ecs.ts");
  return readInstancesByTag(await ecsAccess(options, at), at.regionId, options.fromTag);
}

async function taggedCoverage(
  options: WishAsked,
  account: AlarmAccount,
  at: AlarmsAtHand,
  isStatus: boolean,
): Promise<Covered> {
  const tagged = await listTagged(options, at);
  const listed = idsOf(tagged);
  const ruled = instancesWithRules(account, at.regionId).filter((id) => !options.instances.includes(id));
  const { readInstancesById } = await import("../cloud/ecs.ts");
  const inDoubt = ruled.filter((id) => !listed.includes(id));
  const existing = idsOf(await readInstancesById(await ecsAccess(options, at), at.regionId, inDoubt));
  const change = fleetChange(ruled, listed, existing, options.maxRemovals);
  // What takes nothing away shows what is gone, however many.
  if (!isStatus) refuseDoubt(change, options.fromTag);
  const instanceIds = [...new Set([...options.instances, ...listed])];
  const { goneIds, unlistedIds } = change;
  if (instanceIds.length === 0 && goneIds.length === 0) throw noInstance("none", tagText(options.fromTag));
  return {
    coverage: { kind: "instances", instanceIds, withSqueezed: options.withSqueezed, goneIds },
    watchedIds: instanceIds,
    stoppedIds: stoppedAmong(tagged),
    unlistedIds,
  };
}

function stoppedAmong(found: readonly EcsInstance[]): readonly string[] {
  return found.flatMap(({ instanceId, status }) => (status === "Stopped" ? [instanceId] : []));
}

function idsOf(found: readonly EcsInstance[]): readonly string[] {
  return found.map(({ instanceId }) => instanceId);
}

function refuseDoubt({ doubt }: FleetChange, tags: readonly Tag[]): void {
  if (doubt) throw new UsageError({ code: "too-many-removals", ...doubt, where: tagText(tags) });
}

function tagText(tags: readonly Tag[]): string {
  return tags.map(({ key, value }) => `--from-tag ${key}=${value}`).join(" ");
}

async function ecsAccess(options: WishAsked, { operator, regionId }: AlarmsAtHand): Promise<CloudAccess> {
  const [{ ecsEndpoints }, { chooseEndpoint }] = await Promise.all([
    import("../cloud/ecs.ts"),
    import("../cloud/endpoint.ts"),
  ]);
  const endpoints = options.ecsEndpoint ? [options.ecsEndpoint] : ecsEndpoints(regionId);
  return { credentials: operator.credentials, endpoint: chooseEndpoint(endpoints) };
}

/** Where nobody names an instance and none has rules: the one that this runs on. */
async function thisInstance({ imds }: AccountOptions): Promise<string> {
  const identity = await identityHere(imds);
  if (identity) return identity.instanceId;
  throw noInstance("none, and no metadata service", "instances");
}

async function identityHere(imds: string): Promise<InstanceIdentity | undefined> {
  const { instanceMetadata, readInstanceIdentity } = await import("../cloud/instance-metadata.ts");
  try {
    return await readInstanceIdentity(instanceMetadata({ baseUrl: imds }));
  } catch (error) {
    // An operator's machine is often none of the cloud's.
    if (error instanceof KnownError) return undefined;
    throw error;
  }
}

function noInstance(got: string, where: string): UsageError {
  return new UsageError({
    code: "no-instance",
    expected: "an instance: --instance ID, --from-tag KEY=VALUE, or --fleet-only",
    got,
    where,
  });
}

/** What CloudMonitor has seen of the series that a rule is to look at anew; of the others nobody needs to know. */
async function reportedFor(
  wish: AlarmWish,
  account: AlarmAccount,
  { alarms }: AlarmsAtHand,
): Promise<Reported> {
  const { coverage } = wish;
  if (coverage.kind === "fleet") {
    const hasEvent = ownEventRule(account) !== undefined || (await alarms.hasFleetEvent());
    return { hasData: () => true, hasEvent };
  }
  const byId = new Map(account.rules.map((rule) => [rule.ruleId, rule]));
  const groupOf = seriesGroups(wish, account);
  const seen = new Set<string>();
  for (const rule of alarmRules({ withSqueezed: true })) {
    const isWanted = rule.code !== "squeezed" || coverage.withSqueezed;
    const fresh = coverage.instanceIds
      .map((instanceId): HostSeries => ({ instanceId, groupId: groupOf(instanceId) }))
      .filter(({ instanceId, groupId }) => {
        const found = byId.get(alarmRuleId(rule, instanceId));
        return (found !== undefined || isWanted) && isPutAnew(found, rule, instanceId, groupId);
      });
    if (fresh.length === 0) continue;
    const points = await alarms.readLastPoints(rule.metricName, fresh);
    for (const instanceId of points.keys()) seen.add(seriesKey(rule.metricName, instanceId));
  }
  return {
    hasData: (metricName, instanceId) => seen.has(seriesKey(metricName, instanceId)),
    hasEvent: false,
  };
}

function seriesKey(metricName: MetricName, instanceId: string): string {
  return `${metricName} ${instanceId}`;
}
