import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import {
  canonicalRequest,
  headersThatMustBeSigned,
  parseAuthorization,
  parseQuery,
  sha256,
  signatureOf,
  signaturesEqual,
  splitUrl,
  type WireRequest,
} from "./acs3.ts";
import { type Action, type ActionFamily, ApiError } from "./action.ts";
import { type Fault, jsonAnswer, type RawAnswer } from "./faults.ts";

/** Somebody who may sign. */
export interface CloudUser {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** Temporary credentials come with one, and are refused without it. */
  readonly securityToken?: string;
  readonly tokenExpiresAtMs?: number;
  /** RAM actions such as `cms:PutCustomMetric`; undefined is all. */
  readonly allowed?: readonly string[];
}

export interface CloudOptions {
  /** Read at each call, so that a test may add and remove users. */
  readonly users: readonly CloudUser[];
  readonly families: readonly ActionFamily[];
  readonly nowMs?: () => number;
  /** Whether a refusal says which RAM action is missing: a newer gateway does, so nobody may rely on it. */
  readonly explainsDenials?: boolean;
}

/** One request, and what became of it. */
export interface SeenRequest {
  readonly action: string | undefined;
  readonly version: string | undefined;
  readonly accessKeyId: string | undefined;
  readonly userAgent: string | undefined;
  /** All parameters as one text: two requests that push the same bytes have the same. */
  readonly parameters: string;
  /** Whether the product did what was asked. */
  readonly taken: boolean;
  /** The name of the fault that was injected. */
  readonly fault: string | undefined;
  /** Undefined where no answer was given. */
  readonly answer: { readonly status: number; readonly code: string | undefined } | undefined;
}

export type ChooseFault = (nth: number, action: string | undefined) => Fault | undefined;

export interface CloudDouble extends AsyncDisposable {
  /** `http://127.0.0.1:…` */
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** Decides call by call what goes wrong, counted from 0 since this was set; undefined is nothing. */
  failBy(choose: ChooseFault): void;
}

const LONGEST_SKEW_MS = 15 * 60_000;
const LONGEST_HEADERS_BYTES = 128 * 1024;
/** Slow for a person, and well within every timeout of ours. */
const LATE_MS = 300;

/**
 * Plays the gateway of the cloud: it checks what the real one checks, signature first, and refuses what that would refuse. The
 * products behind it are families of actions.
 */
export async function startCloudDouble(options: CloudOptions): Promise<CloudDouble> {
  const nowMs = options.nowMs ?? Date.now;
  const requests: SeenRequest[] = [];
  const usedNonces = new Set<string>();
  let chooseFault: ChooseFault = () => undefined;
  let nth = 0;

  function answerTo(request: WireRequest, taking: boolean): Answered {
    try {
      const { action, params, accessKeyId } = verify(request, options, usedNonces, nowMs());
      if (!taking) return { taken: false, answer: jsonAnswer(200, {}) };
      const body = action({ params, accessKeyId, receivedAtMs: nowMs() });
      // ECS and STS have no code of their own, and CloudMonitor prints some of its codes as a number.
      const taken = [undefined, 200, "200", "206"].includes(body["Code"] as string | number | undefined);
      return { taken, answer: jsonAnswer(200, { RequestId: requestId(requests.length), ...body }) };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { taken: false, answer: gatewayAnswer(error, requests.length) };
    }
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming);
    const fault = chooseFault(nth++, headerOf(request, "x-acs-action"));
    const { taken, answer } = answerTo(request, fault?.taken ?? true);
    const given = fault && fault.how !== "late" ? fault.how : answer;
    requests.push({
      action: headerOf(request, "x-acs-action"),
      version: headerOf(request, "x-acs-version"),
      accessKeyId: parseAuthorization(headerOf(request, "authorization"))?.accessKeyId,
      userAgent: headerOf(request, "user-agent"),
      parameters: splitUrl(request.url)[1],
      taken,
      fault: fault?.name,
      answer: typeof given === "string" ? undefined : { status: given.status, code: codeOf(given) },
    });
    if (fault?.how === "late") setTimeout(() => give(given, incoming, response), LATE_MS);
    else give(given, incoming, response);
  }

  const server = createServer({ maxHeaderSize: 1 << 20 }, (incoming, response) => {
    serve(incoming, response).catch((error: unknown) => {
      // A bug of the double must fail the test that meets it, not look like one of the cloud's faults.
      process.exitCode = 1;
      console.error("the cloud's double failed:", error);
      incoming.socket.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    failBy: (choose) => {
      chooseFault = choose;
      nth = 0;
    },
    [Symbol.asyncDispose]: async () => {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

interface Answered {
  readonly taken: boolean;
  readonly answer: RawAnswer;
}

interface Verified {
  readonly action: Action;
  readonly params: ReadonlyMap<string, string>;
  readonly accessKeyId: string;
}

/** @throws ApiError where the gateway would not let the request through. */
function verify(
  request: WireRequest,
  { users, families, explainsDenials = false }: CloudOptions,
  usedNonces: Set<string>,
  nowMs: number,
): Verified {
  const [path, query] = splitUrl(request.url);
  if (request.method !== "POST" && request.method !== "GET") {
    throw new ApiError(405, "UnsupportedHTTPMethod", "This http method is not supported.");
  }
  if (path !== "/") throw new ApiError(404, "InvalidApi.NotFound", "Specified api is not found.");
  if (request.url.length > LONGEST_HEADERS_BYTES) {
    throw new ApiError(400, "RequestTooLarge", "The headers and the query are too large.");
  }
  const name = required(request, "x-acs-action");
  const version = required(request, "x-acs-version");
  const family = families.find((each) => each.version === version && Object.hasOwn(each.actions, name));
  if (!family) {
    const known = families.some((each) => each.version === version);
    throw known
      ? new ApiError(404, "InvalidAction.NotFound", "Specified api is not found.")
      : new ApiError(400, "InvalidVersion", "Specified parameter Version is not valid.");
  }
  checkDate(required(request, "x-acs-date"), nowMs);
  const nonce = required(request, "x-acs-signature-nonce");
  const user = checkSignature(request, users, nowMs);
  if (usedNonces.has(nonce)) {
    throw new ApiError(400, "SignatureNonceUsed", "Specified signature nonce was used already.");
  }
  usedNonces.add(nonce);
  const ramAction = `${family.product}:${name}`;
  if (!family.needsNoGrant && user.allowed && !user.allowed.includes(ramAction)) {
    throw denial(ramAction, user, explainsDenials);
  }
  const params = new Map(parseQuery(query));
  if (params.size !== parseQuery(query).length) {
    throw new ApiError(400, "InvalidParameter", "A parameter was given twice.");
  }
  return { action: family.actions[name]!, params, accessKeyId: user.accessKeyId };
}

/** The products word it differently; neither message says what is missing. */
function denial(ramAction: string, user: CloudUser, isExplained: boolean): ApiError {
  const [code, message] = ramAction.startsWith("ecs:")
    ? [
        "Forbidden.RAM",
        "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
      ]
    : ["NoPermission", "You are not authorized to do this action. You should be authorized by RAM."];
  const detail = {
    AuthAction: ramAction,
    AuthPrincipalType: user.securityToken === undefined ? "SubUser" : "AssumedRoleUser",
    NoPermissionType: "ImplicitDeny",
    PolicyType: "AccountLevelIdentityBasedPolicy",
  };
  return new ApiError(403, code, message, {}, isExplained ? { AccessDeniedDetail: detail } : {});
}

function checkDate(text: string, nowMs: number): void {
  const timeMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs)) {
    throw new ApiError(
      400,
      "InvalidTimeStamp.Format",
      "Specified time stamp or date value is not well formatted.",
    );
  }
  if (Math.abs(timeMs - nowMs) > LONGEST_SKEW_MS) {
    throw new ApiError(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.");
  }
}

/** @throws ApiError unless a known user signed exactly this request. */
function checkSignature(request: WireRequest, users: readonly CloudUser[], nowMs: number): CloudUser {
  const authorization = parseAuthorization(headerOf(request, "authorization"));
  if (!authorization) {
    throw new ApiError(
      400,
      "IncompleteSignature",
      "The request signature does not conform to Aliyun standards.",
    );
  }
  const user = users.find(({ accessKeyId }) => accessKeyId === authorization.accessKeyId);
  if (!user) throw new ApiError(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.");
  checkToken(request, user, nowMs);
  const mustBeSigned = headersThatMustBeSigned(request.headers);
  const canonical = canonicalRequest(request, authorization.signedHeaders);
  const matches =
    mustBeSigned.join(";") === authorization.signedHeaders.join(";") &&
    sha256(request.body) === headerOf(request, "x-acs-content-sha256") &&
    signaturesEqual(signatureOf(canonical, user.accessKeySecret), authorization.signature);
  if (!matches) {
    // The real gateway shows what it signed, and with it all that was sent: a message that must not reach a log.
    const toSign = canonical.replaceAll("\n", " ");
    throw new ApiError(
      400,
      "SignatureDoesNotMatch",
      `Specified signature is not matched, server string to sign is: ${toSign}`,
    );
  }
  return user;
}

function checkToken(request: WireRequest, user: CloudUser, nowMs: number): void {
  const token = headerOf(request, "x-acs-security-token");
  if (user.securityToken === undefined && token === undefined) return;
  if (token === undefined)
    throw new ApiError(400, "MissingSecurityToken", "SecurityToken is mandatory for this action.");
  if (token !== user.securityToken || headerOf(request, "x-acs-accesskey-id") !== user.accessKeyId) {
    throw new ApiError(
      400,
      "InvalidSecurityToken.MismatchWithAccessKey",
      "Specified SecurityToken mismatch with the AccessKey.",
    );
  }
  if (user.tokenExpiresAtMs !== undefined && nowMs >= user.tokenExpiresAtMs) {
    throw new ApiError(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.");
  }
}

function required(request: WireRequest, name: string): string {
  const value = headerOf(request, name);
  if (value === undefined || value === "")
    throw new ApiError(400, `Missing.${name}`, `${name} is mandatory.`);
  return value;
}

function headerOf(request: WireRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

function gatewayAnswer(error: ApiError, nth: number): RawAnswer {
  return jsonAnswer(
    error.status,
    {
      RequestId: requestId(nth),
      HostId: "metrics.test",
      Code: error.code,
      Message: error.message,
      Recommend: `https://api.aliyun.com/troubleshoot?q=${error.code}`,
      ...error.extra,
    },
    error.headers,
  );
}

function requestId(nth: number): string {
  return `00000000-0000-4000-8000-${String(nth).padStart(12, "0")}`;
}

function codeOf({ body }: RawAnswer): string | undefined {
  return /"Code":"?([^",}]*)/.exec(body)?.[1];
}

async function readRequest(incoming: IncomingMessage): Promise<WireRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return {
    method: incoming.method ?? "",
    url: incoming.url ?? "",
    headers: incoming.headers,
    body: Buffer.concat(chunks),
  };
}

function give(how: Fault["how"], incoming: IncomingMessage, response: ServerResponse): void {
  if (how === "stall" || how === "late") return;
  if (how === "reset") {
    incoming.socket.resetAndDestroy();
    return;
  }
  if (how === "drip") {
    response.writeHead(200, { "content-type": "application/json;charset=utf-8", "content-length": "1000" });
    const timer = setInterval(() => response.write(" "), 50);
    response.on("close", () => clearInterval(timer));
    return;
  }
  response.writeHead(how.status, how.headers);
  response.end(how.body);
}
