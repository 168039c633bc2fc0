import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { contentsOf } from "../../scripts/package/contents.ts";
import { DEBIAN_SETTINGS, makeDeb } from "../../scripts/package/debian.ts";
import { makeRpm, RPM_SETTINGS } from "../../scripts/package/rpm.ts";
import { makeTarball } from "../../scripts/package/tarball.ts";
import type { PackageKind } from "../../src/core/cloud-init.ts";

/**
 * Makes each kind of package as it is released, but for the executable: a script that says `says`, since a real one takes seconds.
 *
 * @returns their paths.
 */
export function packStub(folder: string, says: string): Readonly<Record<PackageKind, string>> {
  const scratch = mkdtempSync(join(folder, "stub-"));
  const [dist, executable] = [join(scratch, "dist"), join(scratch, "softnet")];
  mkdirSync(dist);
  writeFileSync(join(dist, "THIRD-PARTY-NOTICES.txt"), "none\n");
  writeFileSync(executable, `#!/bin/sh\necho ${says}\n`);
  const packed = { arch: "x64", version: "0.1.0", compression: "none", builtAtSeconds: 1 } as const;
  const files = (settings: string) => contentsOf("x64", executable, dist, settings);
  return {
    deb: makeDeb({ ...packed, files: files(DEBIAN_SETTINGS) }, scratch),
    rpm: makeRpm({ ...packed, files: files(RPM_SETTINGS) }, scratch),
    "tar.gz": makeTarball({ ...packed, files: files(RPM_SETTINGS) }, scratch),
  };
}
