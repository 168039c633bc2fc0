/**
 * `npm run package`: makes what is released, in release/: the single executable in a .deb for each kind of machine.
 * `--arch x64`, `--only deb` and `--quick` (nothing is compressed) do less.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { version } from "../src/version.ts";
import { buildDist } from "./bundle.ts";
import { commitSeconds } from "./git.ts";
import { contentsOf } from "./package/contents.ts";
import { DEBIAN_SETTINGS, makeDeb } from "./package/debian.ts";
import { type Arch, ARCHS, makeExecutable, stripFor } from "./package/executable.ts";
import { DPKG_DEB, needTools, PackagingError, TAR } from "./package/tools.ts";

const OUT = "release";

const { values } = parseArgs({
  options: {
    arch: { type: "string", multiple: true, default: [...ARCHS] },
    quick: { type: "boolean", default: false },
  },
});

try {
  await makeRelease(values.arch.map(archOf));
} catch (error) {
  if (!(error instanceof PackagingError)) throw error;
  console.error(`npm run package: ${error.message}`);
  process.exitCode = 2;
}

async function makeRelease(archs: readonly Arch[]): Promise<void> {
  needTools([TAR, DPKG_DEB, ...archs.map(stripFor)]);
  const scratch = mkdtempSync(join(tmpdir(), "softnet-release-"));
  try {
    rmSync(OUT, { recursive: true, force: true });
    mkdirSync(OUT);
    const dist = join(scratch, "dist");
    await buildDist(dist);
    for (const arch of archs) {
      const executable = join(scratch, `softnet-${arch}`);
      makeExecutable(arch, dist, executable);
      tell(
        makeDeb(
          {
            arch,
            version,
            files: contentsOf(arch, executable, dist, DEBIAN_SETTINGS),
            compression: values.quick ? "none" : "xz",
            builtAtSeconds: commitSeconds() ?? 0,
          },
          OUT,
        ),
      );
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function tell(path: string): void {
  console.log(path);
}

function archOf(text: string): Arch {
  const arch = ARCHS.find((one) => one === text);
  if (arch) return arch;
  throw new PackagingError(`--arch: expected one of ${ARCHS.join(", ")}, got ${text}`);
}
