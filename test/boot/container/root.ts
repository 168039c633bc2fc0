import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { run } from "../../kernel/lab/shell.ts";
import { usedDebianArchives } from "./archives.ts";

/** A distribution's files, as mmdebstrap makes them. */
export interface RootRecipe {
  /** `bookworm`, `noble`. */
  readonly suite: string;
  /** As in sources.list. */
  readonly sources: readonly string[];
  /** Beside what is essential, and apt. */
  readonly packages: readonly string[];
}

const MS_OF_A_DAY = 24 * 60 * 60 * 1000;

/**
 * A folder with the files of a small system: about 40 s the first time, and then from the cache. Nobody may write to it: lay something over it.
 *
 * @throws Error where mmdebstrap cannot make it.
 */
export async function rootFolder(recipe: RootRecipe): Promise<string> {
  const cache = cacheFolder();
  const key = createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 16);
  const folder = join(cache, `root-${recipe.suite}-${key}`);
  if (existsSync(folder)) return folder;
  removeOld(cache);
  const unfinished = mkdtempSync(join(cache, "unfinished-"));
  try {
    const root = join(unfinished, "root");
    await run("mmdebstrap", [
      "--variant=minbase",
      `--include=${recipe.packages.join(",")}`,
      '--aptopt=Acquire::Languages "none"',
      ...["man", "locale", "doc"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
      recipe.suite,
      root,
      ...recipe.sources,
    ]);
    // It appears whole or not at all.
    renameSync(root, folder);
    return folder;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** The Debian that this machine has, from the archives that its apt uses. */
export async function debianHere(packages: readonly string[]): Promise<RootRecipe> {
  const used = await usedDebianArchives();
  // Those of updates are named after it, as bookworm-updates is.
  const [suite] = used.map((archive) => archive.suite).toSorted((a, b) => a.length - b.length);
  if (!suite) throw new Error("apt-get indextargets: expected an archive of Debian's, got none");
  const sources = used.map((archive) => `deb ${archive.uri} ${archive.suite} main`);
  return { suite, sources, packages };
}

/** Nobody else may put something there that a system would start. */
function cacheFolder(): string {
  const folder = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "softnet-agent", "boot");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
    throw new Error(`${folder}: expected a folder that only we can write to`);
  }
  return folder;
}

/** What is older than a day would lack the updates of its distribution. */
function removeOld(cache: string): void {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    if (Date.now() - statSync(path).mtimeMs > MS_OF_A_DAY) rmSync(path, { recursive: true, force: true });
  }
}
