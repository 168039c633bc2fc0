import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

export interface DebianPackage {
  readonly name: string;
  readonly why: string;
  /** A program that does as well: Ubuntu has some of Debian's packages as snaps only. */
  readonly unless?: string;
}

/** What the tests need beside Node, by the name of Debian's and Ubuntu's package. */
export const TEST_PACKAGES: readonly DebianPackage[] = [
  { name: "chromium", why: "opens the console's page", unless: "/usr/bin/google-chrome" },
  { name: "fonts-noto-cjk", why: "shows Chinese on it" },
  { name: "shellcheck", why: "reads the scripts we render" },
  { name: "dash", why: "runs them, as Debian's sh" },
  { name: "busybox-static", why: "runs them, as the smallest sh there is" },
  { name: "binutils", why: "strips the single executable, and reads which libraries it needs" },
  { name: "rpm", why: "makes the .rpm and installs it into a folder" },
  { name: "systemd", why: "judges the agent's unit" },
  { name: "curl", why: "fetches a package as user-data does" },
  { name: "iproute2", why: "makes the network namespaces of the kernel tests" },
  { name: "nftables", why: "makes a packet cost time in them" },
  { name: "ethtool", why: "chooses how their interfaces receive" },
  { name: "gcc", why: "compiles their load generator" },
  { name: "libc6-dev", why: "is what it is compiled against" },
  { name: "libfaketime", why: "lets an agent's minutes pass in seconds" },
];

/** What the boots of guests need. */
export const BOOT_PACKAGES: readonly DebianPackage[] = [
  { name: "qemu-system-x86", why: "emulates the guests" },
  { name: "busybox-static", why: "brings them up" },
  { name: "iproute2", why: "makes interfaces in them" },
  { name: "mmdebstrap", why: "makes the systems of containers and guests" },
  { name: "debian-archive-keyring", why: "knows Debian's keys" },
  { name: "python-apt-common", why: "knows where Ubuntu's archive is" },
  { name: "systemd-container", why: "boots them" },
  { name: "binutils", why: "strips the executable that they install" },
  { name: "e2fsprogs", why: "puts them on the disks of guests" },
  { name: "rpm", why: "packs it for one of them" },
];

/** @returns undefined where there is no dpkg to ask. */
export function missingPackages(packages: readonly DebianPackage[]): readonly DebianPackage[] | undefined {
  const asked = spawnSync("dpkg-query", ["--version"], { stdio: "ignore" });
  if (asked.status !== 0) return undefined;
  return packages.filter(({ name, unless }) => {
    if (unless !== undefined && existsSync(unless)) return false;
    const { stdout } = spawnSync("dpkg-query", ["-W", "-f=${db:Status-Status}", name], { encoding: "utf8" });
    return stdout !== "installed";
  });
}

/** @throws Error when apt-get fails; what it said is on the terminal already. */
export function installPackages(packages: readonly DebianPackage[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-q"],
    ["install", "-q", "-y", "--no-install-recommends", ...packages.map(({ name }) => name)],
  ]) {
    // Without a terminal, dpkg would still ask on one it finds: stdin stays closed.
    const { status } = spawnSync("apt-get", args, { env, stdio: ["ignore", "inherit", "inherit"] });
    if (status !== 0) throw new Error(`apt-get ${args.join(" ")} failed`);
  }
}
