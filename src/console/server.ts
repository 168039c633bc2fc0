import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import type { ConsoleAddress } from "../config.ts";
import { type Complaint, ConsoleError, errorCodeOf, KnownError } from "../errors.ts";
import { type Asset, ASSETS, readAsset } from "./assets.ts";
import { historyOfRange, nowDocument } from "./documents.ts";
import { refusalOf } from "./guard.ts";
import { healthOf } from "./health.ts";
import { EVENT_STREAM_CONTENT_TYPE, LiveStreams, MOST_STREAMS } from "./live.ts";
import { metricsText, PROMETHEUS_CONTENT_TYPE } from "./prometheus.ts";
import type { ConsoleView } from "./view.ts";
import { RANGES } from "./wire.ts";

const MOST_CONNECTIONS = 128;
const MOST_EXTRA_CPUS = 8;

/** Nothing from outside, nothing inline, in no frame, and nothing of it for other sites. */
const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-store",
};

export interface ConsoleServer {
  /** Where a person finds the page. */
  readonly url: string;
  /** Tells whoever looks what the agent's last tick brought; call it after every tick, also one that failed. */
  publish(): void;
  /** Ends all streams and waits until the port is free. */
  close(): Promise<void>;
}

/**
 * Serves the page and its interfaces.
 *
 * @throws ConsoleError with code `console-port-taken` or `console-address-unusable`.
 */
export async function startConsole(
  view: ConsoleView,
  address: ConsoleAddress,
  now: () => number = Date.now,
): Promise<ConsoleServer> {
  const streams = new LiveStreams(view);
  const server = createServer({ maxHeaderSize: 8192 }, (request, response) => {
    answer(request, response, { view, streams, now }).catch((error: unknown) => {
      // A full disk, say, must cost the reader an answer and not the agent its life.
      if (!(error instanceof KnownError)) throw error;
      sendText({ request, response, params: new URLSearchParams() }, 503, error.message);
    });
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.requestTimeout = 10_000;
  server.headersTimeout = 10_000;
  await listen(server, address);
  const { port } = server.address() as AddressInfo;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return {
    url: `http://${host}:${port}/`,
    publish() {
      try {
        streams.publish();
      } catch (error) {
        // A disk that fails costs those who look a second, and the agent nothing.
        if (!(error instanceof KnownError)) throw error;
      }
    },
    async close() {
      streams.close();
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Context {
  readonly view: ConsoleView;
  readonly streams: LiveStreams;
  readonly now: () => number;
}

/** One request and its answer. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly params: URLSearchParams;
}

type Route = (exchange: Exchange, context: Context) => void;

const ROUTES: Readonly<Record<string, Route>> = {
  "/api/now": (exchange, { view, now }) => sendJson(exchange, 200, nowDocument(view, now())),
  "/api/history": sendHistory,
  "/api/live": sendLive,
  "/api/capture": sendCapture,
  "/metrics": (exchange, { view, now }) =>
    send(exchange, 200, PROMETHEUS_CONTENT_TYPE, metricsText(view, now())),
  "/healthz": (exchange, { view, now }) => {
    const health = healthOf(view, now());
    sendText(exchange, health.healthy ? 200 : 503, health.healthy ? "ok" : health.reason);
  },
};

async function answer(request: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  const url = URL.parse(request.url ?? "", "http://localhost");
  const exchange = { request, response, params: url?.searchParams ?? new URLSearchParams() };
  const refusal = refusalOf(request);
  if (refusal) {
    if (refusal.status === 405) response.setHeader("Allow", "GET, HEAD");
    sendText(exchange, refusal.status, refusal.reason);
    return;
  }
  const route = ownValue(ROUTES, url?.pathname);
  const asset = ownValue(ASSETS, url?.pathname);
  if (route) route(exchange, context);
  else if (asset) await sendAsset(exchange, asset);
  else sendText(exchange, 404, "there is nothing here");
}

/** `/constructor` is no route. */
function ownValue<T>(table: Readonly<Record<string, T>>, key: string | undefined): T | undefined {
  return key !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;
}

async function sendAsset(exchange: Exchange, asset: Asset): Promise<void> {
  const bytes = await readAsset(asset);
  // The icon of a lost agent is wanted when the agent can no longer be asked for it.
  if (asset.contentType.startsWith("image/")) exchange.response.setHeader("Cache-Control", "max-age=86400");
  send(exchange, 200, asset.contentType, bytes);
}

function sendHistory(exchange: Exchange, { view, now }: Context): void {
  const asked = exchange.params.get("range") ?? "now";
  const cpus = exchange.params.getAll("cpu");
  const range = RANGES.find((each) => each === asked);
  const badCpu = cpus.find((cpu) => !/^\d{1,5}$/.test(cpu));
  if (!range) {
    refuse(exchange, {
      code: "bad-range",
      expected: `one of ${RANGES.join(" ")}`,
      got: JSON.stringify(asked),
      where: "range",
    });
  } else if (badCpu !== undefined || cpus.length > MOST_EXTRA_CPUS) {
    refuse(exchange, {
      code: "bad-cpu",
      expected: `at most ${MOST_EXTRA_CPUS} CPU ids`,
      got: badCpu === undefined ? `${cpus.length} of them` : JSON.stringify(badCpu),
      where: "cpu",
    });
  } else {
    sendJson(exchange, 200, historyOfRange(view, range, cpus.map(Number), now()));
  }
}

function sendLive(exchange: Exchange, { streams, now }: Context): void {
  const { request, response, params } = exchange;
  // A browser sends the header when it comes back by itself; whoever opens a new stream can say it in the address.
  const lastEventId = request.headers["last-event-id"] ?? params.get("after") ?? "";
  if (request.method === "HEAD") {
    send(exchange, 200, EVENT_STREAM_CONTENT_TYPE, "");
  } else if (streams.isFull) {
    sendText(exchange, 503, `expected at most ${MOST_STREAMS} live streams, got one more`);
  } else {
    streams.add(response, String(lastEventId), now());
  }
}

function sendCapture(exchange: Exchange, { view }: Context): void {
  const name = exchange.params.get("name") ?? "";
  const text = view.incidents?.readCapture(name);
  if (text === undefined) {
    sendText(exchange, 404, "there is no capture of that name");
    return;
  }
  const fileName = name.replaceAll(/[^\w.-]/g, "_");
  exchange.response.setHeader("Content-Disposition", `attachment; filename="${fileName}"`);
  send(exchange, 200, TEXT_CONTENT_TYPE, text);
}

function refuse(exchange: Exchange, complaint: Complaint): void {
  sendJson(exchange, 400, { schemaVersion: 1, error: complaint });
}

function sendJson(exchange: Exchange, status: number, document: unknown): void {
  send(exchange, status, "application/json; charset=utf-8", JSON.stringify(document));
}

/** One line for a person. */
function sendText(exchange: Exchange, status: number, line: string): void {
  send(exchange, status, TEXT_CONTENT_TYPE, `${line}\n`);
}

const TEXT_CONTENT_TYPE = "text/plain; charset=utf-8";

function send(exchange: Exchange, status: number, contentType: string, body: string | Buffer): void {
  const { request, response } = exchange;
  const bytes = Buffer.from(body);
  response.writeHead(status, { "Content-Type": contentType, "Content-Length": bytes.length });
  response.end(request.method === "HEAD" ? undefined : bytes);
}

async function listen(server: Server, address: ConsoleAddress): Promise<void> {
  server.listen({ host: address.host, port: address.port });
  try {
    await once(server, "listening");
  } catch (error) {
    const isTaken = errorCodeOf(error) === "EADDRINUSE";
    throw new ConsoleError(
      {
        code: isTaken ? "console-port-taken" : "console-address-unusable",
        expected: isTaken ? "a free port" : "an address of this machine",
        got: isTaken ? "one that another process listens on" : (error as Error).message,
        where: `${address.host}:${address.port}`,
      },
      { cause: error },
    );
  }
}
