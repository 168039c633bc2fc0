import * as v from "valibot";

import { CloudError, KnownError, UsageError } from "../errors.ts";
import type { InstanceMetadata } from "./instance-metadata.ts";

export interface Credentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** Undefined for the key of a user; temporary credentials have one. */
  readonly securityToken: string | undefined;
}

/**
 * The credentials to sign with now; undefined where this provider has none.
 *
 * @param refused what the cloud would not take last time: these are not handed out again from memory.
 * @throws KnownError when there should be some and they cannot be had.
 */
export type CredentialProvider = (refused?: Credentials) => Promise<Credentials | undefined>;

export type Env = Readonly<Record<string, string | undefined>>;

/** The agent's order: the environment, then the instance's RAM role. */
export function agentCredentials(
  env: Env,
  metadata: InstanceMetadata,
  nowMs: () => number = Date.now,
): CredentialProvider {
  return firstOf([() => Promise.resolve(environmentCredentials(env)), roleCredentials(metadata, nowMs)]);
}

export function firstOf(providers: readonly CredentialProvider[]): CredentialProvider {
  return async (refused) => {
    for (const provider of providers) {
      const credentials = await provider(refused);
      if (credentials) return credentials;
    }
    return undefined;
  };
}

const KEY_ID = "ALIBABA_CLOUD_ACCESS_KEY_ID";
const KEY_SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
const TOKEN = "ALIBABA_CLOUD_SECURITY_TOKEN";

/** Whether there is a key, or a part of one. */
export function namesKey(env: Env): boolean {
  return [KEY_ID, KEY_SECRET].some((name) => (env[name] ?? "").trim() !== "");
}

/** One environment before another, but never one's key with the other's token. */
export function mergedEnv(first: Env, second: Env): Env {
  const { [KEY_ID]: id, [KEY_SECRET]: secret, [TOKEN]: token } = namesKey(first) ? first : second;
  return { ...second, ...first, [KEY_ID]: id, [KEY_SECRET]: secret, [TOKEN]: token };
}

/** @throws UsageError for half a pair, and for a value that no header can carry. */
export function environmentCredentials(env: Env): Credentials | undefined {
  const [accessKeyId, accessKeySecret, securityToken] = [KEY_ID, KEY_SECRET, TOKEN].map((name) =>
    headerValue(env[name], name),
  );
  if (accessKeyId !== undefined && accessKeySecret !== undefined) {
    return { accessKeyId, accessKeySecret, securityToken };
  }
  if (accessKeyId === undefined && accessKeySecret === undefined) return undefined;
  throw new UsageError({
    code: "incomplete-credentials",
    expected: "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET together",
    got: accessKeyId === undefined ? "only the secret" : "only the id",
    where: "environment",
  });
}

/**
 * A file or a shell easily leaves a line's end behind; anything else that is not printable is a mistake.
 *
 * @throws UsageError that does not show the value.
 */
export function headerValue(given: string | undefined, where: string): string | undefined {
  const text = given?.trim();
  if (text === undefined || text === "") return undefined;
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw new UsageError({
    code: "bad-value",
    expected: "printable characters without blanks",
    got: "something else",
    where,
  });
}

/** A role that was changed or detached is noticed within this time, long before its credentials run out. */
const ASK_AGAIN_MS = 900_000;
/** Credentials this close to their end are renewed whatever their age. */
const EXPIRY_MARGIN_MS = 900_000;
/** When the service does not answer, what we have is used up to here. */
const LAST_USE_MARGIN_MS = 60_000;

const ROLE_PATH = "ram/security-credentials/";

const roleAnswer = v.object({
  Code: v.literal("Success"),
  AccessKeyId: v.pipe(v.string(), v.nonEmpty()),
  AccessKeySecret: v.pipe(v.string(), v.nonEmpty()),
  SecurityToken: v.pipe(v.string(), v.nonEmpty()),
  Expiration: v.pipe(v.string(), v.isoTimestamp()),
});

interface Held {
  readonly credentials: Credentials;
  readonly fetchedAtMs: number;
  readonly expiresAtMs: number;
}

/**
 * The credentials of the RAM role attached to this instance; undefined while none is attached.
 *
 * Callers at the same time share one fetch, and a failed one is not remembered.
 */
export function roleCredentials(
  metadata: InstanceMetadata,
  nowMs: () => number = Date.now,
): CredentialProvider {
  let held: Held | undefined;
  let fetching: Promise<Credentials | undefined> | undefined;

  function isFresh({ fetchedAtMs, expiresAtMs }: Held): boolean {
    const now = nowMs();
    // A clock that was set back makes the fetch lie ahead: then its age says nothing.
    const young = now >= fetchedAtMs && now < fetchedAtMs + ASK_AGAIN_MS;
    return young && now < expiresAtMs - EXPIRY_MARGIN_MS;
  }

  async function renew(refused: Credentials | undefined): Promise<Credentials | undefined> {
    try {
      held = await fetchRoleCredentials(metadata, nowMs);
    } catch (error) {
      const usable = held && held.credentials !== refused && nowMs() < held.expiresAtMs - LAST_USE_MARGIN_MS;
      // A service that does not answer for a while takes nothing from us that we have.
      if (!usable || !(error instanceof KnownError)) throw error;
    }
    return held?.credentials;
  }

  return (refused) => {
    if (held && held.credentials !== refused && isFresh(held)) return Promise.resolve(held.credentials);
    fetching ??= renew(refused).finally(() => {
      fetching = undefined;
    });
    return fetching;
  };
}

/** The RAM role attached to this instance; undefined while none is. */
export async function readRoleName(metadata: InstanceMetadata): Promise<string | undefined> {
  return (await metadata.get(ROLE_PATH))?.split("\n")[0]?.trim() || undefined;
}

async function fetchRoleCredentials(
  metadata: InstanceMetadata,
  nowMs: () => number,
): Promise<Held | undefined> {
  const role = await readRoleName(metadata);
  if (role === undefined) return undefined;
  const text = await metadata.get(ROLE_PATH + encodeURIComponent(role));
  if (text === undefined) return undefined; // It was detached between the two questions.
  const answer = parseRoleAnswer(text);
  if (!answer) {
    throw new CloudError({
      code: "role-credentials-unreadable",
      expected: "AccessKeyId, AccessKeySecret, SecurityToken and Expiration with Code Success",
      got: "something else",
      where: `RAM role ${role}`,
    });
  }
  return {
    credentials: {
      accessKeyId: answer.AccessKeyId,
      accessKeySecret: answer.AccessKeySecret,
      securityToken: answer.SecurityToken,
    },
    fetchedAtMs: nowMs(),
    expiresAtMs: Date.parse(answer.Expiration),
  };
}

function parseRoleAnswer(text: string): v.InferOutput<typeof roleAnswer> | undefined {
  try {
    const parsed = v.safeParse(roleAnswer, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
