import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { ASSETS, sourceOf } from "../../../src/console/assets.ts";
import {
  formatAxis,
  formatBytes,
  formatDuration,
  formatNumber,
  formatShare,
} from "../../../src/console/page/format.js";
import { TEXTS, translator } from "../../../src/console/page/texts.js";

const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([whole]) => whole).toSorted();

describe("the page's words", () => {
  test("say the same in both languages", () => {
    for (const [key, { en, zh }] of Object.entries(TEXTS)) {
      assert.ok(en !== "" && zh !== "", key);
      assert.deepEqual(placeholders(zh), placeholders(en), key);
    }
  });

  test("are all used, and stand nowhere else", () => {
    const scripts = Object.values(ASSETS)
      .filter(({ file, package: from }) => file.endsWith(".js") && file !== "texts.js" && !from)
      .map((asset) => readFileSync(sourceOf(asset), "utf8"));
    const code = scripts.join("\n");
    const formats = readFileSync(sourceOf(ASSETS["/assets/format.js"]!), "utf8"); // It has the units of durations.
    for (const key of Object.keys(TEXTS)) {
      // A key made of a word and a name is written as `word.${name}`.
      const isUsed = code.includes(`"${key}"`) || code.includes(`\`${key.slice(0, key.indexOf(".") + 1)}\${`);
      assert.ok(
        isUsed || (!key.includes(".") && new RegExp(`\\b${key}\\b`).test(code)),
        `${key} is not used`,
      );
    }
    for (const script of scripts.filter((each) => each !== formats)) {
      assert.doesNotMatch(script, /\p{Script=Han}/u);
    }
  });

  test("put values where the words want them", () => {
    const values = { time: "12:03:04", duration: "2 min" };
    assert.equal(translator("en")("since", values), "since 12:03:04 · 2 min");
    assert.equal(translator("zh")("since", values), "自 12:03:04 起 · 2 min");
  });
});

describe("numbers", () => {
  const rows: { value: number | null; text: string }[] = [
    { value: 0, text: "0" },
    { value: 0.004, text: "0" },
    { value: 0.4, text: "0.4" },
    { value: 9.96, text: "10" },
    { value: 12.4, text: "12" },
    { value: 8450, text: "8,450" },
    { value: 99_999, text: "99,999" },
    { value: 123_456, text: "123k" },
    { value: 1_250_000, text: "1.25M" },
    { value: 4_294_967_295, text: "4.29G" },
    { value: null, text: "—" },
    { value: Number.NaN, text: "—" },
  ];
  for (const { value, text } of rows) {
    test(`${value} is ${text}`, () => assert.equal(formatNumber(value), text));
  }

  test("on an axis are short", () => {
    assert.deepEqual([0, 0.5, 250, 1500, 20_000, 2.5e6, 1e9].map(formatAxis), [
      "0",
      "0.5",
      "250",
      "1.5k",
      "20k",
      "2.5M",
      "1G",
    ]);
  });

  test("of bytes, shares and durations carry their unit", () => {
    assert.deepEqual([12, 4096, 1_840_000, 64e6, 2.5e9].map(formatBytes), [
      "12 B",
      "4 kB",
      "1.8 MB",
      "64 MB",
      "2.5 GB",
    ]);
    assert.deepEqual([0, 0.004, 0.125, 1].map(formatShare), ["0%", "0.4%", "13%", "100%"]);
    const durations = [-5, 400, 59_999, 61_000, 3_600_000, 90_061_000];
    assert.deepEqual(
      durations.map((each) => formatDuration(each, "en")),
      ["0 s", "0 s", "59 s", "1 min 1 s", "1 h", "1 d 1 h"],
    );
    assert.equal(formatDuration(90_061_000, "zh"), "1 天 1 小时");
  });
});
