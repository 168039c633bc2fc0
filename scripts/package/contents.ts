import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { AGENT_OPTIONS } from "../../src/config.ts";
import type { OptionTable } from "../../src/options.ts";
import { type Arch, nodePackage } from "./executable.ts";
import { runTool } from "./tools.ts";

/** One file of a package: copied, or written. */
export interface PackagedFile {
  /** Where it is installed, absolute. */
  readonly path: string;
  readonly mode: 0o755 | 0o644;
  readonly content: { readonly from: string } | { readonly text: string };
}

export const UNIT_FILE = "packaging/softnet-agent.service";
const DOCS = "/usr/share/doc/softnet-agent";

/**
 * What is installed, in whatever kind of package.
 *
 * The unit is in /usr/lib: where /lib is a directory of its own, as Debian 11 may have it, systemd reads both.
 *
 * @param settings where the settings that nobody has changed yet go.
 */
export function contentsOf(
  arch: Arch,
  executable: string,
  dist: string,
  settings: string,
): readonly PackagedFile[] {
  const doc = (name: string, from: string): PackagedFile => ({
    path: `${DOCS}/${name}`,
    mode: 0o644,
    content: { from },
  });
  return [
    { path: "/usr/bin/softnet", mode: 0o755, content: { from: executable } },
    { path: "/usr/lib/systemd/system/softnet-agent.service", mode: 0o644, content: { from: UNIT_FILE } },
    {
      path: "/usr/share/softnet-agent/fit-systemd",
      mode: 0o755,
      content: { from: "packaging/fit-systemd" },
    },
    { path: settings, mode: 0o644, content: { text: settingsFile() } },
    doc("README.md", "README.md"),
    doc("CHANGELOG.md", "CHANGELOG.md"),
    doc("LICENSE", "LICENSE"),
    doc("THIRD-PARTY-NOTICES.txt", join(dist, "THIRD-PARTY-NOTICES.txt")),
    doc("NODE-LICENSE.txt", join(nodePackage(arch), "LICENSE")),
  ];
}

/** Each setting with what it is by default, commented out: an upgrade may then change a default. */
export function settingsFile(): string {
  return [
    "# Settings of softnet-agent, read when it starts: systemctl restart softnet-agent",
    "# Credentials do not belong here: give the instance a RAM role.",
    "# The service writes to /var/lib/softnet only: another SOFTNET_STATE_DIR takes a drop-in with ReadWritePaths= (docs/install.md).",
    "# softnet-agent 的设置，启动时读取。凭证不要写在这里：请为实例授予 RAM 角色。",
    "# 服务只能写入 /var/lib/softnet：改用其他 SOFTNET_STATE_DIR 需要带 ReadWritePaths= 的 drop-in（见 docs/install.md）。",
    ...Object.values<OptionTable[string]>(AGENT_OPTIONS).flatMap((option) => {
      if ("isSwitch" in option || option.env === undefined) return [];
      const fallback = "fallback" in option ? option.fallback : undefined;
      const shown = ["string", "number"].includes(typeof fallback) ? fallback : "";
      return ["", `# ${option.help.en}`, `# ${option.help.zh}`, `#${option.env}=${shown}`];
    }),
    "",
  ].join("\n");
}

/** Lays the files out below `root`, with the modes that they and their folders shall have, whatever the umask. */
export function stage(files: readonly PackagedFile[], root: string): void {
  for (const { path, mode, content } of files) {
    const target = join(root, path);
    mkdirSync(dirname(target), { recursive: true });
    if ("from" in content) copyFileSync(content.from, target);
    else writeFileSync(target, content.text);
    chmodSync(target, mode);
  }
  runTool("chmod", ["-R", "u=rwX,go=rX", root]);
}
