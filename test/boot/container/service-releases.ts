import { join } from "node:path";

import { RELEASES, type Release } from "./releases.ts";
import { rootFolder } from "./root.ts";

const DEBIAN = "http://deb.debian.org/debian";
const UBUNTU = "http://archive.ubuntu.com/ubuntu";
/** With what the package depends on: it is installed without apt. */
const SYSTEM = ["systemd-sysv", "passwd", "libstdc++6"];

/** Debian 12 with what takes packages of every kind. */
export async function debianWithRpm(): Promise<string> {
  return rootFolder({
    suite: "bookworm",
    sources: [`deb ${DEBIAN} bookworm main`],
    packages: ["systemd-sysv", "passwd", "rpm"],
  });
}

/** The oldest that the .deb is for: systemd 247 and 249. */
export const OLDEST_RELEASES: readonly Release[] = [
  {
    title: "Debian 11",
    root: () => rootFolder({ suite: "bullseye", sources: [`deb ${DEBIAN} bullseye main`], packages: SYSTEM }),
  },
  {
    title: "Ubuntu 22.04",
    root: async () => {
      const debian13 = RELEASES.find(({ title }) => title === "Debian 13")!;
      const keyring = join(await debian13.root(), "usr/share/keyrings/ubuntu-archive-keyring.gpg");
      return rootFolder({
        suite: "jammy",
        sources: [`deb [signed-by=${keyring}] ${UBUNTU} jammy main`],
        packages: SYSTEM,
      });
    },
  },
];
