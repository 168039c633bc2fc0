import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { type PackagedFile, stage } from "./contents.ts";
import type { Arch } from "./executable.ts";
import { runTool } from "./tools.ts";

export interface Tarball {
  readonly arch: Arch;
  readonly version: string;
  readonly files: readonly PackagedFile[];
  readonly builtAtSeconds: number;
}

/** Makes a .tar.gz in `folder`: one folder with all files in it, and the script that puts them into place. @returns its path. */
export function makeTarball({ arch, version, files, builtAtSeconds }: Tarball, folder: string): string {
  const scratch = mkdtempSync(join(tmpdir(), "softnet-tar-"));
  try {
    const name = `softnet-agent-${version}-linux-${arch}`;
    const flat = files.map((file) => ({ ...file, path: `/${basename(file.path)}` }));
    const install: PackagedFile = {
      path: "/install.sh",
      mode: 0o755,
      content: { from: "packaging/install.sh" },
    };
    stage([...flat, install], join(scratch, name));
    const out = join(folder, `${name}.tar.gz`);
    runTool("tar", [
      "--create",
      "--use-compress-program=gzip --no-name",
      "--sort=name",
      "--owner=0",
      "--group=0",
      "--numeric-owner",
      `--mtime=@${builtAtSeconds}`,
      "--directory",
      scratch,
      "--file",
      out,
      name,
    ]);
    return out;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
