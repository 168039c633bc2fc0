import { request } from "node:http";

import { CloudError, errorCodeOf } from "../errors.ts";

/** The address at which an ECS instance is told about itself. */
const METADATA_URL = "http://100.100.100.200";

/** What the machine is told about itself by the host it runs on. */
export interface InstanceMetadata {
  /**
   * The text below `/latest/meta-data/`, undefined where there is no such key.
   *
   * @throws CloudError `metadata-unreachable` or `metadata-unreadable`.
   */
  get(key: string): Promise<string | undefined>;
}

/** Who this instance is. */
export interface InstanceIdentity {
  readonly instanceId: string;
  readonly regionId: string;
  /** The main account's id, which names the metrics' namespace. */
  readonly accountId: string | undefined;
  readonly instanceType: string | undefined;
  /** Kbit/s. */
  readonly maxNetbwIngress: number | undefined;
}

export interface MetadataSettings {
  readonly baseUrl?: string;
  readonly timeoutMs?: number;
  readonly nowMs?: () => number;
}

const TOKEN_SECONDS = 21_600;
/** A token is renewed this long before its end, so that none runs out between the two requests. */
const TOKEN_MARGIN_MS = 300_000;
/** A service of the first generation is asked again after this long whether it has become one of the second. */
const FIRST_GENERATION_MS = 600_000;
const LONGEST_ANSWER_BYTES = 65_536;

interface Token {
  /** Undefined: this service is of the first generation and knows no tokens. */
  readonly value: string | undefined;
  readonly goodForMs: number;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/**
 * The metadata service in its hardened mode: a token first, then the questions.
 *
 * Without a token it is asked only if it answered the request for one with 404, that is, if it knows no tokens at all. A token
 * that is refused or does not come is an error: to ask without one would undo what the hardened mode is for.
 */
export function instanceMetadata({
  baseUrl = METADATA_URL,
  timeoutMs = 1000,
  nowMs = Date.now,
}: MetadataSettings = {}): InstanceMetadata {
  const base = baseUrl.replace(/\/+$/, "");
  let current: Promise<Token> | undefined;
  let renewAtMs = 0;

  function token(): Promise<Token> {
    if (current && nowMs() < renewAtMs) return current;
    const asked = askForToken();
    current = asked;
    renewAtMs = Number.POSITIVE_INFINITY; // Until it is there, everybody waits for this one.
    void keep(asked);
    return asked;
  }

  async function keep(asked: Promise<Token>): Promise<void> {
    try {
      const { goodForMs } = await asked;
      if (current === asked) renewAtMs = nowMs() + goodForMs;
    } catch {
      if (current === asked) current = undefined; // A failure is not remembered; whoever asked hears of it.
    }
  }

  async function askForToken(): Promise<Token> {
    const { status, text } = await exchange(`${base}/latest/api/token`, "PUT", timeoutMs, {
      "X-aliyun-ecs-metadata-token-ttl-seconds": String(TOKEN_SECONDS),
    });
    if (status === 404) return { value: undefined, goodForMs: FIRST_GENERATION_MS };
    if (status !== 200 || !isToken(text)) throw unreadable("a token", `HTTP ${status}`, base);
    return { value: text, goodForMs: TOKEN_SECONDS * 1000 - TOKEN_MARGIN_MS };
  }

  async function ask(key: string, { value }: Token): Promise<Answer> {
    return exchange(
      `${base}/latest/meta-data/${key}`,
      "GET",
      timeoutMs,
      value === undefined ? {} : { "X-aliyun-ecs-metadata-token": value },
    );
  }

  return {
    get: async (key) => {
      const used = token();
      let answer = await ask(key, await used);
      if (answer.status === 401 || answer.status === 403) {
        // Another host took the instance over, and knows nothing of the tokens given out before.
        if (current === used) current = undefined;
        answer = await ask(key, await token());
      }
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw unreadable(key, `HTTP ${answer.status}`, base);
      return answer.text;
    },
  };
}

/**
 * Undefined where the service does not name an instance.
 *
 * @throws CloudError as {@link InstanceMetadata.get} does, or when something else answers at that address.
 */
export async function readInstanceIdentity(
  metadata: InstanceMetadata,
): Promise<InstanceIdentity | undefined> {
  const [instanceId, regionId, accountId, instanceType, maxNetbwIngress] = await Promise.all([
    readWord(metadata, "instance-id"),
    readWord(metadata, "region-id"),
    readWord(metadata, "owner-account-id"),
    readWord(metadata, "instance/instance-type"),
    readWord(metadata, "instance/max-netbw-ingress"),
  ]);
  if (instanceId === undefined || regionId === undefined) return undefined;
  return {
    instanceId,
    regionId,
    accountId,
    instanceType,
    maxNetbwIngress:
      maxNetbwIngress !== undefined && /^\d+$/.test(maxNetbwIngress) ? Number(maxNetbwIngress) : undefined,
  };
}

/** On a network that is not Alibaba Cloud's, anything may answer at that address: a page of HTML is no instance id. */
async function readWord(metadata: InstanceMetadata, key: string): Promise<string | undefined> {
  const text = await metadata.get(key);
  if (text === undefined || text === "") return undefined;
  if (!/^[\w.-]{1,64}$/.test(text)) throw unreadable(key, "something else", "the metadata service");
  return text;
}

function isToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

/** One request within a deadline that covers everything from the connection to the answer's last byte. */
function exchange(
  url: string,
  method: "GET" | "PUT",
  timeoutMs: number,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const fail = (error: Error): void =>
      reject(
        new CloudError({
          code: "metadata-unreachable",
          expected: "an answer",
          got: signal.aborted ? `none within ${timeoutMs} ms` : (errorCodeOf(error) ?? error.name),
          where: `metadata service ${new URL(url).host}`,
        }),
      );
    // A connection of its own: the service closes idle ones as it likes.
    const asked = request(url, { method, headers, signal, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > LONGEST_ANSWER_BYTES) response.destroy(new Error("too long"));
      });
      response.on("error", fail);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8").trim() }),
      );
    });
    asked.on("error", fail);
    asked.end();
  });
}

function unreadable(what: string, got: string, where: string): CloudError {
  return new CloudError({ code: "metadata-unreadable", expected: what, got, where });
}
