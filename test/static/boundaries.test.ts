import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";

interface Row {
  /** Whose import it is; the file is made up. */
  readonly from: string;
  readonly imports: string;
}

const FORBIDDEN: readonly Row[] = [
  { from: "src/core/x.ts", imports: "../host/machine.ts" },
  { from: "src/core/x.ts", imports: "../remedy/journal.ts" },
  { from: "src/core/x.ts", imports: "../cloud/cloudmonitor.ts" },
  { from: "src/core/x.ts", imports: "../store/store.ts" },
  { from: "src/core/x.ts", imports: "../console/server.ts" },
  { from: "src/core/x.ts", imports: "../commands/run.ts" },
  { from: "src/core/x.ts", imports: "../logger.ts" },
  { from: "src/core/x.ts", imports: "../config.ts" },
  { from: "src/core/x.ts", imports: "../options.ts" },
  { from: "src/core/x.ts", imports: "../errors.ts" },
  { from: "src/core/findings/x.ts", imports: "../../host/machine.ts" },
  { from: "src/core/findings/x.ts", imports: "../../agent/agent.ts" },
  { from: "src/core/x.ts", imports: "node:fs" },
  { from: "src/core/x.ts", imports: "valibot" },
  { from: "src/core/x.ts", imports: "pino" },
  { from: "src/core/x.ts", imports: "@alicloud/cms20190101" },
  ...["host", "remedy", "store", "console"].flatMap((folder): Row[] => [
    { from: `src/${folder}/x.ts`, imports: "@alicloud/openapi-core" },
    { from: `src/${folder}/x.ts`, imports: "../cloud/cloudmonitor.ts" },
    { from: `src/${folder}/x.ts`, imports: "../commands/run.ts" },
    { from: `src/${folder}/x.ts`, imports: "../agent/agent.ts" },
    { from: `src/${folder}/x.ts`, imports: "../terminal/look.ts" },
  ]),
  ...["host", "remedy", "cloud", "console"].flatMap((folder): Row[] => [
    { from: `src/${folder}/x.ts`, imports: "node:sqlite" },
    { from: `src/${folder}/x.ts`, imports: "../store/store.ts" },
  ]),
  ...["remedy", "cloud", "store", "console"].map((folder): Row => ({
    from: `src/${folder}/x.ts`,
    imports: "../host/machine.ts",
  })),
  { from: "src/commands/x.ts", imports: "@alicloud/ecs20140526" },
  { from: "src/commands/x.ts", imports: "node:sqlite" },
  { from: "src/agent/x.ts", imports: "@alicloud/openapi-core" },
  { from: "src/agent/x.ts", imports: "../doctor/checkup-local.ts" },
  { from: "src/agent/x.ts", imports: "../reports/remedy-text.ts" },
];

const ALLOWED: readonly Row[] = [
  { from: "src/core/x.ts", imports: "./rates.ts" },
  { from: "src/core/findings/x.ts", imports: "../text.ts" },
  { from: "src/host/x.ts", imports: "../core/rates.ts" },
  { from: "src/host/x.ts", imports: "../errors.ts" },
  { from: "src/host/x.ts", imports: "node:fs" },
  { from: "src/cloud/x.ts", imports: "@alicloud/openapi-core" },
  { from: "src/store/x.ts", imports: "node:sqlite" },
  { from: "src/commands/x.ts", imports: "../host/machine.ts" },
  { from: "src/agent/x.ts", imports: "../store/store.ts" },
];

/** What core must not touch though it needs no import for it. */
const IMPURE = ["process.pid", "performance.now()", "Date.now()", "setTimeout(() => 1, 1)", "fetch('/')"];

// The rules look at names only, so files that do not exist serve.
const tree = mkdtempSync(join(tmpdir(), "softnet-lint-"));
after(() => rmSync(tree, { recursive: true }));
copyFileSync(".oxlintrc.json", join(tree, ".oxlintrc.json"));

test("an import across a boundary is a lint error", () => {
  assert.deepEqual(
    refusedOf(FORBIDDEN.map(importing)),
    FORBIDDEN.map(({ from, imports }) => `${from} ${imports}`),
  );
});

test("an import within the boundaries is none", () => {
  assert.deepEqual(refusedOf(ALLOWED.map(importing)), []);
});

test("core has no clock, process, timer or network", () => {
  const sources = IMPURE.map((code) => ({
    from: "src/core/x.ts",
    name: code,
    code: `export const x = ${code};\n`,
  }));
  assert.deepEqual(
    refusedOf(sources),
    IMPURE.map((code) => `src/core/x.ts ${code}`),
  );
});

function importing({ from, imports }: Row): { from: string; name: string; code: string } {
  return { from, name: imports, code: `import * as x from "${imports}";\nexport const y = x;\n` };
}

/** @returns which of the sources break a restriction, each as "file name". */
function refusedOf(sources: readonly { from: string; name: string; code: string }[]): string[] {
  const nameOf = new Map<string, string>();
  for (const [index, { from, name, code }] of sources.entries()) {
    const path = from.replace("x.ts", `x${index}.ts`);
    nameOf.set(path, `${from} ${name}`);
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), code);
  }
  const { stdout } = spawnSync(
    join(process.cwd(), "node_modules/.bin/oxlint"),
    ["--format=json", ...nameOf.keys()],
    {
      cwd: tree,
      encoding: "utf8",
    },
  );
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] };
  const refused = new Set(
    diagnostics.filter(({ code }) => /no-restricted-/.test(code)).map(({ filename }) => filename),
  );
  return [...nameOf].filter(([path]) => refused.has(path)).map(([, name]) => name);
}
