import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync } from "node:fs";
import { join } from "node:path";

const PACKAGE = "prometheus-node-exporter";

/**
 * Unpacks Debian's node_exporter below `cache` without installing it, so that no service is started.
 *
 * @returns the program, or undefined where apt does not know it.
 */
export function fetchNodeExporter(cache: string): string | undefined {
  const folder = join(cache, PACKAGE);
  const program = join(folder, "usr/bin", PACKAGE);
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  console.log(`Downloading Debian's ${PACKAGE} to ${folder}; it is not installed.`);
  try {
    execFileSync("apt-get", ["download", "-q", PACKAGE], { cwd: folder, stdio: "ignore" });
    execFileSync("dpkg-deb", ["--extract", globSync(join(folder, "*.deb"))[0]!, folder]);
  } catch {
    return undefined;
  }
  return program;
}

/** With the softnet collector alone, which is the cheapest it can be. */
export function nodeExporterFlags(host: string, port: number): string[] {
  return [
    "--collector.disable-defaults",
    "--collector.softnet",
    "--web.disable-exporter-metrics",
    `--path.procfs=${join(host, "proc")}`,
    `--path.sysfs=${join(host, "sys")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--log.level=error",
  ];
}
