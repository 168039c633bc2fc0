import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** The instance as its metadata service tells of it. A test changes it at will. */
export interface ImdsState {
  /** Below `/latest/meta-data/`; a role's credentials are not among them. */
  keys: Record<string, string>;
  role: { name: string; credentials: RoleCredentials } | undefined;
  /** What the instance was started with, for cloud-init. */
  userData: string | undefined;
  /** `second-only` refuses a question without a token, `both` answers it, `first-only` knows no tokens. */
  generation: "second-only" | "both" | "first-only";
  /** How every request is met instead. */
  trouble: "stall" | "error" | undefined;
}

export interface RoleCredentials {
  readonly AccessKeyId: string;
  readonly AccessKeySecret: string;
  readonly SecurityToken: string;
  readonly Expiration: string;
  readonly Code?: string;
}

export interface ImdsDouble extends AsyncDisposable {
  readonly url: string;
  readonly state: ImdsState;
  /** `PUT /latest/api/token`, `GET /latest/meta-data/instance-id`, … */
  readonly requests: readonly string[];
  /** Every token given out is void: what a live migration does. */
  forgetTokens(): void;
}

/** cloud-init asks for the oldest version that it knows of. */
const VERSIONED_PATH = /^\/(?:latest|2016-01-01)\/(user-data$|meta-data\/(.*)$)/;

/** What is in a folder of keys, a name in a line; undefined where there is none. */
function listing(keys: readonly string[], folder: string): string | undefined {
  const inside = keys.filter((key) => key.startsWith(folder)).map((key) => key.slice(folder.length));
  const names = inside.map((key) => key.replace(/\/.*/, "/"));
  const isFolder = folder === "" || folder.endsWith("/");
  return isFolder && names.length > 0 ? [...new Set(names)].join("\n") : undefined;
}

export async function startImdsDouble(
  start: Partial<ImdsState> = {},
  nowMs: () => number = Date.now,
  listen: { readonly host: string; readonly port: number } = { host: "127.0.0.1", port: 0 },
): Promise<ImdsDouble> {
  const state: ImdsState = {
    keys: {
      "instance-id": "i-bp1double",
      "region-id": "cn-hangzhou",
      "owner-account-id": "1234567890123456",
      "instance/instance-type": "ecs.g7.large",
      "instance/max-netbw-ingress": "2097152",
    },
    role: undefined,
    userData: undefined,
    generation: "second-only",
    trouble: undefined,
    ...start,
  };
  const requests: string[] = [];
  const tokens = new Map<string, number>();
  let tokensGiven = 0;

  function answer(request: IncomingMessage): { status: number; text: string } {
    const path = request.url ?? "";
    if (request.headers["x-forwarded-for"] !== undefined) return { status: 403, text: "forwarded" };
    if (path === "/latest/api/token") {
      if (state.generation === "first-only") return { status: 404, text: "" };
      const seconds = Number(request.headers["x-aliyun-ecs-metadata-token-ttl-seconds"]);
      if (request.method !== "PUT" || !(seconds >= 1 && seconds <= 21_600)) return { status: 400, text: "" };
      const token = `token-${++tokensGiven}==`;
      tokens.set(token, nowMs() + seconds * 1000);
      return { status: 200, text: token };
    }
    const token = request.headers["x-aliyun-ecs-metadata-token"];
    const isValid = typeof token === "string" && nowMs() < (tokens.get(token) ?? 0);
    if (token === undefined ? state.generation === "second-only" : !isValid) return { status: 401, text: "" };
    const text = textOf(path);
    return text === undefined ? { status: 404, text: "<h1>Not Found</h1>" } : { status: 200, text };
  }

  function textOf(path: string): string | undefined {
    const [, what, key] = VERSIONED_PATH.exec(path) ?? [];
    if (what === "user-data") return state.userData;
    if (what === undefined || key === undefined) return undefined;
    if (key === "ram/security-credentials/") return state.role?.name;
    if (state.role && key === `ram/security-credentials/${encodeURIComponent(state.role.name)}`) {
      return JSON.stringify({
        Code: "Success",
        LastUpdated: "2026-11-22T12:00:00Z",
        ...state.role.credentials,
      });
    }
    return state.keys[key] ?? listing(Object.keys(state.keys), key);
  }

  function serve(request: IncomingMessage, response: ServerResponse): void {
    requests.push(`${request.method} ${request.url}`);
    if (state.trouble === "stall") return;
    const { status, text } = state.trouble === "error" ? { status: 500, text: "" } : answer(request);
    response.writeHead(status, { "content-type": "text/plain" });
    response.end(text);
  }

  const server = createServer(serve);
  server.listen(listen.port, listen.host);
  await once(server, "listening");
  return {
    url: `http://${listen.host}:${(server.address() as AddressInfo).port}`,
    state,
    requests,
    forgetTokens: () => tokens.clear(),
    [Symbol.asyncDispose]: async () => {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
