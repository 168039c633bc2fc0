import { closeSync, openSync } from "node:fs";

import { errorCodeOf } from "../errors.ts";

/**
 * Makes an empty file that only its owner can read; SQLite itself would let everybody.
 *
 * A file that is there already is not even opened: closing it again would drop this process's locks on it.
 */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (errorCodeOf(error) !== "EEXIST") throw error;
  }
}
