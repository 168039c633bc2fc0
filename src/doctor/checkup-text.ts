import {
  type Check,
  type CheckStatus,
  type Checked,
  type CheckCode,
  isCheck,
  type NotChecked,
} from "../core/checkup.ts";
import type { Language, Text } from "../core/text.ts";
import { besideLabel, labelled, type Look, type Style } from "../terminal/look.ts";

/** A line or more for each thing that was looked at, with what mends it; last, what could not be looked at. */
export function checkupText(checked: readonly Checked[], look: Look): string {
  const { lang } = look;
  const checks = checked.filter(isCheck);
  const lines = [
    ...checks.flatMap((check) => checkLines(check, look)),
    ...skippedLines(notChecked(checked), look),
    "",
    ...labelled(SUM[lang], "bold", sumText(checks)[lang], look),
  ];
  return `${lines.join("\n")}\n`;
}

/** What could not be looked at for one reason is one line. */
function skippedLines(skipped: readonly NotChecked[], look: Look): readonly string[] {
  const { lang } = look;
  const byReason = Map.groupBy(skipped, ({ because }) => because[lang]);
  return [...byReason].flatMap(([because, ones]) => {
    const names = ones.map(({ code }) => NAMES[code][lang]).join(COMMA[lang]);
    return labelled(SKIPPED[lang], "reset", `${names}${COLON[lang]}${because}`, look);
  });
}

function notChecked(checked: readonly Checked[]): readonly NotChecked[] {
  return checked.filter((one): one is NotChecked => !isCheck(one));
}

function checkLines({ code, status, summary, mend }: Check, look: Look): readonly string[] {
  const { lang } = look;
  const { label, style } = STATUSES[status];
  return [
    ...labelled(label[lang], style, `${NAMES[code][lang]}${COLON[lang]}${summary[lang]}`, look),
    ...(mend ? mend[lang].split("\n").map((line) => besideLabel("", "reset", `→ ${line}`, look)) : []),
  ];
}

/** The document of `--json`; summaries are in the language asked for, all else is not. */
export function checkupDocument(checked: readonly Checked[], lang: Language) {
  const checks = checked.filter(isCheck);
  return {
    schemaVersion: 1,
    healthy: exitCodeOf(checked) === 0,
    checks: checks.map(({ code, status, summary, mend, evidence }) => ({
      code,
      status,
      summary: summary[lang],
      mend: mend?.[lang] ?? null,
      evidence,
    })),
    notChecked: notChecked(checked).map(({ code, because }) => ({ code, because: because[lang] })),
  };
}

/** 0 where nothing is to be mended, 1 where something is. */
export function exitCodeOf(checked: readonly Checked[]): 0 | 1 {
  return checked.some((one) => isCheck(one) && one.status !== "ok") ? 1 : 0;
}

function sumText(checks: readonly Check[]): Text {
  const count = (status: CheckStatus): number => checks.filter((check) => check.status === status).length;
  return {
    en: `${count("ok")} ok, ${count("warning")} ${count("warning") === 1 ? "warning" : "warnings"}, ${count("failed")} failed`,
    zh: `${count("ok")} 项正常，${count("warning")} 项警告，${count("failed")} 项失败`,
  };
}

const STATUSES: Readonly<Record<CheckStatus, { readonly label: Text; readonly style: Style }>> = {
  ok: { label: { en: "OK", zh: "正常" }, style: "green" },
  warning: { label: { en: "WARNING", zh: "警告" }, style: "yellow" },
  failed: { label: { en: "FAILED", zh: "失败" }, style: "red" },
};
const SKIPPED: Text = { en: "SKIPPED", zh: "未检查" };
const SUM: Text = { en: "Sum", zh: "合计" };
const COLON: Text = { en: ": ", zh: "：" };
const COMMA: Text = { en: ", ", zh: "、" };

const NAMES: Readonly<Record<CheckCode, Text>> = {
  credentials: { en: "credentials", zh: "凭证" },
  role: { en: "role", zh: "角色" },
  endpoint: { en: "endpoint", zh: "接入地址" },
  "clock-skew": { en: "clock", zh: "时钟" },
  "series-quota": { en: "series quota", zh: "时间序列配额" },
  "pending-contacts": { en: "contacts", zh: "联系人" },
  "last-point": { en: "last point", zh: "最近数据点" },
  agent: { en: "agent", zh: "agent" },
  "remedy-drift": { en: "remedy", zh: "修复" },
  "first-boot": { en: "first boot", zh: "首次启动" },
  "sysctl-conflict": { en: "sysctl", zh: "sysctl" },
  tuned: { en: "tuned", zh: "tuned" },
  "ecs-mq": { en: "ecs_mq", zh: "ecs_mq" },
  irqbalance: { en: "irqbalance", zh: "irqbalance" },
};
