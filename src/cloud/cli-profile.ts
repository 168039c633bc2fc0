import { join } from "node:path";

import * as v from "valibot";

import { UsageError } from "../errors.ts";
import { type Credentials, type Env, headerValue } from "./credentials.ts";

/** One profile of the Alibaba Cloud CLI, as far as we can use it. */
export interface CliProfile {
  readonly name: string;
  /** `role`: whatever the instance's metadata service hands out. Undefined while it was never filled in. */
  readonly keys: Credentials | "role" | undefined;
  readonly regionId: string | undefined;
}

const text = v.optional(v.string());
const profile = v.object({
  name: v.string(),
  mode: v.optional(v.string(), "AK"),
  access_key_id: text,
  access_key_secret: text,
  sts_token: text,
  region_id: text,
});
const configuration = v.object({
  current: text,
  profiles: v.array(profile),
});

/**
 * The profile that the CLI itself would take: `ALIBABA_CLOUD_PROFILE`, else the current one.
 *
 * @param readFile undefined where there is no such file.
 * @returns undefined where the CLI was never configured, or is switched off by `ALIBABA_CLOUD_CLI_PROFILE_DISABLED`.
 * @throws UsageError for a file that cannot be understood, a profile that is not there, and a mode that needs the CLI itself.
 */
export function readCliProfile(
  env: Env,
  readFile: (path: string) => string | undefined,
): CliProfile | undefined {
  if (env["ALIBABA_CLOUD_CLI_PROFILE_DISABLED"]?.toLowerCase() === "true") return undefined;
  const path = pathOfConfiguration(env);
  const json = path === undefined ? undefined : readFile(path);
  const asked = env["ALIBABA_CLOUD_PROFILE"] || undefined;
  if (path === undefined || json === undefined) {
    if (asked === undefined) return undefined;
    throw noSuchProfile(asked, "no such file", path ?? "~/.aliyun/config.json");
  }
  const { current, profiles } = parseConfiguration(json, path);
  const name = asked ?? current ?? "default";
  const found = profiles.find((each) => each.name === name);
  if (found) return understand(found, path);
  if (profiles.length === 0 && asked === undefined) return undefined;
  throw noSuchProfile(name, `profiles ${profiles.map((each) => each.name).join(", ") || "none"}`, path);
}

function pathOfConfiguration(env: Env): string | undefined {
  const given = env["ALIBABA_CLOUD_CONFIG_FILE"];
  if (given) return given;
  return env["HOME"] ? join(env["HOME"], ".aliyun/config.json") : undefined;
}

function parseConfiguration(json: string, path: string): v.InferOutput<typeof configuration> {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), configuration), json);
  if (parsed.success) return parsed.output;
  throw new UsageError({
    code: "profile-unreadable",
    expected: "the configuration that `aliyun configure` writes",
    got: "something else",
    where: path,
  });
}

function understand(found: v.InferOutput<typeof profile>, path: string): CliProfile {
  const where = `profile ${found.name} in ${path}`;
  const regionId = found.region_id?.trim() || undefined;
  if (found.mode === "EcsRamRole") return { name: found.name, keys: "role", regionId };
  if (found.mode !== "AK" && found.mode !== "StsToken") {
    throw new UsageError({
      code: "profile-mode-unsupported",
      expected:
        "mode AK, StsToken or EcsRamRole; for any other, put the temporary keys it gives into " +
        "ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and ALIBABA_CLOUD_SECURITY_TOKEN",
      got: `mode ${found.mode}`,
      where,
    });
  }
  const accessKeyId = headerValue(found.access_key_id, `access_key_id of ${where}`);
  const accessKeySecret = headerValue(found.access_key_secret, `access_key_secret of ${where}`);
  const securityToken = headerValue(found.sts_token, `sts_token of ${where}`);
  // The CLI makes an empty profile before it asks for the keys.
  if (accessKeyId === undefined && accessKeySecret === undefined) {
    return { name: found.name, keys: undefined, regionId };
  }
  const isWhole = accessKeyId !== undefined && accessKeySecret !== undefined;
  if (!isWhole || (found.mode === "StsToken" && securityToken === undefined)) {
    throw new UsageError({
      code: "incomplete-credentials",
      expected: `access_key_id and access_key_secret${found.mode === "StsToken" ? " and sts_token" : ""} together`,
      got: "not all of them",
      where,
    });
  }
  const token = found.mode === "StsToken" ? securityToken : undefined;
  return { name: found.name, keys: { accessKeyId, accessKeySecret, securityToken: token }, regionId };
}

function noSuchProfile(name: string, got: string, where: string): UsageError {
  return new UsageError({ code: "unknown-profile", expected: `a profile ${name}`, got, where });
}
