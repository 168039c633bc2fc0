import { debianRoot, type Release, ubuntuSource } from "./releases.ts";
import { rootFolder } from "./root.ts";

/** With what the package depends on: it is installed without apt. */
const SYSTEM = ["systemd-sysv", "passwd", "libstdc++6"];

/** Debian 12 with what takes packages of every kind. */
export async function debianWithRpm(): Promise<string> {
  return debianRoot("bookworm", ["systemd-sysv", "passwd", "rpm"]);
}

/** The oldest that the .deb is for: systemd 247 and 249. */
export const OLDEST_RELEASES: readonly Release[] = [
  { title: "Debian 11", root: () => debianRoot("bullseye", SYSTEM) },
  {
    title: "Ubuntu 22.04",
    root: async () =>
      rootFolder({ suite: "jammy", sources: [await ubuntuSource("jammy")], packages: SYSTEM }),
  },
];
