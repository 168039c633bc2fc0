import { readFileSync } from "node:fs";
import { join } from "node:path";

import { debianHere, type RootRecipe, rootFolder } from "./root.ts";

/** A release on which the agent has to come up at the first boot. */
export interface Release {
  readonly title: string;
  readonly root: () => Promise<string>;
}

const DEBIAN = "http://deb.debian.org/debian";
const UBUNTU = "http://archive.ubuntu.com/ubuntu";

/** As a cloud image has them: Debian 12 brings curl, the others fetch with the python of cloud-init. */
const PACKAGES = ["systemd-sysv", "cloud-init", "iproute2"] as const;

const DEBIAN_12: RootRecipe = {
  suite: "bookworm",
  sources: [`deb ${DEBIAN} bookworm main`],
  packages: [...PACKAGES, "curl"],
};

/** Debian signs the keys of Ubuntu's archive, which are in no other place that we trust. */
const DEBIAN_13: RootRecipe = {
  suite: "trixie",
  sources: [`deb ${DEBIAN} trixie main`],
  packages: [...PACKAGES, "ubuntu-archive-keyring"],
};

export const RELEASES: readonly Release[] = [
  { title: "Debian 12", root: () => debianRoot(DEBIAN_12) },
  { title: "Debian 13", root: () => debianRoot(DEBIAN_13) },
  { title: "Ubuntu 24.04", root: ubuntuRoot },
];

/** From the archives of this machine's apt where it has that release itself: they may be nearer, and hold its updates. */
async function debianRoot(recipe: RootRecipe): Promise<string> {
  const isHere = readFileSync("/etc/os-release", "utf8").includes(`VERSION_CODENAME=${recipe.suite}\n`);
  return rootFolder(isHere ? await debianHere(recipe.packages) : recipe);
}

async function ubuntuRoot(): Promise<string> {
  const keyring = join(await debianRoot(DEBIAN_13), "usr/share/keyrings/ubuntu-archive-keyring.gpg");
  return rootFolder({
    suite: "noble",
    sources: ["noble", "noble-updates"].map((suite) => `deb [signed-by=${keyring}] ${UBUNTU} ${suite} main`),
    // To mmdebstrap neither of them is essential here, and every image has them.
    packages: [...PACKAGES, "apt", "lsb-release"],
  });
}
