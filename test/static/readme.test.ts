import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { READMES, withSettings } from "../../scripts/readme.ts";
import { VERBS } from "../../src/cli.ts";

for (const lang of ["en", "zh"] as const) {
  const name = READMES[lang];
  const readme = readFileSync(name, "utf8");

  test(`${name} lists the settings there are (npm run readme)`, () => {
    assert.equal(readme, withSettings(readme, lang));
  });

  test(`${name} has a row for each verb`, () => {
    const rows = [...readme.matchAll(/^\| `([a-z][a-z -]*)` \|.*\d/gm)].map(([, verb]) => verb!);
    assert.deepEqual(rows.toSorted(), VERBS.map((verb) => verb.name).toSorted());
  });

  test(`${name} points at files that exist`, () => {
    const targets = [...readme.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target]) => target!);
    assert.deepEqual(
      targets.filter((target) => !existsSync(target)),
      [],
    );
    assert.notEqual(targets.length, 0);
  });
}
