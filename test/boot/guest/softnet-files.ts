import { copyFileSync, cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";

import { buildDist } from "../../../scripts/bundle.ts";

/** How a guest calls the product from what `putSoftnet` has put into its files. */
export const SOFTNET_IN_GUEST = "/mnt/node /mnt/bin/softnet.js";

/** Puts the built product and its Node into a folder that a guest will have under /mnt. */
export async function putSoftnet(folder: string): Promise<void> {
  await buildDist(join(folder, "dist"));
  mkdirSync(join(folder, "bin"));
  for (const file of ["bin/softnet.js", "package.json"]) copyFileSync(file, join(folder, file));
  cpSync("scripts", join(folder, "scripts"), { recursive: true });
  copyFileSync(process.execPath, join(folder, "node"));
}
