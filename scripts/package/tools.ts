import { spawnSync } from "node:child_process";

/** A program that packaging needs, and Debian's package of it. */
export interface Tool {
  readonly program: string;
  readonly debianPackage: string;
}

export const STRIP: Tool = { program: "strip", debianPackage: "binutils" };
export const STRIP_ARM64: Tool = {
  program: "aarch64-linux-gnu-strip",
  debianPackage: "binutils-aarch64-linux-gnu",
};
export const DPKG_DEB: Tool = { program: "dpkg-deb", debianPackage: "dpkg" };
export const RPMBUILD: Tool = { program: "rpmbuild", debianPackage: "rpm" };
export const TAR: Tool = { program: "tar", debianPackage: "tar" };

/** What packaging cannot do, in one line for whoever asked for it. */
export class PackagingError extends Error {}

/** @throws PackagingError naming all that are not on the PATH. */
export function needTools(tools: readonly Tool[]): void {
  const missing = tools.filter(({ program }) => spawnSync(program, ["--version"]).error);
  if (missing.length === 0) return;
  const programs = missing.map(({ program }) => program).join(", ");
  const packages = missing.map(({ debianPackage }) => debianPackage).join(" ");
  throw new PackagingError(
    `expected ${programs} on the PATH, got none: apt-get install --no-install-recommends ${packages}`,
  );
}

/** Runs a tool to its end. @throws PackagingError with the last line of what it said when it fails. */
export function runTool(
  program: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return stdout;
  const said = error?.message ?? `${stdout}${stderr}`.trim().split("\n").at(-1);
  throw new PackagingError(`${program} ${args[0] ?? ""}: expected exit code 0, got ${status}: ${said}`);
}
