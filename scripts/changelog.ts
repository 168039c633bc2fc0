/** Whoever downloads a package sees no more of it than its name. */
const NOT_RUN = "The packages for arm64 (`arm64`, `aarch64`) are built, and have not been run.";

/**
 * What the changelog says of a version, below its heading `## 0.1.0` (a date may follow), and what a release is without.
 *
 * @param tag must be `v` and the version.
 */
export function releaseNotesOf(
  changelog: string,
  version: string,
  tag: string | undefined,
): { readonly text: string } | { readonly wrong: string } {
  if (tag !== `v${version}`) {
    return { wrong: `expected the tag v${version}, by package.json, got ${tag ?? "none"}` };
  }
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => /^\S+/.exec(text)?.[0] === version);
  const text = section?.replace(/^.*\n+/, "").trimEnd();
  if (!text) return { wrong: `CHANGELOG.md: expected what changed below "## ${version}", got nothing` };
  return { text: `${text}\n\n${NOT_RUN}\n` };
}
