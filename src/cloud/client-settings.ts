import { version } from "../version.ts";
import type { Credentials } from "./credentials.ts";
import type { Endpoint } from "./endpoint.ts";

/** What every client of the SDK is told, whichever package it comes from. */
export function clientSettings({ protocol, host }: Endpoint, credentials: Credentials, timeoutMs: number) {
  return {
    protocol,
    endpoint: host,
    userAgent: `softnet-agent/${version}`,
    // The connect timeout is really one of inactivity, which would cut a longer read timeout short.
    connectTimeout: timeoutMs,
    readTimeout: timeoutMs,
    // The SDK asks nothing else of a credential; its own package for them would be loaded for nothing.
    credential: {
      getCredential: () =>
        Promise.resolve({ type: credentials.securityToken ? "sts" : "access_key", ...credentials }),
    },
  };
}
