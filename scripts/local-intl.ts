/**
 * What node-cron asks of `Intl`, for this machine's own time zone from the plain methods of Date: to format a date at all, Intl loads tables
 * that take 8 MB of the agent's memory. Any other zone gets the real one.
 */
export const Intl = {
  DateTimeFormat: class {
    readonly #options: globalThis.Intl.DateTimeFormatOptions;

    constructor(_locale: "en-US", options: globalThis.Intl.DateTimeFormatOptions) {
      this.#options = options;
    }

    formatToParts(date: Date): { readonly type: string; readonly value: string }[] {
      if (this.#options.timeZone !== undefined) {
        return new globalThis.Intl.DateTimeFormat("en-US", this.#options).formatToParts(date);
      }
      if (this.#options.timeZoneName !== undefined) {
        return [{ type: "timeZoneName", value: shortOffset(-date.getTimezoneOffset()) }];
      }
      return [
        { type: "weekday", value: WEEKDAYS[date.getDay()]! },
        { type: "month", value: twoDigits(date.getMonth() + 1) },
        { type: "day", value: twoDigits(date.getDate()) },
        { type: "year", value: String(date.getFullYear()) },
        { type: "hour", value: twoDigits(date.getHours()) },
        { type: "minute", value: twoDigits(date.getMinutes()) },
        { type: "second", value: twoDigits(date.getSeconds()) },
      ];
    }
  },
};

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/** As Intl writes it: `GMT+0`, `GMT+8`, `GMT-3:30`. */
function shortOffset(minutes: number): string {
  const size = Math.abs(minutes);
  const rest = size % 60 === 0 ? "" : `:${twoDigits(size % 60)}`;
  return `GMT${minutes < 0 ? "-" : "+"}${Math.trunc(size / 60)}${rest}`;
}
