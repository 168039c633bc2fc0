import type { Logger } from "pino";
import * as v from "valibot";

import type { ClosedMinute } from "./agent.ts";
import {
  type AlarmCause,
  alarmDetail,
  alarmDocument,
  type AlarmDocument,
  type AlarmWho,
} from "../core/alarm-document.ts";
import { type AlarmTrack, alarmValue, evaluatePeriod } from "../core/alarm-evaluation.ts";
import type { AlarmRule } from "../core/alarm-rules.ts";
import type { Text } from "../core/text.ts";

/** Where the state of the rules is kept over a restart. */
export interface AlarmShelf {
  read(): unknown;
  write(alarms: unknown): void;
}

/** A rule as people look at it. */
export interface AlarmStanding {
  readonly rule: AlarmRule;
  readonly isAlarm: boolean;
  /** Since when the condition holds; undefined while there is no alarm. */
  readonly sinceMs: number | undefined;
  readonly detail: Text;
}

/** A rule's state and what its alarm is about. */
interface Kept {
  readonly track: AlarmTrack;
  readonly cause: AlarmCause | undefined;
}

const count = v.pipe(v.number(), v.finite(), v.minValue(0));
const text = v.object({ en: v.string(), zh: v.string() });

const storedAlarms = v.object({
  alarmsVersion: v.literal(1),
  rules: v.record(
    v.string(),
    v.object({
      track: v.object({
        state: v.picklist(["ok", "alarm"]),
        breaches: count,
        sinceMs: v.optional(count),
        toldAtMs: v.optional(count),
        lastStartMs: count,
        lastValue: count,
      }),
      cause: v.optional(
        v.object({
          finding: v.string(),
          summary: text,
          evidence: v.record(v.string(), v.unknown()),
          fix: v.nullable(v.string()),
        }),
      ),
    }),
  ),
});

/** Evaluates the rules on this machine, minute by minute: whoever has no CloudMonitor is told all the same. */
export class AlarmWatch {
  readonly #rules: readonly AlarmRule[];
  readonly #shelf: AlarmShelf;
  readonly #log: Pick<Logger, "info" | "warn">;
  readonly #kept: Map<string, Kept>;

  constructor(parts: { rules: readonly AlarmRule[]; shelf: AlarmShelf; log: Pick<Logger, "info" | "warn"> }) {
    this.#rules = parts.rules;
    this.#shelf = parts.shelf;
    this.#log = parts.log;
    this.#kept = keptOf(parts.shelf.read());
  }

  standings(): readonly AlarmStanding[] {
    return this.#rules.map((rule) => {
      const track = this.#kept.get(rule.code)?.track;
      const isAlarm = track?.state === "alarm";
      return {
        rule,
        isAlarm,
        sinceMs: isAlarm ? track.sinceMs : undefined,
        detail: alarmDetail(rule, track),
      };
    });
  }

  /**
   * Hears of each closed minute.
   *
   * @param cause what was found of late; undefined for nothing.
   * @returns what is to be told elsewhere.
   */
  note(
    { window, severities }: ClosedMinute,
    cause: AlarmCause | undefined,
    who: AlarmWho,
  ): readonly AlarmDocument[] {
    const documents = this.#rules.flatMap((rule) => {
      const value = alarmValue(rule, window, severities);
      if (value === undefined) return [];
      const before = this.#kept.get(rule.code);
      const { track, news } = evaluatePeriod(rule, before?.track, { startMs: window.startMs, value });
      const known = cause ?? before?.cause;
      this.#kept.set(rule.code, { track, cause: track.state === "alarm" ? known : undefined });
      if (!news) return [];
      const sinceMs = track.sinceMs ?? before?.track.sinceMs ?? window.startMs;
      const about = news === "recovered" ? before?.cause : known;
      return [alarmDocument(rule, news, track, sinceMs, about, who)];
    });
    for (const document of documents) this.#say(document);
    return documents;
  }

  /**
   * Keeps the state for the next process.
   *
   * @throws StoreError when the disk would not take it; it goes on in memory.
   */
  save(): void {
    this.#shelf.write({ alarmsVersion: 1, rules: Object.fromEntries(this.#kept) });
  }

  #say({ alarm, level, state, summary }: AlarmDocument): void {
    const line = `Alarm ${level} ${alarm}: ${summary.en}`;
    if (state === "alarm") this.#log.warn(line);
    else this.#log.info(line);
  }
}

/** Nothing when it is of another version or damaged: the rules then begin anew. */
function keptOf(stored: unknown): Map<string, Kept> {
  const parsed = v.safeParse(storedAlarms, stored);
  if (!parsed.success) return new Map();
  return new Map(
    Object.entries(parsed.output.rules).map(([code, { track, cause }]) => [
      code,
      {
        track: { ...track, sinceMs: track.sinceMs, toldAtMs: track.toldAtMs },
        cause: cause as AlarmCause | undefined,
      },
    ]),
  );
}
