import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type OutgoingHttpHeaders, request } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";

import { connectCloudMonitor } from "../../src/cloud/cloudmonitor.ts";
import { canonicalRequest, signatureOf } from "../double/acs3.ts";
import { type CloudDouble, startCloudDouble } from "../double/cloud.ts";
import { customEvents } from "../double/custom-events.ts";
import { customMetrics } from "../double/custom-metrics.ts";
import { credentialsOf, minuteEntries, NOON, USER } from "./setup.ts";

const STS_USER = { ...USER, accessKeyId: "STS.double", securityToken: "token+/==" };

/** A request of the SDK as it left, to be sent on as it is or spoiled. */
interface Captured {
  url: string;
  headers: OutgoingHttpHeaders;
}

async function captureFromSdk(): Promise<Captured> {
  const captured = Promise.withResolvers<Captured>();
  const server = createServer({ maxHeaderSize: 1 << 20 }, (incoming, response) => {
    captured.resolve({ url: incoming.url ?? "", headers: { ...incoming.headers } });
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const cloudMonitor = connectCloudMonitor({
    endpoints: [`http://127.0.0.1:${port}`],
    regionId: "cn-hangzhou",
    credentials: () => Promise.resolve(credentialsOf(STS_USER)),
    timeoutMs: 5000,
  });
  await cloudMonitor.putMetrics(minuteEntries(NOON));
  server.close();
  server.closeAllConnections();
  return captured.promise;
}

async function send(cloud: CloudDouble, { url, headers }: Captured, method = "POST"): Promise<string> {
  const outgoing = request(cloud.url + url, { method, headers, agent: false });
  outgoing.end();
  const [response] = await once(outgoing, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return /"Code":"([^"]*)"/.exec(text)?.[1] ?? text;
}

function gateway(): Promise<CloudDouble> {
  return startCloudDouble({
    users: [STS_USER],
    families: [customMetrics({ edition: "free", seriesQuota: 100 }), customEvents()],
  });
}

describe("the double's check of a signature", () => {
  test("computes what the vendor's documentation computes for its example", () => {
    const headers = {
      host: "ecs.cn-shanghai.aliyuncs.com",
      "x-acs-action": "RunInstances",
      "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "x-acs-date": "2023-10-26T10:22:32Z",
      "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
      "x-acs-version": "2014-05-26",
    };
    const canonical = canonicalRequest(
      {
        method: "POST",
        url: "/?ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai",
        headers,
        body: Buffer.alloc(0),
      },
      Object.keys(headers),
    );
    assert.equal(
      signatureOf(canonical, "YourAccessKeySecret"),
      "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
    );
  });

  test("lets through what the SDK signed, once", async () => {
    await using cloud = await gateway();
    const captured = await captureFromSdk();
    assert.equal(await send(cloud, captured), "200");
    assert.equal(await send(cloud, captured), "SignatureNonceUsed");
  });

  const SPOILED: readonly {
    readonly name: string;
    readonly spoil: (captured: Captured) => void;
    readonly method?: string;
    readonly code: string;
  }[] = [
    {
      name: "one digit of the signature",
      spoil: ({ headers }) => {
        const text = String(headers["authorization"]);
        headers["authorization"] = text.slice(0, -1) + (text.endsWith("0") ? "1" : "0");
      },
      code: "SignatureDoesNotMatch",
    },
    {
      name: "a value in the query",
      spoil: (captured) => {
        captured.url = captured.url.replace("Period=60", "Period=300");
      },
      code: "SignatureDoesNotMatch",
    },
    {
      name: "a parameter more",
      spoil: (captured) => {
        captured.url += "&RegionId=cn-beijing";
      },
      code: "SignatureDoesNotMatch",
    },
    { name: "another method", spoil: () => {}, method: "GET", code: "SignatureDoesNotMatch" },
    {
      name: "another action",
      spoil: ({ headers }) => {
        headers["x-acs-action"] = "PutCustomEvent";
      },
      code: "SignatureDoesNotMatch",
    },
    {
      name: "another nonce",
      spoil: ({ headers }) => {
        headers["x-acs-signature-nonce"] = "0";
      },
      code: "SignatureDoesNotMatch",
    },
    {
      name: "another host",
      spoil: ({ headers }) => {
        headers["host"] = "metrics.test";
      },
      code: "SignatureDoesNotMatch",
    },
    {
      name: "a header of the cloud that nobody signed",
      spoil: ({ headers }) => {
        headers["x-acs-extra"] = "1";
      },
      code: "SignatureDoesNotMatch",
    },
    {
      name: "a body's hash that is not the body's",
      spoil: ({ headers }) => {
        headers["x-acs-content-sha256"] = "0".repeat(64);
      },
      code: "SignatureDoesNotMatch",
    },
    {
      name: "another token",
      spoil: ({ headers }) => {
        headers["x-acs-security-token"] = "another";
      },
      code: "InvalidSecurityToken.MismatchWithAccessKey",
    },
    {
      name: "no token",
      spoil: ({ headers }) => {
        delete headers["x-acs-security-token"];
      },
      code: "MissingSecurityToken",
    },
    {
      name: "no signature",
      spoil: ({ headers }) => {
        delete headers["authorization"];
      },
      code: "IncompleteSignature",
    },
    {
      name: "a date in another form",
      spoil: ({ headers }) => {
        headers["x-acs-date"] = new Date().toISOString();
      },
      code: "InvalidTimeStamp.Format",
    },
    {
      name: "another product's version",
      spoil: ({ headers }) => {
        headers["x-acs-version"] = "2014-05-26";
      },
      code: "InvalidVersion",
    },
    {
      name: "an action that nobody plays",
      spoil: ({ headers }) => {
        headers["x-acs-action"] = "DeleteEverything";
      },
      code: "InvalidAction.NotFound",
    },
  ];
  for (const { name, spoil, method, code } of SPOILED) {
    test(`refuses ${name}`, async () => {
      await using cloud = await gateway();
      const captured = await captureFromSdk();
      spoil(captured);
      assert.equal(await send(cloud, captured, method), code);
      assert.equal(cloud.requests[0]!.taken, false);
    });
  }
});
