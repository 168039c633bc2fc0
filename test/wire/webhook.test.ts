import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { describe, test } from "node:test";

import { postJson, webhookName } from "../../src/agent/webhook.ts";

const SECRET = "/robot/send?access_token=s3cr3t";
const never = new AbortController().signal;

async function webhookThat(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${SECRET}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

describe("a document for the webhook", () => {
  test("is posted as JSON, whole", async () => {
    const body = JSON.stringify({ text: "内核丢弃数据包".repeat(1000) });
    const got: {
      method?: string | undefined;
      path?: string | undefined;
      type?: string | undefined;
      text: string;
    }[] = [];
    await using webhook = await webhookThat((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { method, url: path, headers } = request;
        got.push({ method, path, type: headers["content-type"], text: Buffer.concat(chunks).toString() });
        response.writeHead(204).end();
      });
    });
    assert.deepEqual(await postJson(webhook.url, body, 5000, never), { kind: "taken" });
    assert.deepEqual(got, [
      { method: "POST", path: SECRET, type: "application/json; charset=utf-8", text: body },
    ]);
  });

  for (const [status, kind] of [
    [200, "taken"],
    [299, "taken"],
    [302, "failed"],
    [404, "failed"],
    [500, "failed"],
  ] as const) {
    test(`that is answered with ${status} is ${kind}`, async () => {
      let calls = 0;
      await using webhook = await webhookThat((request, response) => {
        calls++;
        response.writeHead(status, { Location: `http://${request.headers.host}/elsewhere` }).end("{}");
      });
      const outcome = await postJson(webhook.url, "{}", 5000, never);
      assert.deepEqual(outcome, kind === "taken" ? { kind } : { kind, why: `HTTP ${status}` });
      assert.equal(calls, 1);
    });
  }

  test("does not wait for an answer without an end", async () => {
    await using webhook = await webhookThat((_, response) => {
      response.writeHead(200).write("and on and on");
    });
    assert.deepEqual(await postJson(webhook.url, "{}", 60_000, never), { kind: "taken" });
  });

  test("fails when no answer comes in time, and when the agent stops", async () => {
    await using webhook = await webhookThat(() => {});
    assert.deepEqual(await postJson(webhook.url, "{}", 100, never), {
      kind: "failed",
      why: "no answer within 0.1 s",
    });
    const stopped = AbortSignal.abort();
    assert.deepEqual(await postJson(webhook.url, "{}", 60_000, stopped), {
      kind: "failed",
      why: "the agent was stopped",
    });
  });

  test("fails by what the network says, and never names the address", async () => {
    const closed = createTcpServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, "close");
    const url = `http://127.0.0.1:${port}${SECRET}`;
    assert.deepEqual(await postJson(url, "{}", 5000, never), { kind: "failed", why: "ECONNREFUSED" });

    await using webhook = await webhookThat((request) => request.socket.destroy());
    const outcome = await postJson(webhook.url, "{}", 5000, never);
    assert.deepEqual(outcome, { kind: "failed", why: "ECONNRESET" });
  });

  test("goes over TLS to an https URL", async () => {
    // What answers here speaks no TLS: that it was tried is all that a test without a certificate can see.
    await using webhook = await webhookThat(() => {});
    const outcome = await postJson(webhook.url.replace("http:", "https:"), "{}", 5000, never);
    assert.ok(outcome.kind === "failed");
    assert.match(outcome.why, /^(ERR_SSL_|EPROTO|ECONNRESET)/);
  });

  test("goes to a webhook that is called by its host alone", () => {
    assert.equal(webhookName("https://user:pw@hooks.example:8443/robot?token=1"), "hooks.example:8443");
  });
});
