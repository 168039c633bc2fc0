import { readFileSync } from "node:fs";

import { run } from "../../kernel/lab/shell.ts";

/** One line of an archive's index, as this machine's apt uses it. */
export interface UsedArchive {
  /** `bookworm-updates`. */
  readonly suite: string;
  /** `http://…/debian/` */
  readonly uri: string;
}

/** Debian's archives that this machine's apt uses; none where it is no Debian. */
export async function usedDebianArchives(): Promise<readonly UsedArchive[]> {
  const filters = ["Created-By: Packages", "Origin: Debian", "Component: main"];
  const rows = await run("apt-get", ["indextargets", "--format", "$(RELEASE) $(REPO_URI)", ...filters]);
  const lines = new Set(rows.split("\n").filter((row) => row !== ""));
  return [...lines].map((row) => {
    const [suite, uri] = row.split(" ");
    return { suite: suite!, uri: uri! };
  });
}

/** Where every release of Debian is: the machine's own mirror holds the others too. */
export async function debianArchive(): Promise<string> {
  const used = await usedDebianArchives();
  // Updates and security have names of two words.
  return used.find(({ suite }) => !suite.includes("-"))?.uri ?? archiveOf("Debian");
}

export function ubuntuArchive(): string {
  return archiveOf("Ubuntu");
}

/** By the table of distributions that apt's Python has, on Debian and on Ubuntu. @throws Error where it is not installed. */
function archiveOf(distribution: "Debian" | "Ubuntu"): string {
  const path = `/usr/share/python-apt/templates/${distribution}.info`;
  const uri = /^BaseURI(?:-amd64)?: (\S+archive\S*|\S+\/debian\/?)$/m.exec(readFileSync(path, "utf8"))?.[1];
  if (!uri) throw new Error(`${path}: expected the URI of an archive`);
  return uri;
}
