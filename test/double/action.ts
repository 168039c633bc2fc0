/** The products of the cloud that the double plays, each a file beside this one. */
export interface ActionFamily {
  /** `x-acs-version`: what tells CloudMonitor from ECS. */
  readonly version: string;
  /** RAM's name of the product: `cms` in `cms:PutCustomMetric`. */
  readonly product: string;
  readonly actions: Readonly<Record<string, Action>>;
}

/** Answers one verified call. @throws ApiError for what the gateway would refuse. */
export type Action = (call: Call) => ActionAnswer;

export interface Call {
  readonly params: ReadonlyMap<string, string>;
  readonly accessKeyId: string;
  readonly receivedAtMs: number;
}

/** The body without its RequestId, which the server adds. HTTP status 200: an action's own complaint is in its `Code`. */
export type ActionAnswer = Readonly<Record<string, unknown>>;

/** What the gateway in front of every product answers itself, with a status that is not 200. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/**
 * Reads `Name.1.Field`, `Name.2.Field`, … into one record for each number.
 *
 * Stricter than the gateway, which ignores what it does not know: a misspelt field must not pass a test.
 */
export function listParameter(
  call: Call,
  name: string,
  fields: {
    readonly required: readonly string[];
    readonly optional: readonly string[];
    readonly most: number;
  },
): Readonly<Record<string, string>>[] {
  const list: Record<string, string>[] = [];
  for (const [key, value] of call.params) {
    const match = /^(\w+)\.([1-9]\d*)\.(\w+)$/.exec(key);
    if (!match || match[1] !== name || ![...fields.required, ...fields.optional].includes(match[3]!)) {
      throw new ApiError(400, "InvalidParameter", `The parameter ${key} is not known.`);
    }
    (list[Number(match[2]) - 1] ??= {})[match[3]!] = value;
  }
  if (list.length === 0) throw new ApiError(400, `Missing${name}`, `${name} is mandatory for this action.`);
  if (list.length > fields.most) {
    throw new ApiError(
      400,
      "InvalidParameter",
      `${name} has ${list.length} entries, ${fields.most} are allowed.`,
    );
  }
  for (let i = 0; i < list.length; i++) {
    const missing = fields.required.find((field) => list[i]?.[field] === undefined);
    if (missing) throw new ApiError(400, `Missing${missing}`, `${name}.${i + 1}.${missing} is mandatory.`);
  }
  return list;
}
