import assert from "node:assert/strict";
import { test } from "node:test";

import { readAgentEnv } from "../../src/host/agent-env.ts";
import { hostOf } from "./hosts.ts";

test("the agent's settings are read as systemd reads them", () => {
  const text = [
    "# SOFTNET_SINK=local",
    "; SOFTNET_SINK=local",
    "SOFTNET_REGION=cn-hangzhou",
    '  SOFTNET_PUSH_CRON="*/5 * * * *"  ',
    "SOFTNET_ENDPOINT=''",
    "nonsense",
    "SOFTNET_REGION=cn-beijing",
    "",
  ].join("\n");
  assert.deepEqual(readAgentEnv(hostOf({ "/etc/softnet/agent.env": text })), [
    { name: "SOFTNET_REGION", value: "cn-beijing", place: "/etc/softnet/agent.env:7" },
    { name: "SOFTNET_PUSH_CRON", value: "*/5 * * * *", place: "/etc/softnet/agent.env:4" },
    { name: "SOFTNET_ENDPOINT", value: "", place: "/etc/softnet/agent.env:5" },
  ]);
});

test("a machine without them has none", () => assert.deepEqual(readAgentEnv(hostOf({})), []));
