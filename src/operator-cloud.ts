import type { CredentialProvider } from "./cloud/credentials.ts";
import type { InstanceMetadata } from "./cloud/instance-metadata.ts";
import type { CloudAccess } from "./cloud/rpc-call.ts";
import { KnownError, UsageError } from "./errors.ts";
import type { OperatorOptions } from "./operator-options.ts";

/** The cloud as an operator's verb gets to it. */
export interface OperatorCloud {
  readonly regionId: string;
  readonly credentials: CredentialProvider;
  /** To CloudMonitor. */
  readonly cms: CloudAccess;
  readonly sts: CloudAccess;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Finds the region and, by it, the endpoints. Whether the credentials are any good shows the first call.
 *
 * @throws UsageError `no-region` where nobody names one.
 */
export async function openCloud(options: OperatorOptions, env: Env): Promise<OperatorCloud> {
  const [
    { operatorCredentials },
    { instanceMetadata },
    { chooseEndpoint, cloudMonitorEndpoints },
    { stsEndpoints },
  ] = await Promise.all([
    import("./cloud/operator-credentials.ts"),
    import("./cloud/instance-metadata.ts"),
    import("./cloud/endpoint.ts"),
    import("./cloud/caller-identity.ts"),
  ]);
  const metadata = instanceMetadata({ baseUrl: options.imds });
  const regionId = await regionOf(options, env, metadata);
  const credentials = operatorCredentials(env, metadata);
  const accessTo = (endpoints: readonly string[]): CloudAccess => ({
    credentials,
    endpoint: chooseEndpoint(endpoints),
  });
  return {
    regionId,
    credentials,
    cms: accessTo(options.endpoint ? [options.endpoint] : cloudMonitorEndpoints(regionId)),
    sts: accessTo(options.stsEndpoint ? [options.stsEndpoint] : stsEndpoints(regionId)),
  };
}

async function regionOf(options: OperatorOptions, env: Env, metadata: InstanceMetadata): Promise<string> {
  const [{ operatorRegion }, { readInstanceIdentity }] = await Promise.all([
    import("./cloud/operator-credentials.ts"),
    import("./cloud/instance-metadata.ts"),
  ]);
  const regionId = options.region ?? operatorRegion(env);
  if (regionId !== undefined) return regionId;
  try {
    const identity = await readInstanceIdentity(metadata);
    if (identity) return identity.regionId;
  } catch (error) {
    // An operator's machine is often none of the cloud's.
    if (!(error instanceof KnownError)) throw error;
  }
  throw new UsageError({
    code: "no-region",
    expected: "--region ID, SOFTNET_REGION, or a region in the profile of the Alibaba Cloud CLI",
    got: "none, and no metadata service",
    where: "region",
  });
}
