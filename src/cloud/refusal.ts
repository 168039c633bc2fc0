import { CloudError } from "../errors.ts";
import { type AskedFor, denialOf, NOT_PERMITTED, type PolicyName } from "./denial.ts";
import { codeIn, plainWords, speaksOfRate } from "./plain-words.ts";
import { failureIn, type SdkFailure } from "./sdk-failure.ts";

/** Whether a call that failed may be sent again. */
export type Repeat =
  /** It would fail again. */
  | "pointless"
  /** It was certainly not taken. */
  | "safe"
  /** It may have been taken. */
  | "unclear";

/** A call that the cloud would not take, or that did not get there and back. */
export class RefusedCall extends CloudError {
  /** What was asked for, as RAM spells it: `cms:PutContact`. */
  readonly ramAction: string;
  /** The policy that allows it. */
  readonly policy: PolicyName;
  /** The cloud's own code, where it gave one: `ContactNotExists`. */
  readonly cloudCode: string | undefined;
  /** The cloud's own words, without what must not be shown. */
  readonly said: string;
  readonly repeat: Repeat;

  constructor({ code, why, to, cloudCode, said = "", repeat = "pointless" }: Refusal) {
    super({
      code,
      expected: "success",
      got: why,
      where: `${to.ramAction} at ${to.host}`,
    });
    this.ramAction = to.ramAction;
    this.policy = to.policy;
    this.cloudCode = cloudCode;
    this.said = said;
    this.repeat = repeat;
  }
}

/** Which call it was, and where it went. */
export interface Addressee extends AskedFor {
  /** Without any query. */
  readonly host: string;
}

interface Refusal {
  readonly code: string;
  readonly why: string;
  readonly to: Addressee;
  readonly cloudCode?: string | undefined;
  readonly said?: string;
  readonly repeat?: Repeat;
}

/** The body of an answer that says yes; each product says no in a way of its own, and often with HTTP 200. */
export function refusalInBody(body: unknown, to: Addressee): RefusedCall | undefined {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return unreadable(to);
  const { Code, Success, Message } = body as { Code?: unknown; Success?: unknown; Message?: unknown };
  const isNo = Success === false || Success === "false";
  if (Code === undefined) return isNo ? saysNo(undefined, plainWords(Message), to) : undefined;
  if (typeof Code !== "string" && typeof Code !== "number") return unreadable(to);
  const code = String(Code);
  if (!isNo && (code === "200" || code === "OK" || code === "Success")) return undefined;
  return saysNo(codeIn(code), plainWords(Message), to);
}

/** @param error what a call of the SDK threw. */
export function refusalInError(error: Error, to: Addressee): RefusedCall {
  const failure = failureIn(error);
  switch (failure.kind) {
    case "answered":
      return saysNo(failure.code ?? `HTTP ${failure.status}`, failure.said, to, failure);
    case "no-credentials":
      return saysNo(failure.code, "", to);
    case "unsent":
      return unreachable(failure.code, to);
    case "unanswered":
      return unanswered(to);
    case "unreadable":
      return unreadable(to);
    case "broken":
      return new RefusedCall({
        code: "cloud-silent",
        why: `a connection that failed with ${failure.code}`,
        to,
        repeat: "unclear",
      });
  }
}

export function unreachable(errorCode: string, to: Addressee): RefusedCall {
  return new RefusedCall({
    code: "cloud-unreachable",
    why: `${errorCode}: it cannot be reached from here (a route, a name server or another endpoint would help)`,
    to,
    repeat: "safe",
  });
}

export function unanswered(to: Addressee): RefusedCall {
  return new RefusedCall({ code: "cloud-silent", why: "no answer in time", to, repeat: "unclear" });
}

function unreadable(to: Addressee): RefusedCall {
  return new RefusedCall({
    code: "cloud-unreadable",
    why: "an answer that cannot be read",
    to,
    repeat: "unclear",
  });
}

function saysNo(
  cloudCode: string | undefined,
  said: string,
  to: Addressee,
  answer?: SdkFailure & { kind: "answered" },
): RefusedCall {
  const shown = cloudCode ?? "an answer without a code";
  const isThrottled =
    answer?.status === 429 || shown.includes("Throttling") || (shown === "403" && speaksOfRate(said));
  if (isThrottled) {
    return new RefusedCall({
      code: "throttled",
      why: `${shown}: too many calls at once, by this account`,
      to,
      cloudCode,
      said,
      repeat: "safe",
    });
  }
  const denial =
    denialOf(shown) ?? (answer && [401, 403].includes(answer.status) ? NOT_PERMITTED : undefined);
  if (denial) {
    return new RefusedCall({
      code: denial.name,
      why: `${shown}: ${denial.mend(to)}`,
      to,
      cloudCode,
      said,
    });
  }
  const isTrouble =
    answer?.status === 408 ||
    (answer?.status ?? 0) >= 500 ||
    /^5\d\d$|^InternalError|^ServiceUnav/.test(shown);
  return new RefusedCall({
    code: isTrouble ? "cloud-trouble" : "cloud-refused",
    why: `${shown}: ${said}`,
    to,
    cloudCode,
    said,
    // The gateway has seen this very request: the copy before it may have been taken.
    repeat: isTrouble || shown === "SignatureNonceUsed" ? "unclear" : "pointless",
  });
}
