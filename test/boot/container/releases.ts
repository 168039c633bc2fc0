import { readFileSync } from "node:fs";
import { join } from "node:path";

import { debianArchive, ubuntuArchive } from "./archives.ts";
import { debianHere, rootFolder } from "./root.ts";

/** A release on which the agent has to come up at the first boot. */
export interface Release {
  readonly title: string;
  readonly root: () => Promise<string>;
}

/** As a cloud image has them: Debian 12 brings curl, the others fetch with the python of cloud-init. */
const PACKAGES = ["systemd-sysv", "cloud-init", "iproute2"] as const;

export const RELEASES: readonly Release[] = [
  { title: "Debian 12", root: () => debianRoot("bookworm", [...PACKAGES, "curl"]) },
  { title: "Debian 13", root: debian13Root },
  { title: "Ubuntu 24.04", root: ubuntuRoot },
];

/** From the archives of this machine's apt where it has that release itself: they may be nearer, and hold its updates. */
export async function debianRoot(suite: string, packages: readonly string[]): Promise<string> {
  const isHere = readFileSync("/etc/os-release", "utf8").includes(`VERSION_CODENAME=${suite}\n`);
  if (isHere) return rootFolder(await debianHere(packages));
  return rootFolder({ suite, sources: [`deb ${await debianArchive()} ${suite} main`], packages });
}

/** Debian signs the keys of Ubuntu's archive, which are in no other place that we trust. */
function debian13Root(): Promise<string> {
  return debianRoot("trixie", [...PACKAGES, "ubuntu-archive-keyring"]);
}

/** A release of Ubuntu, checked by the keys that Debian 13 has of it. */
export async function ubuntuSource(suite: string): Promise<string> {
  const keyring = join(await debian13Root(), "usr/share/keyrings/ubuntu-archive-keyring.gpg");
  return `deb [signed-by=${keyring}] ${ubuntuArchive()} ${suite} main`;
}

async function ubuntuRoot(): Promise<string> {
  return rootFolder({
    suite: "noble",
    sources: [await ubuntuSource("noble"), await ubuntuSource("noble-updates")],
    // To mmdebstrap neither of them is essential here, and every image has them.
    packages: [...PACKAGES, "apt", "lsb-release"],
  });
}
