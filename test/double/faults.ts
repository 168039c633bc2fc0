/** What goes wrong with one call. */
export interface Fault {
  readonly name: string;
  /** Whether the product behind the gateway did its work all the same: then the caller cannot know. */
  readonly taken: boolean;
  /** `late` is the true answer, after a while. */
  readonly how: "stall" | "drip" | "reset" | "late" | RawAnswer;
}

/** Answered as it stands. */
export interface RawAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

const JSON_TYPE = { "content-type": "application/json;charset=utf-8" };

/** An answer of the gateway or of the product in JSON. */
export function jsonAnswer(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): RawAnswer {
  return { status, headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) };
}

function gatewayError(status: number, code: string, message: string, headers = {}): RawAnswer {
  return jsonAnswer(
    status,
    { RequestId: "FAULT", HostId: "metrics.test", Code: code, Message: message, Recommend: "none" },
    headers,
  );
}

/** The call was certainly not taken, and the answer says so. */
export const CLEAR_FAULTS = {
  throttled: gatewayError(400, "Throttling.User", "Request was denied due to user flow control."),
  throttledWithWait: gatewayError(429, "Throttling.Api", "Request was denied due to api flow control.", {
    "x-acs-retry-after": "700",
  }),
  rateLimitedInBody: jsonAnswer(200, { RequestId: "FAULT", Code: "403", Message: "rate limit exceeded" }),
} as const satisfies Record<string, RawAnswer>;

/** After these the caller cannot know: each happens both before and after the work was done. */
export const UNCLEAR_FAULTS = {
  reset: "reset",
  stall: "stall",
  drip: "drip",
  unavailableHtml: {
    status: 503,
    headers: { "content-type": "text/html" },
    body: "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>",
  },
  internalError: gatewayError(
    500,
    "InternalError",
    "The request processing has failed due to some unknown error.",
  ),
  unavailable: gatewayError(503, "ServiceUnavailable", "The request has failed due to a temporary failure."),
  serverErrorInBody: jsonAnswer(200, { RequestId: "FAULT", Code: "500", Message: "server error" }),
  malformed: { status: 200, headers: JSON_TYPE, body: '{"RequestId":"FAULT","Code":"20' },
  empty: { status: 200, headers: JSON_TYPE, body: "" },
  null: { status: 200, headers: JSON_TYPE, body: "null" },
  list: { status: 200, headers: JSON_TYPE, body: "[]" },
  wrongType: { status: 200, headers: JSON_TYPE, body: '{"RequestId":"FAULT","Code":{}}' },
} as const satisfies Record<string, Fault["how"]>;
