/** The products of the cloud that the double plays, each a file beside this one. */
export interface ActionFamily {
  /** `x-acs-version`: what tells CloudMonitor from ECS. */
  readonly version: string;
  /** RAM's name of the product: `cms` in `cms:PutCustomMetric`. */
  readonly product: string;
  /** Whoever may sign may call it: RAM is not asked. */
  readonly needsNoGrant?: true;
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
  /** Beside the fields that every refusal has. */
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    extra: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.extra = extra;
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

/**
 * The parameters of one call, taken one by one; what is left at the end is unknown and refused.
 *
 * A list's entries are numbered from 1 without a gap: `RuleId.1`, `EventPattern.1.NameList.2`.
 */
export class Parameters {
  readonly #left: Map<string, string>;
  readonly #prefix: string;

  constructor(params: ReadonlyMap<string, string>, prefix = "") {
    this.#left = new Map(params);
    this.#prefix = prefix;
  }

  /** @throws ApiError `Missing…` where it is absent or empty. */
  required(name: string): string {
    const value = this.optional(name);
    if (value === undefined || value === "") throw missingParameter(this.#prefix + name);
    return value;
  }

  optional(name: string): string | undefined {
    const value = this.#left.get(name);
    this.#left.delete(name);
    return value;
  }

  /** @throws ApiError for a value that is not in the list. */
  oneOf<const Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const value = this.optional(name);
    if (value === undefined) return undefined;
    const word = words.find((each) => each === value);
    if (word === undefined) throw invalidParameter(this.#prefix + name, value);
    return word;
  }

  /** @throws ApiError for anything but a whole number in these bounds. */
  whole(name: string, least: number, most: number): number | undefined {
    const value = this.optional(name);
    if (value === undefined) return undefined;
    if (!/^\d{1,15}$/.test(value) || Number(value) < least || Number(value) > most) {
      throw invalidParameter(this.#prefix + name, value);
    }
    return Number(value);
  }

  flag(name: string): boolean | undefined {
    const word = this.oneOf(name, ["true", "false"]);
    return word === undefined ? undefined : word === "true";
  }

  /** `Name.1`, `Name.2`, …: empty where there is none. */
  list(name: string, most: number): readonly string[] {
    return this.#entries(name, most).map((entry, i) => {
      const value = entry.get("");
      if (entry.size !== 1 || value === undefined || value === "") {
        throw invalidParameter(`${this.#prefix}${name}.${i + 1}`, "");
      }
      return value;
    });
  }

  /** `Name.1.Field`, …: each entry's own parameters, to be taken and ended as these are. */
  records(name: string, most: number): readonly Parameters[] {
    return this.#entries(name, most).map(
      (entry, i) => new Parameters(entry, `${this.#prefix}${name}.${i + 1}.`),
    );
  }

  /**
   * Stricter than the gateway, which ignores what it does not know: a misspelt field must not pass a test.
   *
   * @throws ApiError for the first parameter that nobody took.
   */
  end(): void {
    for (const key of this.#left.keys()) {
      throw new ApiError(400, "InvalidParameter", `The parameter ${this.#prefix}${key} is not known.`);
    }
  }

  #entries(name: string, most: number): readonly ReadonlyMap<string, string>[] {
    const entries: Map<string, string>[] = [];
    for (const [key, value] of this.#left) {
      const match = /^([1-9]\d{0,5})(?:\.(.+))?$/.exec(
        key.startsWith(`${name}.`) ? key.slice(name.length + 1) : "",
      );
      if (!match) continue;
      (entries[Number(match[1]) - 1] ??= new Map()).set(match[2] ?? "", value);
      this.#left.delete(key);
    }
    for (let i = 0; i < entries.length; i++)
      if (!entries[i]) throw missingParameter(`${this.#prefix}${name}.${i + 1}`);
    if (entries.length > most) throw invalidParameter(this.#prefix + name, `${entries.length} entries`);
    return entries;
  }
}

function missingParameter(name: string): ApiError {
  return new ApiError(400, `Missing${name}`, `${name} is mandatory for this action.`);
}

function invalidParameter(name: string, value: string): ApiError {
  return new ApiError(400, "InvalidParameter", `The specified parameter ${name} is not valid: ${value}`);
}

/** What CloudMonitor's own actions answer when they did what was asked. */
export const DONE = { Code: "200", Message: "success", Success: true } as const satisfies ActionAnswer;

/** Their complaint, which comes with HTTP status 200. */
export function complaint(code: string, message: string): ActionAnswer {
  return { Code: code, Message: message, Success: false };
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly number: number;
  readonly size: number;
}

/** One page of a list. @throws ApiError for a page that cannot be. */
export function pageOf<Item>(
  all: readonly Item[],
  parameters: Parameters,
  names: { readonly number: string; readonly size: string; readonly defaultSize: number },
): Page<Item> {
  const number = parameters.whole(names.number, 1, 1_000_000) ?? 1;
  const size = parameters.whole(names.size, 1, 100) ?? names.defaultSize;
  return { items: all.slice((number - 1) * size, number * size), number, size };
}
