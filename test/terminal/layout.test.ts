import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { narrowed, tableLines, widthOf, wrapped } from "../../src/terminal/layout.ts";

describe("a wrapped text", () => {
  const rows: readonly { text: string; width: number; lines: readonly string[] }[] = [
    { text: "", width: 10, lines: [""] },
    { text: "one two three", width: 7, lines: ["one two", "three"] },
    { text: "one two", width: 3, lines: ["one", "two"] },
    { text: "unbreakable it is", width: 5, lines: ["unbreakable", "it is"] },
    { text: "丢弃数据包", width: 4, lines: ["丢弃", "数据", "包"] },
    { text: "丢弃，数据", width: 4, lines: ["丢", "弃，", "数据"] },
    { text: "时间（steal）后", width: 8, lines: ["时间", "（steal）", "后"] },
    { text: "调大 netdev 值", width: 9, lines: ["调大", "netdev 值"] },
  ];
  for (const { text, width, lines } of rows) {
    test(`${JSON.stringify(text)} in ${width} columns`, () => assert.deepEqual(wrapped(text, width), lines));
  }
});

test("a Chinese character takes two columns", () => {
  assert.equal(widthOf("CPU 丢弃，"), 10);
});

test("numbers stand right, names left, and wide characters count twice", () => {
  assert.deepEqual(
    tableLines(
      [
        ["接口", "每秒"],
        ["eth0", "1,000"],
        ["lo", ""],
      ],
      { namesFirst: true },
    ),
    ["接口   每秒", "eth0  1,000", "lo"],
  );
  assert.deepEqual(
    tableLines([
      ["CPU", "dropped/s"],
      ["0", "15"],
    ]),
    ["CPU  dropped/s", "  0         15"],
  );
});

describe("a table that has too little room", () => {
  const rows = [
    ["CPU", "lost", "empty", "steal", "idle"],
    ["0", "15", "", "1 %", "45 %"],
    ["1", "", "", "0 %", "0 %"],
  ];
  for (const { width, heads } of [
    { width: 80, heads: ["CPU", "lost", "steal", "idle"] },
    { width: 22, heads: ["CPU", "lost", "steal", "idle"] },
    { width: 21, heads: ["CPU", "lost", "steal"] },
    { width: 5, heads: ["CPU", "lost", "steal"] },
  ]) {
    test(`of ${width} columns keeps ${heads.join(", ")}`, () =>
      assert.deepEqual(narrowed(rows, width)[0], heads));
  }
});
