import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { READMES, withSettings } from "../../scripts/readme.ts";
import { VERBS } from "../../src/cli.ts";
import { runSoftnet } from "../support/run-softnet.ts";

const OVERLOAD = "test/fixtures/incidents/overload.capture";

const SAMPLES = [
  { args: ["diagnose"], begins: { en: "CRITICAL", zh: "严重" } },
  { args: ["remedy", "plan"], begins: { en: "Change", zh: "改动" } },
];

/** The indented block whose first line begins so. */
function sampleIn(readme: string, begins: string): readonly string[] {
  const lines = readme.split("\n");
  const first = lines.findIndex((line) => line.startsWith(`    ${begins} `));
  const end = lines.findIndex((line, i) => i > first && line !== "" && !line.startsWith("    "));
  return lines.slice(first, end).join("\n").trimEnd().split("\n");
}

function patternOf(sample: readonly string[]): RegExp {
  const parts = sample.map((line) =>
    line.trim() === "…" ? String.raw`(?:.*\n)+?` : `${escaped(line.slice(4))}\n`,
  );
  return new RegExp(`^${parts.join("")}`);
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

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

  for (const { args, begins } of SAMPLES) {
    test(`${name} shows what softnet ${args.join(" ")} says, cut only where a … stands`, async () => {
      const { stdout } = await runSoftnet([...args, "--from", OVERLOAD, "--lang", lang], { columns: 80 });
      assert.match(stdout, patternOf(sampleIn(readme, begins[lang])));
    });
  }

  test(`${name} points at files that exist`, () => {
    const targets = [...readme.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target]) => target!);
    assert.deepEqual(
      targets.filter((target) => !existsSync(target)),
      [],
    );
    assert.notEqual(targets.length, 0);
  });
}
