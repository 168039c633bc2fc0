import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";

import { errorCodeOf } from "../errors.ts";
import { version } from "../version.ts";

/** `why` names the trouble and never the address, parts of which are a secret. */
export type PostOutcome = { readonly kind: "taken" } | { readonly kind: "failed"; readonly why: string };

/** Where a document goes, as it may be shown: paths, queries and users of a webhook's address are passwords. */
export function webhookName(url: string): string {
  return new URL(url).host;
}

/**
 * Posts a JSON document. Any answer of 200 to 299 has taken it; redirections are not followed.
 *
 * @param signal ends it early, as failed.
 */
export async function postJson(
  url: string,
  body: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<PostOutcome> {
  const target = new URL(url);
  // Loaded when there is something to tell: an agent that tells nobody does without TLS.
  const { request } = target.protocol === "https:" ? await import("node:https") : await import("node:http");
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const status = await exchange(request, target, body, AbortSignal.any([signal, timeout]));
    return status >= 200 && status < 300 ? { kind: "taken" } : { kind: "failed", why: `HTTP ${status}` };
  } catch (error) {
    if (timeout.aborted) return { kind: "failed", why: `no answer within ${timeoutMs / 1000} s` };
    if (signal.aborted) return { kind: "failed", why: "the agent was stopped" };
    const code = errorCodeOf(error);
    if (code === undefined) throw error;
    return { kind: "failed", why: code };
  }
}

type Request = (
  url: URL,
  options: RequestOptions,
  onResponse: (response: IncomingMessage) => void,
) => ClientRequest;

function exchange(request: Request, url: URL, body: string, signal: AbortSignal): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const bytes = Buffer.from(body);
  const sent = request(
    url,
    {
      method: "POST",
      // A connection a minute or an hour is not worth to be kept.
      agent: false,
      signal,
      headers: {
        "Content-Type": "application/json; charset=utf-8",
        "Content-Length": bytes.length,
        "User-Agent": `softnet-agent/${version}`,
      },
    },
    (response) => {
      resolve(response.statusCode ?? 0);
      // What it says beside its status interests nobody, and may have no end.
      response.destroy();
    },
  );
  sent.on("error", reject);
  sent.end(bytes);
  return promise;
}
