/** Pushes one minute and one event as the agent does, and prints which packages that loaded: `push-child.ts URL`. */
import { createRequire } from "node:module";

import { agentCredentials } from "../../src/cloud/credentials.ts";
import { connectCloudMonitor } from "../../src/cloud/cloudmonitor.ts";
import { instanceMetadata } from "../../src/cloud/instance-metadata.ts";
import { minuteEntries, NOON } from "./setup.ts";

const cache = createRequire(import.meta.url).cache;
const before = Object.keys(cache).length;
const cloudMonitor = connectCloudMonitor({
  endpoints: [process.argv[2]!],
  regionId: "cn-hangzhou",
  credentials: agentCredentials(process.env, instanceMetadata()),
  timeoutMs: 5000,
});
const beforeFirstCall = Object.keys(cache).length;
const outcomes = [
  await cloudMonitor.putMetrics(minuteEntries(NOON)),
  await cloudMonitor.putEvents([{ name: "softnet_recovered", groupId: "0", atMs: NOON, content: "healthy" }]),
];
console.log(
  JSON.stringify({
    outcomes: outcomes.map(({ kind }) => kind),
    loadedBeforeFirstCall: beforeFirstCall - before,
    modules: Object.keys(cache),
  }),
);
