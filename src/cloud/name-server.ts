import { Resolver } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";

import { errorCodeOf } from "../errors.ts";

const TIMEOUT_MS = 1000;

/**
 * Whether it is worth while to look these names up.
 *
 * The system's own look-up cannot be called off: where no name server answers, a process that has begun one cannot end for ten
 * seconds. So a question that can be called off goes first.
 */
export async function namesCanBeLookedUp(hostnames: readonly string[]): Promise<boolean> {
  const name = hostnames.find((hostname) => isIP(hostname) === 0 && hostname !== "localhost");
  if (name === undefined || isInHostsFile(name)) return true;
  try {
    await new Resolver({ timeout: TIMEOUT_MS, tries: 1 }).resolve4(name);
    return true;
  } catch (error) {
    return errorCodeOf(error) !== "ETIMEOUT";
  }
}

function isInHostsFile(name: string): boolean {
  try {
    return readFileSync("/etc/hosts", "utf8").split(/\s+/).includes(name);
  } catch {
    return false;
  }
}
