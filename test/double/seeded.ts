import { type Account, type AccountOptions, openAccount } from "./account.ts";
import { call, type Parameter } from "./call.ts";

type Fields = Readonly<Record<string, Parameter>>;

export const MINUTE_MS = 60_000;
export const NOON_MS = Date.UTC(2026, 10, 22, 12);

/** One point of `softnet_severity` of the minute that begins `minutes` after noon. */
export function putMinute(account: Account, minutes: number, maximum: number, change: Fields = {}): void {
  const entry: Fields = {
    GroupId: "0",
    MetricName: "softnet_severity",
    Dimensions: '{"cpu":"all","instanceId":"i-1"}',
    Type: "1",
    Period: "60",
    Time: NOON_MS + minutes * MINUTE_MS,
    Values: JSON.stringify({ Maximum: maximum, Average: maximum / 2 }),
    ...change,
  };
  call(account.families, "PutCustomMetric", { MetricList: [entry] });
}

export const SEVERITY_RULE = {
  RuleId: "softnet-critical",
  RuleName: "drops",
  MetricName: "softnet_severity",
  GroupId: "0",
  Resources: '[{"groupId":0,"dimension":"cpu=all&instanceId=i-1"}]',
  Statistics: "Maximum",
  ComparisonOperator: ">=",
  Threshold: "2",
  EvaluationCount: 1,
  Level: "CRITICAL",
  ContactGroups: "ops",
  Period: 60,
  SilenceTime: 3600,
} satisfies Fields;

/** Anna, reachable by mail and phone, alone in the group `ops`, and a healthy point of noon. */
export function seeded(options: AccountOptions = {}): Account {
  const account = openAccount(options);
  const channels = options.site === "international" ? {} : { SMS: "86-13800000000" };
  call(account.families, "PutContact", {
    ContactName: "anna",
    Describe: "on call",
    Channels: { Mail: "anna@example.com", ...channels },
  });
  account.activate("anna", "Mail");
  if (options.site !== "international") account.activate("anna", "SMS");
  call(account.families, "PutContactGroup", { ContactGroupName: "ops", ContactNames: ["anna"] });
  putMinute(account, 0, 0);
  return account;
}
