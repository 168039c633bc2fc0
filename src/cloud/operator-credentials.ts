import { readFileSync } from "node:fs";

import type { Text } from "../core/text.ts";
import { errorCodeOf, KnownError, UsageError } from "../errors.ts";
import { type CliProfile, readCliProfile } from "./cli-profile.ts";
import {
  type CredentialProvider,
  type Env,
  environmentCredentials,
  firstOf,
  roleCredentials,
} from "./credentials.ts";
import type { InstanceMetadata } from "./instance-metadata.ts";

/** The text of a file, undefined where there is none. @throws UsageError where there is one that cannot be read. */
export type ReadFile = (path: string) => string | undefined;

/** One place that may hold an operator's credentials. */
export interface CredentialSource {
  readonly name: Text;
  readonly kind: "environment" | "profile" | "role";
  /** Whether what it provides is the role of the instance, which is the agent's. */
  readonly isRole: () => boolean;
  readonly provide: CredentialProvider;
}

/** An operator's order: the environment, the profile of the Alibaba Cloud CLI, then the instance's RAM role. */
export function operatorCredentials(
  env: Env,
  metadata: InstanceMetadata,
  readFile: ReadFile = readTextFile,
  nowMs: () => number = Date.now,
): CredentialProvider {
  return firstOf(operatorSources(env, metadata, readFile, nowMs).map(({ provide }) => provide));
}

/** The same order, for whoever wants to know which one it is. */
export function operatorSources(
  env: Env,
  metadata: InstanceMetadata,
  readFile: ReadFile = readTextFile,
  nowMs: () => number = Date.now,
): readonly CredentialSource[] {
  const role = orNone(roleCredentials(metadata, nowMs));
  const isCut = env["ALIBABA_CLOUD_ECS_METADATA_DISABLED"]?.toLowerCase() === "true";
  return [
    {
      name: { en: "the environment", zh: "环境变量" },
      kind: "environment",
      isRole: () => false,
      provide: () => Promise.resolve(environmentCredentials(env)),
    },
    {
      name: { en: "the profile of the Alibaba Cloud CLI", zh: "阿里云 CLI 的配置" },
      kind: "profile",
      isRole: () => readCliProfile(env, readFile)?.keys === "role",
      provide: async (refused) => {
        const keys = readCliProfile(env, readFile)?.keys;
        return keys === "role" ? role(refused) : keys;
      },
    },
    {
      name: { en: "the RAM role of this instance", zh: "本实例的 RAM 角色" },
      kind: "role",
      isRole: () => true,
      provide: (refused) => (isCut ? Promise.resolve(undefined) : role(refused)),
    },
  ];
}

/**
 * The region an operator has set for the cloud's other tools; `--region` and `SOFTNET_REGION` come before it.
 *
 * A profile that cannot be used names none: who needs its credentials hears why.
 */
export function operatorRegion(env: Env, readFile: ReadFile = readTextFile): string | undefined {
  return env["ALIBABA_CLOUD_REGION_ID"]?.trim() || orUndefined(() => readCliProfile(env, readFile))?.regionId;
}

function orUndefined(read: () => CliProfile | undefined): CliProfile | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof KnownError) return undefined;
    throw error;
  }
}

/** An operator's machine is often none of the cloud's: where no metadata service answers, there is no role. */
function orNone(provide: CredentialProvider): CredentialProvider {
  return async (refused) => {
    try {
      return await provide(refused);
    } catch (error) {
      if (error instanceof KnownError && error.code === "metadata-unreachable") return undefined;
      throw error;
    }
  };
}

function readTextFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = errorCodeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code === undefined) throw error;
    throw new UsageError({ code: "profile-unreadable", expected: "a readable file", got: code, where: path });
  }
}
