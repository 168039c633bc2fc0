import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";

/** A second name makes a reader look for a second thing. */
const ONE_NAME = [
  { never: "代理", but: "agent", why: "it reads as proxy" },
  { never: "采集文件", but: "抓取文件", why: "a capture" },
  { never: "时间线", but: "时间序列", why: "a series" },
  { never: "健康", but: "正常", why: "the verdict without a finding" },
  { never: "未能证明", but: "未证实", why: "a change of unknown effect" },
  { never: "无法证实", but: "未证实", why: "a change of unknown effect" },
  { never: "撤回", but: "撤销", why: "to take a change back" },
  { never: "收包中断", but: "提前结束", why: "a pass that ends is no interrupt" },
];

describe("in Chinese", () => {
  const texts = [...globSync("src/**/*.{ts,js}"), "README.zh-CN.md"].map((path) => ({
    path,
    text: readFileSync(path, "utf8"),
  }));

  for (const { never, but, why } of ONE_NAME) {
    test(`it is ${but} everywhere and never ${never}: ${why}`, () => {
      const where = texts.filter(({ text }) => text.includes(never)).map(({ path }) => path);
      assert.deepEqual(where, []);
    });
  }
});
