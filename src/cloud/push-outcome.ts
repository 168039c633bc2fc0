import type { PushOutcome } from "../core/delivery.ts";

/** The calls that push; each is also the name of the RAM action it needs. */
export type PushAction = "PutCustomMetric" | "PutCustomEvent";

/**
 * What an answer of the SDK, or what it threw, says about the call.
 *
 * Nothing of the SDK's own error messages is passed on: they carry the URL, and with it what was pushed. CloudMonitor's own words
 * are, without what could be a key.
 */
export function pushOutcomeOf(came: unknown, action: PushAction): PushOutcome {
  return came instanceof Error ? outcomeOfError(came, action) : outcomeOfAnswer(came, action);
}

/** HTTP 200 is not success: the body's own code decides. */
function outcomeOfAnswer(answer: unknown, action: PushAction): PushOutcome {
  const { statusCode, body } = (answer ?? {}) as { statusCode?: unknown; body?: unknown };
  if (typeof statusCode === "number" && (statusCode < 200 || statusCode > 299)) {
    return { kind: "ambiguous", reason: `an answer with HTTP status ${statusCode}` };
  }
  const { code: given, message } = (body ?? {}) as { code?: unknown; message?: unknown };
  const code = typeof given === "string" ? codeIn(given) : undefined;
  if (code === undefined) return unreadable;
  const said = plainWords(message);
  switch (code) {
    case "200":
      return { kind: "accepted" };
    case "206":
      return { kind: "partly-accepted", reason: said };
    case "400":
      return { kind: "refused", code, reason: said };
    case "403":
      // The same code stands for "not authorised" and for "too fast".
      return /rate ?limit|flow control|throttl|too (many|frequent)/i.test(said)
        ? { kind: "throttled", retryAfterMs: undefined }
        : denied(code, action);
    default:
      return (
        outcomeOfCode(code, undefined, action) ??
        (/^(4\d\d$|Missing|Invalid)/.test(code)
          ? { kind: "refused", code, reason: said }
          : afterTrouble(code))
      );
  }
}

function outcomeOfError(error: Error, action: PushAction): PushOutcome {
  const { code, statusCode, retryAfter, data } = error as Error & {
    code?: unknown;
    statusCode?: unknown;
    retryAfter?: unknown;
    data?: unknown;
  };
  // Only the SDK's errors about an answer carry a status.
  if (typeof statusCode === "number" && typeof code === "string") {
    const known = codeIn(code);
    const said = plainWords((data as { Message?: unknown } | undefined)?.Message);
    const wait = typeof retryAfter === "number" && retryAfter > 0 ? retryAfter : undefined;
    return (
      (known === undefined ? undefined : outcomeOfCode(known, wait, action)) ??
      outcomeOfStatus(statusCode, known, said, wait, action)
    );
  }
  if (code === "InvalidCredentials") return denied(code, action); // The SDK's own, before it sends anything.
  if (isSyntaxError(error)) return unreadable;
  if (neverConnected(error)) return { kind: "unsent", code: codeOf(error) };
  if (error.name === "RequestTimeoutError") return unanswered;
  // The SDK's own wrong turn on an answer of `null`.
  if (error instanceof TypeError && /of (null|undefined)\b/.test(error.message)) return unreadable;
  if (typeof code !== "string" && /^type of \w+ is mismatch/.test(error.message)) return unreadable;
  // Whatever else it was, the request may have been on its way.
  return { kind: "ambiguous", reason: `the connection failed with ${codeOf(error)}` };
}

const unreadable: PushOutcome = { kind: "ambiguous", reason: "an answer that cannot be read" };
export const unanswered: PushOutcome = { kind: "ambiguous", reason: "no answer in time" };

/** The gateway's codes that mean the same under any HTTP status. */
function outcomeOfCode(
  code: string,
  retryAfterMs: number | undefined,
  action: PushAction,
): PushOutcome | undefined {
  if (code.includes("Throttling")) return { kind: "throttled", retryAfterMs };
  // The gateway has seen this very request: the copy before it may have been taken.
  if (code === "SignatureNonceUsed") return afterTrouble(code);
  if (DENIALS.some(({ codes }) => codes.test(code))) return denied(code, action);
  return undefined;
}

function outcomeOfStatus(
  status: number,
  code: string | undefined,
  said: string,
  retryAfterMs: number | undefined,
  action: PushAction,
): PushOutcome {
  const shown = code ?? `HTTP ${status}`;
  if (status === 429) return { kind: "throttled", retryAfterMs };
  if (status === 401 || status === 403 || status === 404) return denied(shown, action);
  // A request timeout is the server's word for a request that it has not seen the end of.
  if (status === 408 || status >= 500) return afterTrouble(shown);
  return { kind: "refused", code: shown, reason: said };
}

/** The server failed on its way, which says nothing about how far it came. */
function afterTrouble(code: string): PushOutcome {
  return { kind: "ambiguous", reason: `the server answered ${code}` };
}

/** In the order they are tried. What mends each is ours to say: the gateway's texts show what it computed from our key. */
const DENIALS: readonly { readonly codes: RegExp; readonly mend: (action: PushAction) => string }[] = [
  {
    codes: /^InvalidTimeStamp/,
    mend: () => "the clock of this machine is more than 15 minutes off: set it, by chrony or ntpd",
  },
  {
    codes: /^InvalidAccessKeyId/,
    mend: () => "the access key does not exist or is disabled: give one that is in use",
  },
  {
    codes: /^(SignatureDoesNotMatch|IncompleteSignature)/,
    mend: () => "the access key's secret does not belong to its id: give the pair anew",
  },
  {
    codes: /^(InvalidSecurityToken|MissingSecurityToken)/,
    mend: () => "the security token is missing, wrong or has expired: fetch it anew",
  },
  {
    codes: /^InvalidCredential/,
    mend: () => "there are no usable credentials: attach a RAM role to the instance, or give an access key",
  },
  {
    codes: /^(InvalidApi|InvalidAction|InvalidVersion|InvalidProduct|HTTP 404$)/,
    mend: (action) => `what listens there does not know ${action}: check the endpoint`,
  },
  {
    codes: /^(Forbidden|NoPermission|Unauthorized|403$|HTTP 40[13]$)/,
    mend: (action) =>
      `the RAM role or user may not do this: allow it cms:${action} (softnet doctor --policy prints the policy)`,
  },
];

function denied(code: string, action: PushAction): PushOutcome {
  const mend = DENIALS.find(({ codes }) => codes.test(code))?.mend ?? DENIALS.at(-1)!.mend;
  return { kind: "denied", code, reason: mend(action) };
}

/** Node names the call that failed; an address list that failed as a whole holds one such error each. */
function neverConnected(error: Error): boolean {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.every((each) => each instanceof Error && neverConnected(each));
  }
  if ("syscall" in error && (error.syscall === "connect" || error.syscall === "getaddrinfo")) return true;
  // A certificate that does not verify ends the handshake, before anything of the request is sent.
  return /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_)/.test(codeOf(error));
}

/** `JSON.parse` may come from the SDK or its bundle, so the name decides, not the class. */
function isSyntaxError(error: Error): boolean {
  return error instanceof SyntaxError || error.name === "SyntaxError";
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

/** A code that may be shown. The SDK makes the text "undefined" of one that the answer did not have. */
function codeIn(text: string): string | undefined {
  return /^[\w.-]{1,64}$/.test(text) && text !== "undefined" && text !== "null" ? text : undefined;
}

const LONGEST_WORDS = 200;
const NO_WORDS = "no reason given";

/** The cloud's own words on one line, without what could hold a URL, a key, a token or what was signed. */
function plainWords(message: unknown): string {
  if (typeof message !== "string") return NO_WORDS;
  const plain = message
    .replaceAll(/\s+/g, " ")
    .replace(/,? ?(server )?string to sign.*/i, "")
    .replaceAll(/\bhttps?:\/\/\S+/gi, "(address)")
    .replaceAll(/\b(LTAI|STS\.|TMP\.)[\w.]+/g, "(key)")
    .replaceAll(/[\w+/=%]{40,}/g, "(token)")
    .trim();
  return plain === "" ? NO_WORDS : plain.slice(0, LONGEST_WORDS);
}
