import { lstatSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { errorCodeOf } from "./errors.ts";

/**
 * Makes a folder, and those above it that are missing; one that is there keeps its mode.
 *
 * Not `mkdirSync`'s own `recursive`: it never returns where the folder above is there and the system still says that nothing is, as in /proc
 * and below a link that leads nowhere.
 *
 * @throws what the system says.
 */
export function makeFolder(dir: string, mode: number): void {
  try {
    mkdirSync(dir, { mode });
  } catch (error) {
    if (errorCodeOf(error) === "EEXIST" && isFolder(dir)) return;
    if (errorCodeOf(error) !== "ENOENT" || isThere(dirname(dir))) throw error;
    makeFolder(dirname(dir), mode);
    // Somebody else may have made it meanwhile.
    makeFolder(dir, mode);
  }
}

/** Whatever it is: a link that leads nowhere is there. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
