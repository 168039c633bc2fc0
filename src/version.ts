import packageJson from "../package.json" with { type: "json" };

/** The version that `package.json` states. */
export const version: string = packageJson.version;

/** Set by the build; the sources of a checkout have none, and may have been edited since. */
declare const BUILT_FROM_COMMIT: string;

/** What `softnet --version` prints: `0.1.0 (1a2b3c4d, node 24.21.0)`. */
export function versionLine(nodeVersion: string): string {
  const commit = typeof BUILT_FROM_COMMIT === "undefined" ? "" : BUILT_FROM_COMMIT;
  return `${version} (${commit && `${commit}, `}node ${nodeVersion})`;
}
