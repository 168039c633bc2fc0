import { rootFolder } from "./root.ts";

const DEBIAN = "http://deb.debian.org/debian";

/** Debian 12 with what takes packages of every kind. */
export async function debianWithRpm(): Promise<string> {
  return rootFolder({
    suite: "bookworm",
    sources: [`deb ${DEBIAN} bookworm main`],
    packages: ["systemd-sysv", "passwd", "rpm"],
  });
}
