import { globSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type PackagedFile, stage } from "./contents.ts";
import type { Arch } from "./executable.ts";
import { runTool } from "./tools.ts";

const ARCHITECTURE = { x64: "amd64", arm64: "arm64" } as const satisfies Record<Arch, string>;

export const DEBIAN_SETTINGS = "/usr/share/softnet-agent/agent.env";

export interface DebianPackage {
  readonly arch: Arch;
  readonly version: string;
  readonly files: readonly PackagedFile[];
  /** Debian 11 cannot read zstd. `none` is quick, for tests. */
  readonly compression: "xz" | "none";
  /** Seconds since the epoch: no file in it is newer. */
  readonly builtAtSeconds: number;
}

/** Makes a .deb in `folder`. @returns its path. */
export function makeDeb(
  { arch, version, files, compression, builtAtSeconds }: DebianPackage,
  folder: string,
): string {
  const root = mkdtempSync(join(tmpdir(), "softnet-deb-"));
  try {
    stage(
      [
        ...files,
        {
          path: "/usr/share/doc/softnet-agent/copyright",
          mode: 0o644,
          content: { from: "packaging/debian/copyright" },
        },
      ],
      root,
    );
    const bytes = globSync("**", { cwd: root, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
    stage(
      [
        ...["postinst", "prerm", "postrm"].map((name): PackagedFile => ({
          path: `/DEBIAN/${name}`,
          mode: 0o755,
          content: { from: join("packaging/debian", name) },
        })),
        {
          path: "/DEBIAN/control",
          mode: 0o644,
          content: { text: controlOf(arch, version, Math.ceil(bytes / 1024)) },
        },
      ],
      root,
    );
    mkdirSync(folder, { recursive: true });
    const out = join(folder, `softnet-agent_${version}_${ARCHITECTURE[arch]}.deb`);
    runTool("dpkg-deb", ["--root-owner-group", `-Z${compression}`, "--build", root, out], {
      env: { SOURCE_DATE_EPOCH: String(builtAtSeconds) },
    });
    return out;
  } finally {
    rmSync(root, { recursive: true });
  }
}

function controlOf(arch: Arch, version: string, installedKb: number): string {
  return `Package: softnet-agent
Version: ${version}
Architecture: ${ARCHITECTURE[arch]}
Maintainer: softnet-agent maintainers <maintainers@softnet-agent.invalid>
Installed-Size: ${installedKb}
Depends: libc6 (>= 2.28), libstdc++6 (>= 7), libgcc-s1 | libgcc1, init-system-helpers (>= 1.54), passwd
Recommends: systemd
Section: net
Priority: optional
Description: finds and repairs packet loss between the NIC and the socket
 The agent samples /proc/net/softnet_stat each second, says why packets are
 lost, and sends the numbers to Alibaba Cloud's CloudMonitor; softnet remedy
 changes what helps, with proof that it did. Node.js is inside.
`;
}
