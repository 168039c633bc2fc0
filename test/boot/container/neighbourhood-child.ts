/**
 * In a network namespace of its own, what a machine of the cloud has around it: the metadata service at its real address, CloudMonitor, and a place
 * to fetch packages from. Is told who the machine is, and answers every message with what CloudMonitor has.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { startCloudDouble } from "../../double/cloud.ts";
import { customEvents } from "../../double/custom-events.ts";
import { customMetrics } from "../../double/custom-metrics.ts";
import { startImdsDouble } from "../../double/imds.ts";
import { run } from "../../kernel/lab/shell.ts";
import { METADATA_SERVICE, type Told } from "./neighbourhood.ts";

const ROLE = {
  AccessKeyId: "STS.first-boot",
  AccessKeySecret: "first-boot",
  SecurityToken: "token",
  Expiration: "2099-01-01T00:00:00Z",
};

const [instanceId, packageFile] = process.argv.slice(2) as [string, string];

await run("ip", ["link", "set", "lo", "up"]);
await run("ip", ["address", "add", `${METADATA_SERVICE}/32`, "dev", "lo"]);
await startImdsDouble(
  {
    keys: { "instance-id": instanceId, "region-id": "cn-hangzhou", "owner-account-id": "1234567890123456" },
    role: { name: "softnet", credentials: ROLE },
  },
  Date.now,
  { host: METADATA_SERVICE, port: 80 },
);
const metrics = customMetrics({ edition: "pro", seriesQuota: 100 });
const { AccessKeyId: accessKeyId, AccessKeySecret: accessKeySecret, SecurityToken: securityToken } = ROLE;
const cloud = await startCloudDouble({
  users: [{ accessKeyId, accessKeySecret, securityToken }],
  families: [metrics, customEvents()],
});
const packages = createServer((request, response) => {
  const isThere = request.url === "/softnet-agent.deb";
  response.writeHead(isThere ? 200 : 404);
  response.end(isThere ? readFileSync(packageFile) : undefined);
});
packages.listen(0, "127.0.0.1");
await once(packages, "listening");

process.on("message", tell);
process.on("disconnect", () => process.exit(0));
tell();

function tell(): void {
  const told: Told = {
    cloudUrl: cloud.url,
    packageUrl: `http://127.0.0.1:${(packages.address() as AddressInfo).port}/softnet-agent.deb`,
    points: [...metrics.points.values()].map(({ metricName, dimensions, timeMs }) => ({
      metricName,
      dimensions,
      timeMs,
    })),
  };
  process.send!(told);
}
