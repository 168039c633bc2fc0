import { once } from "node:events";
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request and its whole answer. Unlike fetch, it sends the Host header and the path it is told to. */
export async function ask(origin: string, path: string, asked: Asked = {}): Promise<Answer> {
  const [response] = (await once(send(origin, path, asked), "response")) as [IncomingMessage];
  response.setEncoding("utf8");
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode!, headers: response.headers, text };
}

export interface ServerEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: unknown;
}

/** Reads server-sent events, one at a time. */
export async function openStream(origin: string, path: string, asked: Asked = {}) {
  const client = send(origin, path, asked);
  const [response] = (await once(client, "response")) as [IncomingMessage];
  response.setEncoding("utf8");
  const chunks = response[Symbol.asyncIterator]();
  let unread = "";
  return {
    status: response.statusCode!,
    headers: response.headers,
    /** The next event; undefined at the stream's end. */
    async next(): Promise<ServerEvent | undefined> {
      for (;;) {
        const end = unread.indexOf("\n\n");
        if (end === -1) {
          const { value, done } = (await chunks.next()) as IteratorResult<string, undefined>;
          if (done) return undefined;
          unread += value;
          continue;
        }
        const message = unread.slice(0, end);
        unread = unread.slice(end + 2);
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(message)?.[1];
        const event = field("event");
        if (event) return { id: field("id"), event, data: JSON.parse(field("data")!) };
      }
    },
    close: () => client.destroy(),
  };
}

function send(origin: string, path: string, { method = "GET", headers = {} }: Asked): ClientRequest {
  const { hostname, port } = new URL(origin);
  const client = request({
    hostname: hostname.replaceAll(/[[\]]/g, ""),
    port,
    path,
    method,
    headers,
    agent: false, // A connection of its own.
  });
  client.end();
  return client;
}
