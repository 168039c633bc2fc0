import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";

test("each decision has a number of its own", () => {
  const files = readdirSync("docs/decisions").toSorted();
  assert.deepEqual(
    files.map((file) => file.slice(0, 4)),
    files.map((_, index) => `${String(index + 1).padStart(3, "0")}-`),
  );
});
