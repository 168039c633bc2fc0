import { alarmCause } from "./alarm-document.ts";
import type { CustomEvent } from "./custom-event.ts";
import type { Evidence } from "./finding.ts";
import { toThousandths } from "./rounding.ts";
import type { VerdictChange } from "./verdict-over-time.ts";

/** It travels in the query of a request, where every character of Chinese takes nine. */
const LONGEST_CONTENT = 900;

/**
 * A change of verdict as a custom event: what is lost, on which instance, why, the command that fixes it where one does, and the numbers, which come
 * last because a long text is cut.
 *
 * @param atMs wall clock of the change, epoch milliseconds.
 */
export function eventOf(
  change: VerdictChange,
  atMs: number,
  who: { readonly instanceId: string; readonly groupId: number },
): CustomEvent {
  const finding = change.episode.verdict.findings[0];
  const fix = alarmCause(change.episode.verdict)?.fix ?? null;
  const what =
    change.to === "healthy"
      ? `${who.instanceId}: no more loss. It was ${finding?.code ?? change.from} for ${secondsOf(change)} s. 已恢复，不再丢包。`
      : `${who.instanceId}: ${finding?.summary.en ?? change.to} ${finding?.summary.zh ?? ""} ${fix === null ? "" : `fix: ${fix}; `}evidence: ${evidenceText(finding?.evidence ?? {})}`;
  return { name: change.event, groupId: String(who.groupId), atMs, content: what.slice(0, LONGEST_CONTENT) };
}

function secondsOf({ atMs, episode }: VerdictChange): number {
  return Math.round((atMs - episode.beganAtMs) / 1000);
}

function evidenceText(evidence: Readonly<Record<string, Evidence>>): string {
  return Object.entries(evidence)
    .map(([key, value]) => `${key}=${wordOf(value)}`)
    .join(" ");
}

function wordOf(value: Evidence): string {
  if (typeof value === "number") return String(toThousandths(value));
  return Array.isArray(value) ? value.slice(0, 8).join("/") : String(value);
}
