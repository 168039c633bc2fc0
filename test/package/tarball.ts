import { execFileSync, spawnSync } from "node:child_process";
import { delimiter } from "node:path";

/** The PATH of a shell, without what `npm run` puts before it: there an installed package has to find its own Node. */
const USER_PATH = (process.env["PATH"] ?? "")
  .split(delimiter)
  .filter((folder) => !folder.includes("node_modules"))
  .join(delimiter);

/** What a user's shell has, as far as it matters. */
export const BARE_ENV = { PATH: USER_PATH, HOME: process.env["HOME"] };

/** Makes the tarball that would be published. @returns its path, and the paths in it. */
export function pack(folder: string): { readonly tarball: string; readonly files: readonly string[] } {
  const [packed] = JSON.parse(npm(["pack", "--json", "--pack-destination", folder], process.cwd())) as {
    filename: string;
    files: { path: string }[];
  }[];
  return { tarball: `${folder}/${packed!.filename}`, files: packed!.files.map(({ path }) => path) };
}

/** @throws Error with what npm said when it fails. */
export function npm(args: readonly string[], cwd: string): string {
  // The packages are in npm's cache since this project was installed.
  return execFileSync("npm", [...args, "--prefer-offline", "--no-audit", "--no-fund"], {
    cwd,
    env: BARE_ENV,
    encoding: "utf8",
  });
}

/** What a command said and how it ended. */
export function outputOf(command: string, args: readonly string[], cwd: string) {
  const { status, stdout } = spawnSync(command, args, { cwd, env: BARE_ENV, encoding: "utf8" });
  return { status, stdout };
}
