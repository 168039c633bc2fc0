import { copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

import { build, transform } from "esbuild";

import { ASSETS, sourceOf } from "../src/console/assets.ts";
import { commitOfCheckout } from "./git.ts";
import { slimPackages } from "./slim-packages.ts";
import { noticesOf } from "./third-party.ts";

const PROLOGUE = [
  // Nobody who runs the command can do anything about a package that calls what Node has deprecated.
  "process.noDeprecation = true;",
  'const moduleUrl = require("node:url").pathToFileURL(__filename).href;',
].join("");

/**
 * Bundles the command line into `folder`, which it empties first. Each verb is a file of its own, loaded when it is called.
 *
 * The files are CommonJS. An ES module that imports `node:http` makes Node read all its exports, and with them load undici, http2
 * and worker_threads, which is 10 MB of the agent's memory; the loader of ES modules takes 3 MB more.
 *
 * @param alsoEntries sources that shall be importable by their own name too, with the same code as the command line uses.
 * @returns paths of all that went into it, relative to the project.
 */
export async function buildDist(
  folder: string,
  alsoEntries: readonly string[] = [],
): Promise<readonly string[]> {
  rmSync(folder, { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: ["src/main.ts", ...alsoEntries],
    outdir: folder,
    outbase: "src",
    outExtension: { ".js": ".cjs" },
    chunkNames: "[name]-[hash]",
    bundle: true,
    // Only ES modules can be split, so they become CommonJS afterwards.
    format: "esm",
    splitting: true,
    platform: "node",
    target: "node24",
    minifySyntax: true,
    legalComments: "none",
    define: { BUILT_FROM_COMMIT: JSON.stringify(commitOfCheckout() ?? "") },
    metafile: true,
    logLevel: "warning",
    plugins: [slimPackages(globSync("src/cloud/**/*.ts").map((file) => readFileSync(file, "utf8")))],
  });
  await Promise.all(Object.keys(metafile.outputs).map(toCommonJs));
  const inputs = [...Object.keys(metafile.inputs), ...copyPage(join(folder, "page"))];
  writeFileSync(join(folder, "THIRD-PARTY-NOTICES.txt"), noticesOf(inputs));
  return inputs;
}

async function toCommonJs(path: string): Promise<void> {
  const { code } = await transform(readFileSync(path, "utf8"), {
    format: "cjs",
    platform: "node",
    target: "node24",
    // A verb is still loaded when it is called, but by require().
    supported: { "dynamic-import": false },
    define: { "import.meta.url": "moduleUrl" },
    // Names stay: errors are told by theirs, and a stack trace is to be read.
    minifyWhitespace: true,
    lineLimit: 200,
    banner: PROLOGUE,
  });
  writeFileSync(path, code);
}

/** The browser gets the page's files as they are. @returns where they came from, relative to the project. */
function copyPage(folder: string): readonly string[] {
  mkdirSync(folder);
  return Object.values(ASSETS).map((asset) => {
    const source = sourceOf(asset);
    copyFileSync(source, join(folder, asset.file));
    return relative(process.cwd(), source);
  });
}
