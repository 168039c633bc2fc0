import assert from "node:assert/strict";
import { test } from "node:test";

import { releaseNotesOf } from "../../scripts/changelog.ts";

const CHANGELOG = `# Changelog

What changed.

## Unreleased

- not yet

## 0.2.0 - 2026-12-01

- more
- and more

## 0.1.0

- the first
`;

const NOT_RUN = "\nThe packages for arm64 (`arm64`, `aarch64`) are built, and have not been run.\n";

for (const { name, version, tag, notes } of [
  {
    name: "a section up to the next",
    version: "0.2.0",
    tag: "v0.2.0",
    notes: { text: `- more\n- and more\n${NOT_RUN}` },
  },
  { name: "the last section", version: "0.1.0", tag: "v0.1.0", notes: { text: `- the first\n${NOT_RUN}` } },
  {
    name: "a tag of another version",
    version: "0.2.0",
    tag: "v0.2.1",
    notes: { wrong: "expected the tag v0.2.0, by package.json, got v0.2.1" },
  },
  {
    name: "a version that the changelog does not know",
    version: "0.2",
    tag: "v0.2",
    notes: { wrong: 'CHANGELOG.md: expected what changed below "## 0.2", got nothing' },
  },
]) {
  test(`release notes: ${name}`, () => {
    assert.deepEqual(releaseNotesOf(CHANGELOG, version, tag), notes);
  });
}
