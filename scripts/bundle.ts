import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { build, type Metafile } from "esbuild";

import { slimSdk } from "./slim-sdk.ts";
import { noticesOf } from "./third-party.ts";

/** What a CommonJS package inside an ES module asks for; and a user can do nothing about a package's deprecated calls. */
const PROLOGUE = [
  'import { createRequire } from "node:module";',
  "const require = createRequire(import.meta.url);",
  "process.noDeprecation = true;",
].join("\n");

/**
 * Bundles the command line into `folder`, which it empties first. Each verb is a file of its own, loaded when it is called.
 *
 * @param alsoEntries sources that shall be importable by their own name too, with the same code as the command line uses.
 */
export async function buildDist(folder: string, alsoEntries: readonly string[] = []): Promise<Metafile> {
  rmSync(folder, { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: ["src/main.ts", ...alsoEntries],
    outdir: folder,
    outbase: "src",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    // Names stay: errors are told by theirs, and a stack trace is to be read.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 200,
    legalComments: "none",
    banner: { js: PROLOGUE },
    chunkNames: "[name]-[hash]",
    metafile: true,
    logLevel: "warning",
    plugins: [slimSdk(globSync("src/cloud/**/*.ts").map((file) => readFileSync(file, "utf8")))],
  });
  writeFileSync(join(folder, "THIRD-PARTY-NOTICES.txt"), noticesOf(Object.keys(metafile.inputs)));
  return metafile;
}
