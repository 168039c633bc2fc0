import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { type PackagedFile, stage } from "./contents.ts";
import type { Arch } from "./executable.ts";
import { runTool } from "./tools.ts";

const ARCHITECTURE = { x64: "x86_64", arm64: "aarch64" } as const satisfies Record<Arch, string>;

/** rpm keeps what somebody has changed, and asks nothing. */
export const RPM_SETTINGS = "/etc/softnet/agent.env";

export interface RpmPackage {
  readonly arch: Arch;
  readonly version: string;
  readonly files: readonly PackagedFile[];
  /** Alibaba Cloud Linux 3 reads xz. `none` is quick, for tests. */
  readonly compression: "xz" | "none";
  readonly builtAtSeconds: number;
}

/** Makes an .rpm in `folder`. @returns its path. */
export function makeRpm(
  { arch, version, files, compression, builtAtSeconds }: RpmPackage,
  folder: string,
): string {
  const scratch = mkdtempSync(join(tmpdir(), "softnet-rpm-"));
  try {
    const staged = join(scratch, "staged");
    stage(files, staged);
    const defines = {
      version_: version,
      staged,
      _binary_payload: compression === "xz" ? "w6.xzdio" : "w0.ufdio",
      _topdir: join(scratch, "top"),
      _rpmdir: resolve(folder),
      _build_name_fmt: "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
      // Whoever builds the same commit gets the same file.
      _buildhost: "localhost",
      use_source_date_epoch_as_buildtime: "1",
      clamp_mtime_to_source_date_epoch: "1",
    };
    runTool(
      "rpmbuild",
      [
        "-bb",
        "--quiet",
        "--target",
        `${ARCHITECTURE[arch]}-linux`,
        ...Object.entries(defines).flatMap(([name, value]) => ["--define", `${name} ${value}`]),
        "packaging/rpm/softnet-agent.spec",
      ],
      { env: { SOURCE_DATE_EPOCH: String(builtAtSeconds) } },
    );
    return join(folder, `softnet-agent-${version}-1.${ARCHITECTURE[arch]}.rpm`);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
