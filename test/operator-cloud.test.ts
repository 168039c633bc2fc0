import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { UsageError } from "../src/errors.ts";
import { openCloud } from "../src/operator-cloud.ts";
import { OPERATOR_OPTIONS } from "../src/operator-options.ts";
import { readOptions } from "../src/options.ts";
import { startImdsDouble } from "./double/imds.ts";

/** Nobody listens there. */
const NO_IMDS = { SOFTNET_IMDS: "http://127.0.0.1:9" };

async function opened(args: readonly string[], env: Readonly<Record<string, string>>) {
  const { regionId, cms, sts } = await openCloud(readOptions(OPERATOR_OPTIONS, args, env), env);
  return {
    regionId,
    cms: cms.endpoint.endpoints.map(({ host }) => host),
    sts: sts.endpoint.endpoints.map(({ host }) => host),
  };
}

describe("the cloud of an operator's verb", () => {
  test("is in the region of the flag, with the endpoint inside the VPC first", async () => {
    const env = { ...NO_IMDS, SOFTNET_REGION: "cn-beijing", ALIBABA_CLOUD_REGION_ID: "cn-shanghai" };
    assert.deepEqual(await opened(["--region", "cn-hangzhou"], env), {
      regionId: "cn-hangzhou",
      cms: ["cms-vpc.cn-hangzhou.aliyuncs.com", "metrics.cn-hangzhou.aliyuncs.com"],
      sts: ["sts-vpc.cn-hangzhou.aliyuncs.com", "sts.cn-hangzhou.aliyuncs.com"],
    });
  });

  test("else in that of the other tools' environment", async () => {
    const { regionId } = await opened([], { ...NO_IMDS, ALIBABA_CLOUD_REGION_ID: "cn-shanghai" });
    assert.equal(regionId, "cn-shanghai");
  });

  test("else in that of the instance", async () => {
    await using imds = await startImdsDouble();
    assert.equal((await opened([], { SOFTNET_IMDS: imds.url })).regionId, "cn-hangzhou");
  });

  test("is nowhere without any of them", async () => {
    await assert.rejects(opened([], NO_IMDS), (error) => {
      return error instanceof UsageError && error.code === "no-region" && error.message.includes("--region");
    });
  });

  test("is where the environment says", async () => {
    const env = {
      SOFTNET_REGION: "cn-beijing",
      SOFTNET_ENDPOINT: "http://127.0.0.1:1",
      SOFTNET_STS_ENDPOINT: "sts.test",
    };
    assert.partialDeepStrictEqual(await opened([], env), { cms: ["127.0.0.1:1"], sts: ["sts.test"] });
  });
});
