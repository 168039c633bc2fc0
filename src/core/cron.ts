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
  const minutes = fields.minute.toSorted((a, b) => a - b);
  return minutes.every((minute, i) => {
    const next = minutes[i + 1] ?? minutes[0]! + 60;
    return next - minute <= MOST_MINUTES_APART;
  });
}
