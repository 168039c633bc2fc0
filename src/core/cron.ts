/** What a cron expression fires at, field by field. */
export interface CronFields {
  readonly second: readonly number[];
  readonly minute: readonly number[];
  readonly hour: readonly number[];
  readonly dayOfMonth: readonly (number | string)[];
  readonly month: readonly number[];
  readonly dayOfWeek: readonly (number | string)[];
}

const MOST_MINUTES_APART = 15;

/** Whether it fires every hour of every day, once in a minute at most, and never more than 15 minutes apart. */
export function firesOftenEnough(fields: CronFields): boolean {
  const everyHour =
    fields.hour.length === 24 &&
    fields.month.length === 12 &&
    fields.dayOfMonth.length >= 31 &&
    new Set(fields.dayOfWeek.map((day) => (day === 7 ? 0 : day))).size === 7;
  if (!everyHour || fields.second.length !== 1) return false;
  return minutesApart(fields) <= MOST_MINUTES_APART;
}

/** The longest pause between two minutes of one hour, or of one and the next. */
export function minutesApart({ minute }: CronFields): number {
  const minutes = minute.toSorted((a, b) => a - b);
  return Math.max(...minutes.map((each, i) => (minutes[i + 1] ?? minutes[0]! + 60) - each));
}
