import assert from "node:assert/strict";
import { describe, test } from "node:test";

import cms, * as requests from "@alicloud/cms20190101";
import core, { $OpenApiUtil, OpenApiUtil } from "@alicloud/openapi-core";

import { openAccount } from "../double/account.ts";
import { type CloudUser, startCloudDouble } from "../double/cloud.ts";
import { CLEAR_FAULTS } from "../double/faults.ts";
import { minuteEntries, NOON, USER } from "./setup.ts";

/** An account of the double, and the real SDK on it. */
async function sdk(options: { readonly user?: CloudUser; readonly explainsDenials?: boolean } = {}) {
  const account = openAccount();
  const user = options.user ?? USER;
  const cloud = await startCloudDouble({
    users: [user],
    families: account.families,
    explainsDenials: options.explainsDenials ?? false,
  });
  const config = new $OpenApiUtil.Config({
    protocol: "http",
    endpoint: cloud.url.slice("http://".length),
    regionId: "cn-hangzhou",
    accessKeyId: user.accessKeyId,
    accessKeySecret: user.accessKeySecret,
  });
  return {
    account,
    cloud,
    client: new cms.default(config),
    generic: new core.default(config),
    [Symbol.asyncDispose]: () => cloud[Symbol.asyncDispose](),
  };
}

type Sdk = Awaited<ReturnType<typeof sdk>>;

async function putAnna({ client }: Sdk): Promise<requests.PutContactResponse> {
  return client.putContact(
    new requests.PutContactRequest({
      contactName: "anna",
      describe: "on call",
      channels: new requests.PutContactRequestChannels({ mail: "anna@example.com", SMS: "86-13800000000" }),
    }),
  );
}

describe("the double's account through the SDK", () => {
  test("keeps a contact, its group and a rule, and the SDK reads them back", async () => {
    await using it = await sdk();
    const { client } = it;
    assert.equal((await putAnna(it)).body?.success, true);
    await client.putContactGroup(
      new requests.PutContactGroupRequest({ contactGroupName: "ops", contactNames: ["anna"], describe: "x" }),
    );
    await client.putCustomMetric(new requests.PutCustomMetricRequest({ metricList: minuteEntries(NOON) }));
    const put = await client.putCustomMetricRule(
      new requests.PutCustomMetricRuleRequest({
        ruleId: "softnet-critical",
        metricName: "softnet_severity",
        resources: '[{"groupId":0,"dimension":"cpu=all&instanceId=i-bp1double"}]',
        statistics: "Maximum",
        comparisonOperator: ">=",
        threshold: "2",
        evaluationCount: 1,
        level: "CRITICAL",
        contactGroups: "ops",
        silenceTime: 3600,
      }),
    );
    assert.equal(put.body?.code, "200", put.body?.message);

    const listed = await client.describeContactList(
      new requests.DescribeContactListRequest({ contactName: "anna" }),
    );
    assert.equal(listed.body?.contacts?.contact?.[0]?.channelsState?.SMS, "PENDING");
    assert.deepEqual(listed.body?.contacts?.contact?.[0]?.contactGroups?.contactGroup, ["ops"]);
    const groups = await client.describeContactGroupList(new requests.DescribeContactGroupListRequest({}));
    assert.deepEqual(groups.body?.contactGroupList?.contactGroup?.[0]?.contacts?.contact, ["anna"]);
    const rules = await client.describeMetricRuleList(
      new requests.DescribeMetricRuleListRequest({ namespace: "acs_customMetric_1234567890123456" }),
    );
    assert.equal(rules.body?.total, "1");
    assert.equal(rules.body?.alarms?.alarm?.[0]?.escalations?.critical?.times, 1);
    assert.equal(rules.body?.alarms?.alarm?.[0]?.enableState, true);
    assert.ok(it.cloud.requests.every(({ taken }) => taken));
  });

  test("keeps a rule on events with its targets, and the SDK reads them back", async () => {
    await using it = await sdk();
    const { client } = it;
    await putAnna(it);
    await client.putContactGroup(
      new requests.PutContactGroupRequest({ contactGroupName: "ops", contactNames: ["anna"] }),
    );
    await client.putEventRule(
      new requests.PutEventRuleRequest({
        ruleName: "fleet",
        eventType: "CUSTOM",
        eventPattern: [
          new requests.PutEventRuleRequestEventPattern({ product: "CUSTOM", nameList: ["softnet_critical"] }),
        ],
      }),
    );
    const put = await client.putEventRuleTargets(
      new requests.PutEventRuleTargetsRequest({
        ruleName: "fleet",
        contactParameters: [
          new requests.PutEventRuleTargetsRequestContactParameters({
            id: "1",
            contactGroupName: "ops",
            level: "2",
          }),
          new requests.PutEventRuleTargetsRequestContactParameters({
            id: "2",
            contactGroupName: "no",
            level: "2",
          }),
        ],
        webhookParameters: [
          new requests.PutEventRuleTargetsRequestWebhookParameters({
            id: "3",
            url: "https://x.example.com/",
          }),
        ],
      }),
    );
    assert.deepEqual(
      [put.body?.failedParameterCount, put.body?.failedContactParameters?.contactParameter?.[0]?.id],
      ["1", 2],
    );
    const rules = await client.describeEventRuleList(new requests.DescribeEventRuleListRequest({}));
    assert.deepEqual(
      rules.body?.eventRules?.eventRule?.[0]?.eventPattern?.eventPattern?.[0]?.nameList?.nameList,
      ["softnet_critical"],
    );
    const targets = await client.describeEventRuleTargetList(
      new requests.DescribeEventRuleTargetListRequest({ ruleName: "fleet" }),
    );
    assert.equal(targets.body?.contactParameters?.contactParameter?.[0]?.contactGroupName, "ops");
    assert.equal(targets.body?.webhookParameters?.webhookParameter?.[0]?.method, "POST");
  });

  test("gives points, series, events and quotas back", async () => {
    await using it = await sdk();
    const { client, account } = it;
    await client.putCustomMetric(
      new requests.PutCustomMetricRequest({ metricList: minuteEntries(Date.now() - 120_000) }),
    );
    await client.putCustomEvent(
      new requests.PutCustomEventRequest({
        eventInfo: [{ eventName: "softnet_recovered", content: "x", groupId: "0" }],
      }),
    );
    const last = await client.describeMetricLast(
      new requests.DescribeMetricLastRequest({
        namespace: `acs_customMetric_${account.state.uid}`,
        metricName: "softnet_severity",
        dimensions: '[{"groupId":"0","dimension":"cpu=all&instanceId=i-bp1double"}]',
      }),
    );
    assert.equal((JSON.parse(last.body!.datapoints!) as unknown[]).length, 1);
    const series = await client.describeCustomMetricList(new requests.DescribeCustomMetricListRequest({}));
    assert.equal((JSON.parse(series.body!.result!) as { all: number }).all, 3);
    const quota = await client.describeMonitorResourceQuotaAttribute(
      new requests.DescribeMonitorResourceQuotaAttributeRequest({}),
    );
    assert.equal(quota.body?.resourceQuota?.customMonitor?.quotaUsed, 3);
    const events = await client.describeCustomEventAttribute(
      new requests.DescribeCustomEventAttributeRequest({ name: "softnet_recovered" }),
    );
    assert.equal(events.body?.customEvents?.customEvent?.[0]?.content, "x");
    const count = await client.describeCustomEventCount(new requests.DescribeCustomEventCountRequest({}));
    assert.equal(count.body?.customEventCounts?.customEventCount?.[0]?.num, 1);
  });

  test("answers what it complains of with HTTP status 200, and has not done it", async () => {
    await using it = await sdk();
    const { statusCode, body } = await it.client.deleteContact(
      new requests.DeleteContactRequest({ contactName: "nobody" }),
    );
    assert.deepEqual([statusCode, body?.success, body?.code], [200, false, "ContactNotExists"]);
    assert.equal(it.cloud.requests[0]!.taken, false);
  });

  for (const explainsDenials of [false, true]) {
    test(`refuses without a grant ${explainsDenials ? "and says for what" : "and does not say for what"}`, async () => {
      await using it = await sdk({ user: { ...USER, allowed: ["cms:PutCustomMetric"] }, explainsDenials });
      await assert.rejects(putAnna(it), (error: Error & { code?: string; accessDeniedDetail?: unknown }) => {
        assert.equal(error.code, "NoPermission");
        assert.ok(!error.message.includes("PutContact"));
        const detail = error.accessDeniedDetail as { AuthAction?: string } | null | undefined;
        assert.equal(detail?.AuthAction, explainsDenials ? "cms:PutContact" : undefined);
        return true;
      });
    });
  }

  test("tells whoever signs who that is, without a grant", async () => {
    await using it = await sdk({ user: { ...USER, allowed: [] } });
    const answer = (await it.generic.callApi(
      new $OpenApiUtil.Params({
        action: "GetCallerIdentity",
        version: "2015-04-01",
        protocol: "HTTP",
        method: "POST",
        authType: "AK",
        style: "RPC",
        pathname: "/",
        reqBodyType: "formData",
        bodyType: "json",
      }),
      new $OpenApiUtil.OpenApiRequest({ query: OpenApiUtil.query({}) }),
      {} as Parameters<typeof it.generic.callApi>[2],
    )) as { body?: { AccountId?: string } };
    assert.equal(answer.body?.AccountId, "1234567890123456");
  });

  test("fails for one action only, and answers late where it is told to", async () => {
    await using it = await sdk();
    it.cloud.failBy((_, action) =>
      action === "PutContact" ? { name: "throttled", taken: false, how: CLEAR_FAULTS.throttled } : undefined,
    );
    await assert.rejects(putAnna(it), { code: "Throttling.User" });
    assert.equal(
      (await it.client.describeContactList(new requests.DescribeContactListRequest({}))).body?.total,
      0,
    );
    it.cloud.failBy(() => ({ name: "late", taken: true, how: "late" }));
    assert.equal((await putAnna(it)).body?.success, true);
    assert.equal(it.cloud.requests.at(-1)!.answer?.code, "200");
  });
});
