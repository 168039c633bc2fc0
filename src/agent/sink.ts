import type { CloudMonitor } from "../cloud/cloudmonitor.ts";
import type { CredentialProvider } from "../cloud/credentials.ts";
import type { InstanceIdentity } from "../cloud/instance-metadata.ts";
import type { AgentConfig } from "../config.ts";
import type { Text } from "../core/text.ts";
import { KnownError, UsageError } from "../errors.ts";

/** CloudMonitor, ready to take points, and who we are there. */
export interface CloudSink {
  readonly cloud: CloudMonitor;
  readonly instanceId: string;
  readonly regionId: string;
  readonly accountId: string | undefined;
  /** Where the points go, for people: a host or a URL. */
  readonly endpoint: string;
}

/** Why the agent runs locally; `where` is what to mend. */
export interface NoSink {
  readonly missing: Text;
}

/** One call may take this long; three tries and their pauses still fit into a minute. */
const CALL_TIMEOUT_MS = 8000;

/**
 * Looks for credentials, region and instance id. It asks the metadata service for no more than what the configuration leaves open.
 *
 * @returns what can be asked again each minute.
 * @throws UsageError on the first call when what is configured cannot be used.
 */
export function sinkFinder(
  config: AgentConfig,
  env: Readonly<Record<string, string | undefined>>,
): () => Promise<CloudSink | NoSink> {
  let parts: CloudParts | undefined;

  return async () => {
    if (config.sink === "local") return { missing: LOCAL_BY_CHOICE };
    parts ??= await loadCloud(config, env);

    const identity = await identityOf(config, parts);
    if ("missing" in identity) return identity;
    const found = await orMissing(() => parts!.credentials());
    if (found === undefined || "missing" in found) return { missing: NO_CREDENTIALS };
    const endpoints = config.endpoint ? [config.endpoint] : parts.endpointsOf(identity.regionId);
    return { cloud: parts.connect(endpoints, identity.regionId), endpoint: endpoints[0]!, ...identity };
  };
}

/**
 * Only `auto` may run locally instead. A metadata service that is late at boot is asked again when systemd starts the agent anew.
 *
 * @throws UsageError for what no sink was found for.
 */
export function refuseNoSink(found: CloudSink | NoSink): void {
  if (!("missing" in found)) return;
  throw new UsageError({
    code: "no-sink",
    expected: "credentials, region and instance id (--sink auto does without)",
    got: found.missing.en,
    where: "--sink cloudmonitor (SOFTNET_SINK)",
  });
}

interface CloudParts {
  readonly credentials: CredentialProvider;
  readonly readIdentity: () => Promise<InstanceIdentity | undefined>;
  readonly endpointsOf: (regionId: string) => readonly string[];
  readonly connect: (endpoints: readonly string[], regionId: string) => CloudMonitor;
}

/** A machine without any cloud need not carry its adapter. */
async function loadCloud(
  config: AgentConfig,
  env: Readonly<Record<string, string | undefined>>,
): Promise<CloudParts> {
  const [
    { agentCredentials },
    { instanceMetadata, readInstanceIdentity },
    { connectCloudMonitor },
    { cloudMonitorEndpoints },
  ] = await Promise.all([
    import("../cloud/credentials.ts"),
    import("../cloud/instance-metadata.ts"),
    import("../cloud/cloudmonitor.ts"),
    import("../cloud/endpoint.ts"),
  ]);
  const metadata = instanceMetadata({ baseUrl: config.imds });
  const credentials = agentCredentials(env, metadata);
  return {
    credentials,
    readIdentity: () => readInstanceIdentity(metadata),
    endpointsOf: cloudMonitorEndpoints,
    connect: (endpoints, regionId) =>
      connectCloudMonitor({ endpoints, regionId, credentials, timeoutMs: CALL_TIMEOUT_MS }),
  };
}

const LOCAL_BY_CHOICE: Text = { en: "the sink is set to local", zh: "输出方式设置为本地" };

const NO_CREDENTIALS: Text = {
  en: "no credentials: neither ALIBABA_CLOUD_ACCESS_KEY_ID and its secret nor a RAM role on this instance",
  zh: "没有凭证：既没有设置 ALIBABA_CLOUD_ACCESS_KEY_ID 及其密钥，实例上也没有 RAM 角色",
};

const NO_METADATA: Text = {
  en: "no metadata service: this is no ECS instance, or SOFTNET_REGION, SOFTNET_INSTANCE_ID and credentials must be set",
  zh: "没有元数据服务：这不是 ECS 实例，否则请设置 SOFTNET_REGION、SOFTNET_INSTANCE_ID 和凭证",
};

const NO_IDENTITY: Text = {
  en: "no instance id or region: set SOFTNET_INSTANCE_ID and SOFTNET_REGION",
  zh: "没有实例 ID 或地域：请设置 SOFTNET_INSTANCE_ID 和 SOFTNET_REGION",
};

type Identity = Omit<CloudSink, "cloud" | "endpoint">;

async function identityOf(config: AgentConfig, { readIdentity }: CloudParts): Promise<Identity | NoSink> {
  if (config.instanceId !== undefined && config.region !== undefined) {
    return { instanceId: config.instanceId, regionId: config.region, accountId: config.accountId };
  }
  const told = await orMissing(readIdentity);
  if (told && "missing" in told) return told;
  const instanceId = config.instanceId ?? told?.instanceId;
  const regionId = config.region ?? told?.regionId;
  if (instanceId === undefined || regionId === undefined) return { missing: NO_IDENTITY };
  return { instanceId, regionId, accountId: config.accountId ?? told?.accountId };
}

/** A metadata service that does not answer is what a machine outside the cloud has; anything else is said. */
async function orMissing<T extends object>(
  ask: () => Promise<T | undefined>,
): Promise<T | NoSink | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof KnownError) || error.code !== "metadata-unreachable") throw error;
    return { missing: NO_METADATA };
  }
}
