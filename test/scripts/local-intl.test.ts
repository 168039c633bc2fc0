import assert from "node:assert/strict";
import { test } from "node:test";

import { Intl as LocalIntl } from "../../scripts/local-intl.ts";

/** The two forms in which node-cron asks. */
const PARTS = {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  weekday: "short",
  hour12: false,
} as const satisfies Intl.DateTimeFormatOptions;

const ZONES = [
  "UTC",
  "Asia/Shanghai",
  "Asia/Kathmandu",
  "America/New_York",
  "America/St_Johns",
  "Pacific/Chatham",
  "Europe/London",
];

const OFFSET = {
  timeZone: undefined,
  timeZoneName: "shortOffset",
} as const satisfies Intl.DateTimeFormatOptions;

for (const zone of ZONES) {
  test(`the bundle's Intl says of a date in ${zone} what the real one says`, () => {
    const before = process.env["TZ"];
    process.env["TZ"] = zone;
    try {
      for (const options of [PARTS, OFFSET]) {
        const local = new LocalIntl.DateTimeFormat("en-US", options);
        const real = new Intl.DateTimeFormat("en-US", options);
        // Across two changes of the clocks and a new year, off the full hour.
        for (let at = Date.UTC(2026, 1, 27, 23, 59, 31); at < Date.UTC(2027, 1, 1); at += 6_977_000) {
          assert.deepEqual(partsOf(local, at), partsOf(real, at));
        }
      }
    } finally {
      if (before === undefined) delete process.env["TZ"];
      else process.env["TZ"] = before;
    }
  });
}

test("another zone than this machine's goes to the real Intl", () => {
  const options = { ...PARTS, timeZone: "Asia/Tokyo" };
  assert.deepEqual(
    partsOf(new LocalIntl.DateTimeFormat("en-US", options), 0),
    partsOf(new Intl.DateTimeFormat("en-US", options), 0),
  );
});

interface Formatter {
  formatToParts(date: Date): readonly { readonly type: string; readonly value: string }[];
}

function partsOf(formatter: Formatter, atMs: number): Record<string, string> {
  const parts = formatter.formatToParts(new Date(atMs)).map(({ type, value }) => {
    // node-cron reads the 24th hour as the 0th.
    return [type, type === "hour" && value === "24" ? "00" : value];
  });
  const { literal: _, ...said } = Object.fromEntries(parts) as Record<string, string>;
  // Beside the zone's name Intl says the date, which nobody reads there.
  return "timeZoneName" in said ? { timeZoneName: said["timeZoneName"] } : said;
}
