import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** A request as it came over the wire. */
export interface WireRequest {
  readonly method: string;
  /** Path and query, undecoded. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Authorization {
  readonly accessKeyId: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const ALGORITHM = "ACS3-HMAC-SHA256";

export function parseAuthorization(header: string | undefined): Authorization | undefined {
  const match =
    /^ACS3-HMAC-SHA256 Credential=([^,\s]+),SignedHeaders=([a-z0-9;-]+),Signature=([0-9a-f]{64})$/.exec(
      header ?? "",
    );
  if (!match) return undefined;
  return { accessKeyId: match[1]!, signedHeaders: match[2]!.split(";"), signature: match[3]! };
}

/** What the server signs, from the documented steps of signature version 3 alone. */
export function canonicalRequest(request: WireRequest, signedHeaders: readonly string[]): string {
  const [path, query] = splitUrl(request.url);
  return [
    request.method.toUpperCase(),
    path,
    parseQuery(query)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, value]) => `${percentEncode(key)}=${percentEncode(value)}`)
      .join("&"),
    signedHeaders.map((name) => `${name}:${String(request.headers[name] ?? "").trim()}\n`).join(""),
    signedHeaders.join(";"),
    sha256(request.body),
  ].join("\n");
}

export function signatureOf(canonical: string, secret: string): string {
  return createHmac("sha256", secret)
    .update(`${ALGORITHM}\n${sha256(canonical)}`)
    .digest("hex");
}

export function signaturesEqual(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

/** Every header that takes part in the meaning of the call has to be signed, in order. */
export function headersThatMustBeSigned(headers: IncomingHttpHeaders): readonly string[] {
  return Object.keys(headers)
    .filter((name) => name === "host" || name === "content-type" || name.startsWith("x-acs-"))
    .sort();
}

export function parseQuery(query: string): [string, string][] {
  if (query === "") return [];
  return query.split("&").map((pair) => {
    const equals = pair.indexOf("=");
    const [key, value] = equals < 0 ? [pair, ""] : [pair.slice(0, equals), pair.slice(equals + 1)];
    return [decode(key), decode(value)];
  });
}

export function splitUrl(url: string): [path: string, query: string] {
  const mark = url.indexOf("?");
  return mark < 0 ? [url, ""] : [url.slice(0, mark), url.slice(mark + 1)];
}

export function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

function decode(text: string): string {
  return decodeURIComponent(text.replaceAll("+", " "));
}

/** RFC 3986: every byte but the unreserved characters. */
function percentEncode(text: string): string {
  let encoded = "";
  for (const byte of Buffer.from(text, "utf8")) {
    const character = String.fromCharCode(byte);
    encoded += /[A-Za-z0-9\-._~]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
