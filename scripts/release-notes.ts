/** `npm run release-notes -- v0.1.0`: prints what the changelog says of a version, if it is the one that this checkout is and the tag names. */
import { readFileSync } from "node:fs";

import { version } from "../src/version.ts";
import { releaseNotesOf } from "./changelog.ts";

const notes = releaseNotesOf(readFileSync("CHANGELOG.md", "utf8"), version, process.argv[2]);
if ("wrong" in notes) {
  console.error(`release-notes: ${notes.wrong}`);
  process.exitCode = 2;
} else {
  process.stdout.write(notes.text);
}
