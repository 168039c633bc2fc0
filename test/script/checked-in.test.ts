import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { test } from "node:test";

import { runSoftnet } from "../support/run-softnet.ts";

for (const [file, command] of [
  ["scripts/remediate.sh", "remedy plan --script --portable"],
  ["scripts/remediate-undo.sh", "remedy plan --script --phase undo"],
  ["cloud-init/user-data.yaml", exampleIn("docs/cloud-init.md")],
] as const) {
  test(`${file} is what softnet ${command} prints`, async () => {
    const { stdout } = await runSoftnet(command.split(" "));
    assert.equal(readFileSync(file, "utf8"), stdout);
    assert.equal((statSync(file).mode & 0o100) !== 0, file.endsWith(".sh"), "a script can be run");
  });
}

/** The command that a document makes its checked-in example with: continued lines, up to where its output goes. */
function exampleIn(document: string): string {
  const [, command] = /^    softnet (cloud-init [^>]*) > cloud-init\/user-data\.yaml$/m.exec(
    readFileSync(document, "utf8"),
  )!;
  return command!.replaceAll(/\s*\\\n\s*/g, " ");
}
