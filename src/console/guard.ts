import type { IncomingMessage } from "node:http";

/** Why a request is not answered. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/**
 * Turns away what does not come from a person's own browser or tool on this machine.
 *
 * - Only GET and HEAD: nothing can be changed here.
 * - Only our own names in `Host`: a page elsewhere whose name was made to resolve to 127.0.0.1 (DNS rebinding) still says its own. Any port will
 *   do, since an SSH tunnel has another one at its near end.
 * - No page of another site may ask in the background: it could not read the answer, but it could use up our streams.
 */
export function refusalOf(request: IncomingMessage): Refusal | undefined {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return { status: 405, reason: `expected GET or HEAD, got ${request.method}` };
  }
  if (!isOwnName(request)) {
    return {
      status: 403,
      reason: `expected localhost or a loopback address as the host's name, got ${JSON.stringify(request.headers.host ?? "")}`,
    };
  }
  const site = request.headers["sec-fetch-site"];
  const isNavigation = request.headers["sec-fetch-mode"] === "navigate";
  if ((site === "cross-site" || site === "same-site") && !isNavigation) {
    return { status: 403, reason: "expected a request of this console's own page, got one of another site" };
  }
  return undefined;
}

function isOwnName(request: IncomingMessage): boolean {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.exec(request.headers.host ?? "");
  const name = match?.[1]?.toLowerCase();
  if (name === undefined) return false;
  if (name === "localhost" || name === "127.0.0.1" || name === "[::1]") return true;
  // The literal address that the request really arrived at.
  const { localAddress } = request.socket;
  return name === localAddress || name === `[${localAddress}]`;
}
