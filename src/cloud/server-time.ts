import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

import { CloudError, errorCodeOf } from "../errors.ts";
import type { Endpoint } from "./endpoint.ts";

/** What an endpoint's clock says, and when by ours: halfway between question and answer. */
export interface ServerTime {
  /** Epoch milliseconds, of whole seconds. */
  readonly serverMs: number;
  readonly localMs: number;
}

/**
 * Asks an endpoint for nothing, unsigned: any answer has the time on it, and shows that the way there is open.
 *
 * @returns undefined for an answer that does not say.
 * @throws CloudError `cloud-unreachable`.
 */
export function askServerTime(
  { protocol, host, hostname, port }: Endpoint,
  timeoutMs: number,
  nowMs: () => number = Date.now,
): Promise<ServerTime | undefined> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const askedMs = nowMs();
    const options = { method: "HEAD", hostname, port, path: "/", headers: { host }, signal, agent: false };
    const asked = (protocol === "https" ? requestHttps : requestHttp)(options, (response) => {
      response.resume();
      const serverMs = Date.parse(response.headers.date ?? "");
      resolve(Number.isNaN(serverMs) ? undefined : { serverMs, localMs: (askedMs + nowMs()) / 2 });
    });
    asked.on("error", (error) =>
      reject(
        new CloudError({
          code: "cloud-unreachable",
          expected: "an answer",
          got: signal.aborted ? `none within ${timeoutMs} ms` : (errorCodeOf(error) ?? error.name),
          where: host,
        }),
      ),
    );
    asked.end();
  });
}
