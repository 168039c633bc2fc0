import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { getRawAsset, isSea } from "node:sea";
import { fileURLToPath } from "node:url";

import { ConsoleError, errorCodeOf } from "../errors.ts";

/** A file of the page. */
export interface Asset {
  readonly contentType: string;
  /** Its name in the folder `page` beside this module. */
  readonly file: string;
  /** Where a checkout has it instead, as it would be imported; a build puts a copy into `page`. */
  readonly package?: string;
}

const HTML = "text/html; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";
const STYLE = "text/css; charset=utf-8";
const IMAGE = "image/svg+xml";

const ICONS = ["healthy", "warning", "critical", "critical-inverse", "lost"];
const SCRIPTS = [
  "main",
  "alarms-panel",
  "banner",
  "chart",
  "charts",
  "cpu-grid",
  "cpu-table",
  "dom",
  "findings",
  "format",
  "host-panel",
  "incidents-panel",
  "preferences",
  "series-model",
  "stream",
  "texts",
];

/** Every file of the page, by the path it is asked for. There is no other way to a file: what is not in this list is not served. */
export const ASSETS: Readonly<Record<string, Asset>> = {
  "/": { contentType: HTML, file: "index.html" },
  "/assets/style.css": { contentType: STYLE, file: "style.css" },
  "/assets/uplot.js": {
    contentType: SCRIPT,
    file: "uplot.js",
    package: "uplot/dist/uPlot.iife.min.js",
  },
  "/assets/uplot.css": { contentType: STYLE, file: "uplot.css", package: "uplot/dist/uPlot.min.css" },
  ...Object.fromEntries(
    SCRIPTS.map((name) => [`/assets/${name}.js`, { contentType: SCRIPT, file: `${name}.js` }]),
  ),
  ...Object.fromEntries(
    ICONS.map((name) => [`/assets/icon-${name}.svg`, { contentType: IMAGE, file: `icon-${name}.svg` }]),
  ),
};

/**
 * Reads a file of the page. It is read anew each time: a console that nobody looks at must not hold memory.
 *
 * @throws ConsoleError when it cannot be read: a damaged installation must not end the agent.
 */
export async function readAsset(asset: Asset): Promise<Buffer> {
  // The single executable holds the page itself, and the bytes stay where they are.
  if (isSea()) return Buffer.from(getRawAsset(`page/${asset.file}`));
  const copy = new URL(`page/${asset.file}`, import.meta.url);
  try {
    if (!asset.package) return await readFile(copy);
    return await readFile(copy).catch(() => readFile(sourceOf(asset)));
  } catch (error) {
    throw new ConsoleError(
      {
        code: "page-unreadable",
        expected: "a readable file of the console's page",
        got: errorCodeOf(error) ?? "none",
        where: fileURLToPath(copy),
      },
      { cause: error },
    );
  }
}

/** Where a checkout has the file: for the build that copies it. */
export function sourceOf(asset: Asset): string {
  return asset.package
    ? createRequire(import.meta.url).resolve(asset.package)
    : fileURLToPath(new URL(`page/${asset.file}`, import.meta.url));
}
