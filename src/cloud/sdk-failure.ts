import { codeIn, plainWords } from "./plain-words.ts";

/** What an error of the SDK says about the call that threw it. */
export type SdkFailure =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly code: string | undefined;
      readonly said: string;
      readonly retryAfterMs: number | undefined;
    }
  /** The SDK's own, before it sends anything. */
  | { readonly kind: "no-credentials"; readonly code: string }
  /** It never left: no route, no name, connection refused. */
  | { readonly kind: "unsent"; readonly code: string }
  | { readonly kind: "unanswered" }
  | { readonly kind: "unreadable" }
  /** Whatever else it was, the request may have been on its way. */
  | { readonly kind: "broken"; readonly code: string };

/**
 * Tells the SDK's errors apart by name, code and status: a bundle may hold two copies of a class.
 *
 * Nothing of their messages is passed on: they carry the URL, and with it what was sent.
 */
export function failureIn(error: Error): SdkFailure {
  const { code, statusCode, retryAfter, data } = error as Error & {
    code?: unknown;
    statusCode?: unknown;
    retryAfter?: unknown;
    data?: unknown;
  };
  // Only the SDK's errors about an answer carry a status.
  if (typeof statusCode === "number" && typeof code === "string") {
    return {
      kind: "answered",
      status: statusCode,
      code: codeIn(code),
      said: plainWords((data as { Message?: unknown } | undefined)?.Message),
      retryAfterMs: typeof retryAfter === "number" && retryAfter > 0 ? retryAfter : undefined,
    };
  }
  if (code === "InvalidCredentials") return { kind: "no-credentials", code };
  if (isSyntaxError(error)) return { kind: "unreadable" };
  if (neverConnected(error)) return { kind: "unsent", code: codeOf(error) };
  if (error.name === "RequestTimeoutError") return { kind: "unanswered" };
  // The SDK's own wrong turn on an answer of `null`.
  if (error instanceof TypeError && /of (null|undefined)\b/.test(error.message))
    return { kind: "unreadable" };
  if (typeof code !== "string" && /^type of \w+ is mismatch|^The value is not a/.test(error.message)) {
    return { kind: "unreadable" };
  }
  return { kind: "broken", code: codeOf(error) };
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
