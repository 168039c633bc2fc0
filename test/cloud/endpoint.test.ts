import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { cloudMonitorEndpoints, type Endpoint, parseEndpoint } from "../../src/cloud/endpoint.ts";
import { UsageError } from "../../src/errors.ts";

describe("an endpoint", () => {
  const GOOD: readonly (Endpoint & { text: string })[] = [
    {
      text: "metrics.cn-hangzhou.aliyuncs.com",
      protocol: "https",
      host: "metrics.cn-hangzhou.aliyuncs.com",
      hostname: "metrics.cn-hangzhou.aliyuncs.com",
      port: 443,
    },
    {
      text: "proxy.test:8443",
      protocol: "https",
      host: "proxy.test:8443",
      hostname: "proxy.test",
      port: 8443,
    },
    { text: "https://proxy.test/", protocol: "https", host: "proxy.test", hostname: "proxy.test", port: 443 },
    {
      text: "http://127.0.0.1:9000",
      protocol: "http",
      host: "127.0.0.1:9000",
      hostname: "127.0.0.1",
      port: 9000,
    },
    { text: "http://[::1]:9000", protocol: "http", host: "[::1]:9000", hostname: "::1", port: 9000 },
    { text: "http://localhost", protocol: "http", host: "localhost", hostname: "localhost", port: 80 },
  ];
  for (const { text, ...endpoint } of GOOD) {
    test(`${text} is one`, () => assert.deepEqual(parseEndpoint(text), endpoint));
  }

  const BAD = [
    "http://metrics.cn-hangzhou.aliyuncs.com",
    "http://127.0.0.1.evil.test",
    "http://10.0.0.1:80",
    "ftp://127.0.0.1",
    "https://proxy.test/path",
    "https://proxy.test/?x=1",
    "https://user@proxy.test",
    "two words",
    "",
  ];
  for (const text of BAD) {
    test(`${JSON.stringify(text)} is none`, () => assert.throws(() => parseEndpoint(text), UsageError));
  }

  test("of CloudMonitor is looked for inside the VPC first", () => {
    assert.deepEqual(cloudMonitorEndpoints("cn-beijing"), [
      "cms-vpc.cn-beijing.aliyuncs.com",
      "metrics.cn-beijing.aliyuncs.com",
    ]);
  });
});
