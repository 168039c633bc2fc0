import { connect } from "node:net";

import { errorCodeOf, UsageError } from "../errors.ts";
import { isLoopback } from "../loopback.ts";

/** Where a cloud interface listens. */
export interface Endpoint {
  readonly protocol: "https" | "http";
  /** As in a Host header: with the port where it is not the protocol's own. */
  readonly host: string;
  /** As `connect` takes it: an IPv6 address has no brackets. */
  readonly hostname: string;
  readonly port: number;
}

/**
 * Inside a VPC first: an instance without a public address reaches nothing else.
 *
 * The public name alone is what the SDK would choose.
 */
export function cloudMonitorEndpoints(regionId: string): readonly string[] {
  return [`cms-vpc.${regionId}.aliyuncs.com`, `metrics.${regionId}.aliyuncs.com`];
}

/**
 * A host or a URL; https unless the URL says otherwise.
 *
 * @throws UsageError for a path, a user or a query, and for plain http to anything but this machine.
 */
export function parseEndpoint(text: string): Endpoint {
  const url = text.includes("://") ? URL.parse(text) : URL.parse(`https://${text}`);
  const bare = url && url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  if (!bare || (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname)))) {
    throw new UsageError({
      code: "bad-endpoint",
      expected: "a host, an https:// URL without a path, or http:// to a loopback address",
      got: JSON.stringify(text),
      where: "endpoint",
    });
  }
  const protocol = url.protocol === "https:" ? "https" : "http";
  return {
    protocol,
    host: url.host,
    hostname: url.hostname.replaceAll(/[[\]]/g, ""),
    port: url.port === "" ? { https: 443, http: 80 }[protocol] : Number(url.port),
  };
}

/**
 * The first endpoint that takes a connection, or why the last one did not.
 *
 * It is asked by a connection of its own, because the SDK does not tell a connection that never came about from an
 * answer that never came: the first may be sent elsewhere, the second may have arrived.
 */
async function firstReachable(
  endpoints: readonly Endpoint[],
  timeoutMs: number,
): Promise<{ readonly endpoint: Endpoint } | { readonly code: string }> {
  let code = "ENOENDPOINT";
  for (const endpoint of endpoints) {
    const failure = await failureToConnect(endpoint, timeoutMs);
    if (failure === undefined) return { endpoint };
    code = failure;
  }
  return { code };
}

/** Which of several endpoints is talked to: the one that answered last, else the first that can be reached. */
export interface EndpointChoice {
  /** In the order they are tried. */
  readonly endpoints: readonly Endpoint[];
  now(): Promise<{ readonly endpoint: Endpoint } | { readonly code: string }>;
  /** Whoever gave no answer is not held on to: the next call looks again for one that can be reached. */
  settle(answered: Endpoint | undefined): void;
}

/** An unreachable endpoint is given up sooner than a slow answer: there may be another one. */
const LONGEST_CONNECT_MS = 2000;

/** @throws UsageError as {@link parseEndpoint} does. */
export function chooseEndpoint(texts: readonly string[], timeoutMs = LONGEST_CONNECT_MS): EndpointChoice {
  const connectMs = Math.min(timeoutMs, LONGEST_CONNECT_MS);
  const endpoints = texts.map(parseEndpoint);
  let settled: Endpoint | undefined;
  return {
    endpoints,
    now: async () => {
      if (settled) return { endpoint: settled };
      return endpoints.length === 1 ? { endpoint: endpoints[0]! } : firstReachable(endpoints, connectMs);
    },
    settle: (answered) => {
      settled = answered;
    },
  };
}

function failureToConnect({ hostname, port }: Endpoint, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port });
    const done = (failure: string | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(failure);
    };
    // Not the socket's own timeout: that one does not count the look-up of the name.
    const timer = setTimeout(() => done("ETIMEDOUT"), timeoutMs);
    socket.once("connect", () => done(undefined));
    socket.once("error", (error) => done(errorCodeOf(error) ?? error.name));
  });
}
