import type { PushOutcome } from "../core/delivery.ts";
import { denialOf, NOT_PERMITTED } from "./denial.ts";
import { codeIn, plainWords, speaksOfRate } from "./plain-words.ts";
import { failureIn } from "./sdk-failure.ts";

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
      return speaksOfRate(said) ? { kind: "throttled", retryAfterMs: undefined } : denied(code, action);
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
  const failure = failureIn(error);
  switch (failure.kind) {
    case "answered": {
      const { status, code, said, retryAfterMs } = failure;
      return (
        (code === undefined ? undefined : outcomeOfCode(code, retryAfterMs, action)) ??
        outcomeOfStatus(status, code, said, retryAfterMs, action)
      );
    }
    case "no-credentials":
      return denied(failure.code, action);
    case "unsent":
      return { kind: "unsent", code: failure.code };
    case "unanswered":
      return unanswered;
    case "unreadable":
      return unreadable;
    case "broken":
      return { kind: "ambiguous", reason: `the connection failed with ${failure.code}` };
  }
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
  if (denialOf(code)) return denied(code, action);
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

function denied(code: string, action: PushAction): PushOutcome {
  const { mend } = denialOf(code) ?? NOT_PERMITTED;
  return { kind: "denied", code, reason: mend({ ramAction: `cms:${action}`, policy: "agent" }) };
}
