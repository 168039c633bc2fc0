import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import packageLock from "../../package-lock.json" with { type: "json" };
import packageJson from "../../package.json" with { type: "json" };
import { PackagingError, runTool, STRIP, STRIP_ARM64, type Tool } from "./tools.ts";

export type Arch = "x64" | "arm64";
export const ARCHS: readonly Arch[] = ["x64", "arm64"];

/** Node looks for this text in itself: injecting turns its last digit. */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
const START = fileURLToPath(new URL("start.cjs", import.meta.url));
/** Where a Node that npm refuses to install on this machine is kept. */
const CACHE = ".cache";

/** Strips Node for that machine; another machine's needs a strip of its own. */
export function stripFor(arch: Arch): Tool {
  return arch === process.arch || arch === "x64" ? STRIP : STRIP_ARM64;
}

/**
 * Makes the single executable: Node 24 with the files of `dist` in it.
 *
 * @param dist what `buildDist` has built
 * @param out where the executable goes.
 */
export function makeExecutable(arch: Arch, dist: string, out: string): void {
  const scratch = mkdtempSync(join(tmpdir(), "softnet-sea-"));
  try {
    const config = join(scratch, "sea.json");
    const blob = join(scratch, "blob");
    writeFileSync(config, JSON.stringify(seaConfig(dist, blob)));
    runTool(process.execPath, ["--experimental-sea-config", config]);
    // Injecting moves sections, and what strip does afterwards would lose them.
    runTool(stripFor(arch).program, ["-o", out, join(nodePackage(arch), "bin/node")]);
    chmodSync(out, 0o755);
    const postject = fileURLToPath(import.meta.resolve("postject/dist/cli.js"));
    runTool(process.execPath, [postject, out, "NODE_SEA_BLOB", blob, "--sentinel-fuse", FUSE]);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** The folder of the npm package that holds Node for `arch`: its program, its licence. */
export function nodePackage(arch: Arch): string {
  const name = `node-linux-${arch}` as const;
  const installed = join("node_modules", name);
  if (existsSync(installed)) return installed;
  const version = packageJson.optionalDependencies[name];
  const folder = join(CACHE, `${name}-${version}`);
  if (existsSync(join(folder, "package/bin/node"))) return join(folder, "package");
  mkdirSync(folder, { recursive: true });
  runTool("npm", ["pack", "--silent", "--pack-destination", folder, `${name}@${version}`]);
  const tarball = join(folder, `${name}-${version}.tgz`);
  checkIntegrity(tarball, packageLock.packages[`node_modules/${name}`].integrity);
  runTool("tar", ["-xzf", tarball, "-C", folder, "package/bin/node", "package/LICENSE"]);
  rmSync(tarball);
  return join(folder, "package");
}

/**
 * What `npm ci` checks of whatever it installs.
 *
 * @param integrity of package-lock.json: the algorithm, a dash and the sum in base64.
 * @throws PackagingError for another tarball, which is removed.
 */
export function checkIntegrity(tarball: string, integrity: string): void {
  const [algorithm] = integrity.split("-", 1);
  const got = `${algorithm}-${createHash(algorithm!).update(readFileSync(tarball)).digest("base64")}`;
  if (got === integrity) return;
  rmSync(tarball);
  throw new PackagingError(`${tarball}: expected ${integrity}, by package-lock.json, got ${got}`);
}

/** Without code cache and snapshot the blob is the same for every machine. */
function seaConfig(dist: string, output: string): object {
  const files = globSync("**/*.*", { cwd: dist, exclude: ["THIRD-PARTY-NOTICES.txt"] }).toSorted();
  return {
    main: START,
    output,
    disableExperimentalSEAWarning: true,
    useCodeCache: false,
    useSnapshot: false,
    assets: Object.fromEntries(files.map((file) => [file, resolve(dist, file)])),
  };
}
