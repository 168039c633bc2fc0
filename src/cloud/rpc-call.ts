import { setTimeout as wait } from "node:timers/promises";

import { CloudError } from "../errors.ts";
import { clientSettings } from "./client-settings.ts";
import type { CredentialProvider, Credentials } from "./credentials.ts";
import { withinDeadline } from "./deadline.ts";
import type { AskedFor } from "./denial.ts";
import type { Endpoint, EndpointChoice } from "./endpoint.ts";
import {
  type Addressee,
  refusalInBody,
  refusalInError,
  RefusedCall,
  unanswered,
  unreachable,
} from "./refusal.ts";

/** As RAM spells a product. */
export type Product = "cms" | "sts" | "ecs" | "oos";

/** Lists become `Name.1`, `Name.2`, …, records `Name.Field`; what is undefined is left out. */
export type RpcParam =
  | string
  | number
  | boolean
  | undefined
  | readonly RpcParam[]
  | { readonly [name: string]: RpcParam };

export type RpcBody = Readonly<Record<string, unknown>>;

/** How an operator's verb gets to one product of the cloud. */
export interface CloudAccess {
  readonly credentials: CredentialProvider;
  readonly endpoint: EndpointChoice;
  /** How long one try may take. */
  readonly timeoutMs?: number;
  readonly tries?: number;
  readonly pause?: (ms: number) => Promise<unknown>;
}

export interface RpcCall extends CloudAccess {
  readonly product: Product;
  /** Of the product's interface: `2019-01-01`. */
  readonly version: string;
  readonly action: string;
  readonly params?: Readonly<Record<string, RpcParam>>;
  /** Whether a second time does what one time does. Reading calls are, unless it says otherwise. */
  readonly isRepeatable?: boolean;
}

const TIMEOUT_MS = 8000;
const TRIES = 4;
const FIRST_PAUSE_MS = 500;

/**
 * Calls an action of a product and gives back the body of its answer.
 *
 * What was certainly not taken is sent again, and what may have been taken only where the call is repeatable, after a pause
 * that doubles each time.
 *
 * @throws RefusedCall when the cloud says no, or nothing; CloudError `no-credentials`.
 */
export async function callRpc(call: RpcCall): Promise<RpcBody> {
  const { tries = TRIES, pause = wait, isRepeatable = /^(Describe|Get|List)/.test(call.action) } = call;
  const credentials = await credentialsFor(call);
  let pauseMs = FIRST_PAUSE_MS;
  for (let left = tries - 1; ; left--) {
    const came = await tryOnce(call, credentials);
    if (!(came instanceof RefusedCall)) return came;
    const mayRepeat = came.repeat === "safe" || (came.repeat === "unclear" && isRepeatable);
    if (!mayRepeat || left <= 0 || cannotBeReached(came, call)) throw came;
    await pause(pauseMs);
    pauseMs *= 2;
  }
}

/** Another endpoint may answer where the last one is gone; the only one will not be there a second later either. */
function cannotBeReached({ code }: RefusedCall, { endpoint }: RpcCall): boolean {
  return code === "cloud-unreachable" && endpoint.endpoints.length === 1;
}

async function tryOnce(call: RpcCall, credentials: Credentials): Promise<RpcBody | RefusedCall> {
  const asked = askedFor(call);
  const reached = await call.endpoint.now();
  if ("code" in reached) {
    const hosts = call.endpoint.endpoints.map(({ host }) => host).join(" and ");
    throw unreachable(reached.code, { ...asked, host: hosts });
  }
  const to: Addressee = { ...asked, host: reached.endpoint.host };
  const came = await withinDeadline(
    send(call, reached.endpoint, credentials).then(
      (body) => refusalInBody(body, to) ?? (body as RpcBody),
      (error: unknown) => {
        if (error instanceof Error) return refusalInError(error, to);
        throw error;
      },
    ),
    call.timeoutMs ?? TIMEOUT_MS,
    unanswered(to),
  );
  const gone =
    came instanceof RefusedCall && (came.code === "cloud-unreachable" || came.code === "cloud-silent");
  call.endpoint.settle(gone ? undefined : reached.endpoint);
  return came;
}

/** Alarms and doctor need to know of instances and no more; who may do more to them is another's business. */
function askedFor({ product, action }: RpcCall): AskedFor {
  const isSetup = product === "cms" || product === "sts" || action === "DescribeInstances";
  return { ramAction: `${product}:${action}`, policy: isSetup ? "setup" : "remediation" };
}

async function send(
  { version, action, params = {}, timeoutMs = TIMEOUT_MS }: RpcCall,
  endpoint: Endpoint,
  credentials: Credentials,
): Promise<unknown> {
  const { Config, OpenApiRequest, Params, RpcClient } = await import("./rpc-sdk.ts");
  const client = new RpcClient(new Config(clientSettings(endpoint, credentials, timeoutMs)));
  const { body } = await client.callApi(
    new Params({
      action,
      version,
      protocol: endpoint.protocol,
      method: "POST",
      authType: "AK",
      style: "RPC",
      pathname: "/",
      reqBodyType: "formData",
      bodyType: "json",
    }),
    new OpenApiRequest({ query: flattened(params) }),
    // Timeouts are the client's, and repeats are ours.
    {} as Parameters<InstanceType<typeof RpcClient>["callApi"]>[2],
  );
  return body;
}

/** As RPC spells nested parameters: `Channels.Mail`, `ContactNames.1`. */
function flattened(params: Readonly<Record<string, RpcParam>>): Record<string, string> {
  const flat: Record<string, string> = {};
  const add = (name: string, value: RpcParam): void => {
    if (value === undefined) return;
    if (typeof value !== "object") {
      flat[name] = String(value);
      return;
    }
    const fields = Array.isArray(value)
      ? value.map((each, i) => [i + 1, each] as const)
      : Object.entries(value);
    for (const [field, each] of fields) add(`${name}.${field}`, each as RpcParam);
  };
  for (const [name, value] of Object.entries(params)) add(name, value);
  return flat;
}

async function credentialsFor({ credentials }: CloudAccess): Promise<Credentials> {
  const found = await credentials();
  if (found) return found;
  throw new CloudError({
    code: "no-credentials",
    expected:
      "ALIBABA_CLOUD_ACCESS_KEY_ID and its secret, a profile of the Alibaba Cloud CLI (aliyun configure), or a RAM role on this instance",
    got: "none of them",
    where: "credentials",
  });
}
