import { pushMinutesApart } from "../agent/push-cron.ts";
import { type AlarmsCloud, connectAlarms } from "../cloud/alarms.ts";
import { type CallerIdentity, readCallerIdentity, stsEndpoints } from "../cloud/caller-identity.ts";
import { type Credentials, mergedEnv, namesKey, readRoleName } from "../cloud/credentials.ts";
import { type Absences, ecsEndpoints, readAbsences } from "../cloud/ecs.ts";
import {
  chooseEndpoint,
  cloudMonitorEndpoints,
  type Endpoint,
  type EndpointChoice,
} from "../cloud/endpoint.ts";
import {
  type InstanceIdentity,
  type InstanceMetadata,
  instanceMetadata,
  readInstanceIdentity,
} from "../cloud/instance-metadata.ts";
import { namesCanBeLookedUp } from "../cloud/name-server.ts";
import { operatorRegion, operatorSources } from "../cloud/operator-credentials.ts";
import { RefusedCall } from "../cloud/refusal.ts";
import type { CloudAccess } from "../cloud/rpc-call.ts";
import { askServerTime } from "../cloud/server-time.ts";
import type { AgentConfig } from "../config.ts";
import {
  type Check,
  type CheckCode,
  type Checked,
  clockCheck,
  contactsCheck,
  isCheck,
  lastPointCheck,
  lastPointsCheck,
  type NotChecked,
  otherAccountCheck,
  quotaCheck,
  sameText,
} from "../core/checkup.ts";
import { ownRulesOf } from "../core/alarm-account.ts";
import { ageOfPointMs, isStaleAge } from "../core/last-point.ts";
import { seriesAtMost } from "../core/cpu-series.ts";
import { mendOfRefusal, reasonOfRefusal } from "../core/refusal-text.ts";
import type { Text } from "../core/text.ts";
import { complaintText } from "../core/wording.ts";
import { KnownError } from "../errors.ts";
import { AGENT_ENV_PATH } from "../host/agent-env.ts";

type Env = Readonly<Record<string, string | undefined>>;

export interface CloudQuestion {
  /** The agent's settings, as far as they are known here. */
  readonly config: AgentConfig;
  readonly stsEndpoint: string | undefined;
  readonly ecsEndpoint: string | undefined;
  /** What the operator's shell has. */
  readonly env: Env;
  /** What the agent is given beside. */
  readonly agentEnv: Env;
  /** What the metadata service tells. */
  readonly instance: () => Promise<Instance>;
  readonly possibleCpus: number;
  readonly nowMs: () => number;
}

/** Somebody waits for the answer: what does not answer within this time is told as such. */
const TIMEOUT_MS = 3000;
const CONNECT_MS = 1500;
const TRIES = 2;

/** Everything that the cloud can tell. None of it throws for what the cloud or the network does. */
export async function checkCloud(question: CloudQuestion): Promise<readonly Checked[]> {
  if (question.config.sink === "local") return notChecked(CLOUD_CODES, LOCAL_BY_CHOICE);
  const metadata = instanceMetadata({ baseUrl: question.config.imds });
  const [found, instance] = await Promise.all([findCredentials(question, metadata), question.instance()]);
  const role = roleCheck(question, instance);
  const regionId =
    question.config.region ??
    operatorRegion({ ...question.agentEnv, ...question.env }) ??
    instance.identity?.regionId;
  if (regionId === undefined) {
    return [
      ...("check" in found ? [found.check] : notChecked(["credentials"], NO_REGION)),
      role,
      ...notChecked(REGION_CODES, NO_REGION),
    ];
  }
  const [credentials, ...rest] = await checkRegion(question, found, instance.identity, regionId);
  return [credentials, role, ...rest];
}

const REGION_CODES = ["endpoint", "clock-skew", "series-quota", "pending-contacts", "last-point"] as const;
const CLOUD_CODES = ["credentials", "role", ...REGION_CODES] as const;

const LOCAL_BY_CHOICE: Text = {
  en: "SOFTNET_SINK is local: the agent speaks to no cloud",
  zh: "SOFTNET_SINK 为 local：agent 不与云端通信",
};
const NO_REGION: Text = {
  en: "no region: give --region ID (SOFTNET_REGION), or a region in the profile of the Alibaba Cloud CLI",
  zh: "没有地域：请用 --region ID（SOFTNET_REGION）或阿里云 CLI 配置指定",
};
const NO_CREDENTIALS: Text = { en: "there are no credentials", zh: "没有凭证" };
const BAD_CREDENTIALS: Text = { en: "the credentials are refused", zh: "凭证被拒绝" };
const NO_WAY: Text = { en: "CloudMonitor cannot be reached", zh: "无法连接云监控" };

function notChecked(codes: readonly CheckCode[], because: Text): readonly NotChecked[] {
  return codes.map((code) => ({ code, because }));
}

/** Credentials and where they come from, or the check that says why there are none. */
type Found = FoundCredentials | { readonly check: Check };

interface FoundCredentials {
  readonly credentials: Credentials;
  readonly source: Text;
  /** Those of the agent, which can put metrics and events and should not be able to do more. */
  readonly areAgents: boolean;
}

async function findCredentials({ env, agentEnv }: CloudQuestion, metadata: InstanceMetadata): Promise<Found> {
  const sources = operatorSources(mergedEnv(env, agentEnv), metadata);
  for (const { kind, isRole, name, provide } of sources) {
    try {
      const credentials = await provide();
      const isOfAgentEnv = kind === "environment" && !namesKey(env);
      const place: Text = { en: AGENT_ENV_PATH, zh: AGENT_ENV_PATH };
      if (credentials) {
        return {
          credentials,
          source: isOfAgentEnv ? place : name,
          areAgents: isOfAgentEnv || isRole(),
        };
      }
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      return {
        check: {
          code: "credentials",
          status: "failed",
          summary: {
            en: `what ${name.en} holds cannot be used: ${wordsOf(error).en}`,
            zh: `${name.zh}中的凭证无法使用：${wordsOf(error).zh}`,
          },
          mend: { en: error.expected, zh: error.expected },
          evidence: { source: name.en },
        },
      };
    }
  }
  return {
    check: {
      code: "credentials",
      status: "warning",
      summary: {
        en: "no credentials: the agent keeps its history here and pushes nothing",
        zh: "没有凭证：agent 只在本地保存历史，不推送指标",
      },
      mend: {
        en: "attach a RAM role with the policy of softnet doctor --policy agent to the instance; on your own machine: aliyun configure",
        zh: "为实例绑定具有 softnet doctor --policy agent 所示策略的 RAM 角色；在自己的机器上：aliyun configure",
      },
      evidence: { source: null },
    },
  };
}

export interface Instance {
  readonly identity: InstanceIdentity | undefined;
  readonly roleName: string | undefined;
  /** Why nobody tells. */
  readonly problem: Text | undefined;
}

/** @param imds where the metadata service is. */
export async function readInstance(imds: string): Promise<Instance> {
  const metadata = instanceMetadata({ baseUrl: imds });
  try {
    const [identity, roleName] = await Promise.all([readInstanceIdentity(metadata), readRoleName(metadata)]);
    return { identity, roleName, problem: undefined };
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return { identity: undefined, roleName: undefined, problem: wordsOf(error) };
  }
}

function roleCheck({ env, agentEnv }: CloudQuestion, { identity, roleName, problem }: Instance): Checked {
  const evidence = { instanceId: identity?.instanceId ?? null, role: roleName ?? null };
  if (identity === undefined && roleName === undefined) {
    const why: Text =
      problem === undefined ? { en: "", zh: "" } : { en: ` (${problem.en})`, zh: `（${problem.zh}）` };
    return {
      code: "role",
      because: {
        en: `no metadata service names an instance: this is no ECS instance${why.en}`,
        zh: `没有元数据服务给出实例：这不是 ECS 实例${why.zh}`,
      },
    };
  }
  if (roleName !== undefined) {
    return {
      code: "role",
      status: "ok",
      summary: { en: `the RAM role ${roleName} is attached`, zh: `已绑定 RAM 角色 ${roleName}` },
      evidence,
    };
  }
  const hasKeys = namesKey(mergedEnv(env, agentEnv));
  return {
    code: "role",
    status: hasKeys ? "ok" : "warning",
    summary: hasKeys
      ? {
          en: "no RAM role is attached; the environment's access key stands in for it",
          zh: "未绑定 RAM 角色；由环境变量中的 AccessKey 代替",
        }
      : {
          en: "no RAM role is attached to this instance, and the agent has no other credentials",
          zh: "本实例未绑定 RAM 角色，agent 也没有其他凭证",
        },
    ...(hasKeys
      ? {}
      : {
          mend: {
            en: "make a RAM role for ECS with the policy of softnet doctor --policy agent, and attach it to the instance",
            zh: "创建 ECS 的 RAM 角色，授予 softnet doctor --policy agent 所示策略，并绑定到实例",
          },
        }),
    evidence,
  };
}

async function checkRegion(
  question: CloudQuestion,
  found: Found,
  instance: InstanceIdentity | undefined,
  regionId: string,
): Promise<readonly [Check, ...(readonly Checked[])]> {
  const { config, stsEndpoint, ecsEndpoint, nowMs } = question;
  const [cms, sts] = await Promise.all([
    choose(config.endpoint, cloudMonitorEndpoints(regionId)),
    choose(stsEndpoint, stsEndpoints(regionId)),
  ]);
  const [reached, caller] = await Promise.all([
    checkEndpoint(cms, nowMs),
    "check" in found ? undefined : orError(readCallerIdentity(accessTo(sts, found.credentials))),
  ]);
  if ("check" in found) return [found.check, ...reached.checks, ...notChecked(ACCOUNT_CODES, NO_CREDENTIALS)];
  if (!reached.isOpen) {
    const credentials = credentialsCheck(found.source, caller!, false);
    return [credentials, ...reached.checks, ...notChecked(ACCOUNT_CODES, NO_WAY)];
  }
  if (caller instanceof KnownError && DENIED.has(caller.code)) {
    const credentials = credentialsCheck(found.source, caller, false);
    return [credentials, ...reached.checks, ...notChecked(ACCOUNT_CODES, BAD_CREDENTIALS)];
  }
  const told = caller instanceof KnownError ? undefined : caller?.accountId;
  const accountId = config.accountId ?? told ?? instance?.accountId;
  const { credentials } = found;
  const monitor = connectAlarms({
    access: accessTo(cms, credentials),
    // Only points are in a namespace of the account's.
    accountId: accountId ?? "",
    nowMs,
  });
  const account = await Promise.all([
    checkQuota(monitor, question),
    checkContacts(monitor),
    checkLastPoint(monitor, config, {
      accountId,
      callersId: told,
      instanceId: config.instanceId ?? instance?.instanceId,
      regionId,
      nowMs,
      absencesOf: async (ids) =>
        readAbsences(accessTo(await choose(ecsEndpoint, ecsEndpoints(regionId)), credentials), regionId, ids),
    }),
  ]);
  const isTaken = account.some(
    (checked) => isCheck(checked) && !FAILURES.has(String(checked.evidence["error"])),
  );
  return [
    credentialsCheck(found.source, caller!, isTaken),
    ...reached.checks,
    ...(found.areAgents ? account.map(orAgentsLot) : account),
  ];
}

/** What the agent's credentials may not ask is no fault: to let them would be one. */
function orAgentsLot(checked: Checked): Checked {
  const { code } = checked;
  if (!isCheck(checked) || checked.evidence["error"] !== "not-permitted") return checked;
  const action = String(checked.evidence["ramAction"]);
  return {
    code,
    because: {
      en: `the agent's own credentials may not ask this, and should not: it takes an operator's (${action}, softnet doctor --policy setup)`,
      zh: `agent 自身的凭证无权查询，也不应有此权限：请使用操作员的凭证（${action}，softnet doctor --policy setup）`,
    },
  };
}

/** Where no name server answers, no endpoint that has a name is looked for. */
async function choose(given: string | undefined, usual: readonly string[]): Promise<EndpointChoice> {
  const choice = chooseEndpoint(given === undefined ? usual : [given], CONNECT_MS);
  const canBeFound = await namesCanBeLookedUp(choice.endpoints.map(({ hostname }) => hostname));
  return canBeFound ? choice : { ...choice, now: () => Promise.resolve({ code: "EAI_AGAIN" }) };
}

const ACCOUNT_CODES = ["series-quota", "pending-contacts", "last-point"] as const;

function accessTo(endpoint: EndpointChoice, credentials: Credentials): CloudAccess {
  return { endpoint, credentials: () => Promise.resolve(credentials), timeoutMs: TIMEOUT_MS, tries: TRIES };
}

/** @param isTaken whether CloudMonitor has taken a call that they signed. */
function credentialsCheck(source: Text, caller: CallerIdentity | KnownError, isTaken: boolean): Check {
  if (!(caller instanceof KnownError)) {
    const { accountId, arn, identityType } = caller;
    return {
      code: "credentials",
      status: "ok",
      summary: { en: `${arn}, by ${source.en}`, zh: `${arn}，来自${source.zh}` },
      evidence: { source: source.en, accountId, arn, identityType },
    };
  }
  const evidence = { source: source.en, error: caller.code };
  if (isTaken) {
    return {
      code: "credentials",
      status: "ok",
      summary: {
        en: `CloudMonitor takes those of ${source.en}; whose they are STS does not tell from here`,
        zh: `云监控接受来自${source.zh}的凭证；此处无法通过 STS 得知其身份`,
      },
      evidence,
    };
  }
  const status = DENIED.has(caller.code) ? "failed" : "warning";
  return { ...failedCall("credentials", caller), status, evidence };
}

/** These say that the credentials are no good; anything else, that nobody could tell. */
const DENIED: ReadonlySet<string> = new Set([
  "clock-off",
  "unknown-access-key",
  "wrong-secret",
  "bad-security-token",
  "no-credentials",
]);

/** After these nobody knows whether the signature was any good. */
const FAILURES: ReadonlySet<string> = new Set([
  ...DENIED,
  "wrong-endpoint",
  "throttled",
  "cloud-unreachable",
  "cloud-silent",
  "cloud-unreadable",
  "cloud-trouble",
]);

interface Reached {
  readonly isOpen: boolean;
  readonly checks: readonly Checked[];
}

async function checkEndpoint(choice: EndpointChoice, nowMs: () => number): Promise<Reached> {
  const hosts = choice.endpoints.map(({ host }) => host);
  const chosen = await choice.now();
  if ("code" in chosen) return { isOpen: false, checks: unreachable(hosts, chosen.code) };
  const { endpoint } = chosen;
  const time = await orError(askServerTime(endpoint, TIMEOUT_MS, nowMs));
  if (time instanceof KnownError) return { isOpen: false, checks: unreachable([endpoint.host], time.got) };
  choice.settle(endpoint);
  return {
    isOpen: true,
    checks: [
      endpointCheck(endpoint),
      time
        ? clockCheck(time.serverMs, time.localMs)
        : { code: "clock-skew", because: { en: "the answer has no date", zh: "应答中没有日期" } },
    ],
  };
}

function endpointCheck({ host }: Endpoint): Check {
  return {
    code: "endpoint",
    status: "ok",
    summary: { en: `CloudMonitor answers at ${host}`, zh: `云监控 ${host} 有应答` },
    evidence: { endpoint: host },
  };
}

function unreachable(hosts: readonly string[], why: string): readonly Checked[] {
  return [
    {
      code: "endpoint",
      status: "failed",
      summary: {
        en: `CloudMonitor cannot be reached at ${hosts.join(" or ")}: ${why}`,
        zh: `无法连接云监控 ${hosts.join(" 或 ")}：${why}`,
      },
      mend: isCertificateOfAnotherTime(why) ? MEND_OF_CLOCK : MEND_OF_WAY,
      evidence: { endpoint: hosts, error: why },
    },
    ...notChecked(["clock-skew"], NO_WAY),
  ];
}

/** A clock that is far off looks like this, before anybody can tell the time. */
function isCertificateOfAnotherTime(errorCode: string): boolean {
  return /^CERT_(NOT_YET_VALID|HAS_EXPIRED)$/.test(errorCode);
}

const MEND_OF_CLOCK = mendOfRefusal({ code: "clock-off", ramAction: "", policy: "" });
const MEND_OF_WAY = mendOfRefusal({ code: "cloud-unreachable", ramAction: "cms:", policy: "" });

async function checkQuota(monitor: AlarmsCloud, { config, possibleCpus }: CloudQuestion): Promise<Check> {
  const quota = await orError(monitor.readQuota());
  if (quota instanceof KnownError) return failedCall("series-quota", quota);
  const ofHost = seriesAtMost({ ...config, cpuSeries: "none" }, possibleCpus);
  return quotaCheck(quota, seriesAtMost(config, possibleCpus), ofHost);
}

async function checkContacts(monitor: AlarmsCloud): Promise<Check> {
  const contacts = await orError(monitor.readContacts());
  if (contacts instanceof KnownError) return failedCall("pending-contacts", contacts);
  return contactsCheck(contacts);
}

async function checkLastPoint(
  monitor: AlarmsCloud,
  config: AgentConfig,
  of: {
    readonly accountId: string | undefined;
    /** By STS. */
    readonly callersId: string | undefined;
    readonly instanceId: string | undefined;
    readonly regionId: string;
    readonly nowMs: () => number;
    readonly absencesOf: (instanceIds: readonly string[]) => Promise<Absences>;
  },
): Promise<Checked> {
  const { accountId, callersId, instanceId, regionId } = of;
  if (accountId !== undefined && callersId !== undefined && accountId !== callersId) {
    return otherAccountCheck(accountId, callersId);
  }
  if (accountId === undefined) {
    const missing: Text = {
      en: "no account id: give --account-id UID",
      zh: "没有账号 ID：请用 --account-id UID 指定",
    };
    return { code: "last-point", because: missing };
  }
  if (config.hostSeries === "none") {
    const none: Text = { en: "SOFTNET_HOST_SERIES is none", zh: "SOFTNET_HOST_SERIES 为 none" };
    return { code: "last-point", because: none };
  }
  // On a machine that is no instance, somebody looks after all of them.
  const series = instanceId === undefined ? undefined : [{ instanceId, groupId: config.groupId }];
  const points = await orError(monitor.readLastPoints("softnet_severity", series));
  if (points instanceof KnownError) return failedCall("last-point", points);
  const nowMs = of.nowMs();
  const ageMsOf = (id: string): number | undefined => {
    const atMs = points.get(id);
    return atMs === undefined ? undefined : ageOfPointMs(atMs, nowMs);
  };
  if (instanceId !== undefined) {
    return lastPointCheck(instanceId, ageMsOf(instanceId), pushMinutesApart(config.pushCron));
  }
  const rules = await orError(monitor.readRules());
  if (rules instanceof KnownError) return failedCall("last-point", rules);
  const ruled = ownRulesOf({ rules }, regionId).map((own) => own.instanceId);
  const all = [...new Set([...points.keys(), ...ruled])].toSorted();
  const { releasedIds, stoppedIds } = await of.absencesOf(all.filter((id) => isStaleAge(ageMsOf(id))));
  const owing = all.filter((id) => !releasedIds.has(id) && !stoppedIds.has(id));
  return lastPointsCheck(new Map(owing.map((id) => [id, ageMsOf(id)])));
}

/** What could not be learned, and what would let us learn it. */
function failedCall(code: CheckCode, error: KnownError): Check {
  const refused = error instanceof RefusedCall ? error : undefined;
  const { ramAction = "", policy = "", cloudCode } = refused ?? {};
  const reason = reasonOfRefusal(error.code) ?? wordsOf(error);
  const said = cloudCode === undefined ? "" : ` (${cloudCode})`;
  return {
    code,
    status: "warning",
    summary: { en: `${error.where}: ${reason.en}${said}`, zh: `${error.where}：${reason.zh}${said}` },
    mend: mendOfRefusal({ code: error.code, ramAction, policy }),
    evidence: { error: error.code, cloudCode: cloudCode ?? null, ramAction: refused ? ramAction : null },
  };
}

/** What a complaint holds is English, like the flags and files that it is about; the sentence around it need not be. */
function wordsOf({ where, expected, got }: KnownError): Text {
  const place: Text = { en: where, zh: where.replace(/^metadata service/, "元数据服务") };
  return complaintText(place, sameText(expected), sameText(got));
}

async function orError<T>(asked: Promise<T>): Promise<T | KnownError> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof KnownError) return error;
    throw error;
  }
}
