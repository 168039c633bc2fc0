/** A text file of the host, as it was read. */
export interface ReadFile {
  readonly path: string;
  readonly text: string;
}

/** What else sets what a remedy changes, as far as it was looked at. */
export interface TuningFiles {
  /** All of `sysctl.d`, and `/etc/sysctl.conf`. */
  readonly sysctl: readonly ReadFile[];
  /** The active profile of tuned and those it includes, the included ones first; empty where it does not run. */
  readonly tuned: readonly ReadFile[];
  /** After its own profile it reads `/run/sysctl.d`, `/etc/sysctl.d` and `/etc/sysctl.conf` again: `reapply_sysctl`, on by default. */
  readonly tunedReappliesSysctl: boolean;
  /** Those of `RPS_PATHS` that are there. */
  readonly rps: readonly ReadFile[];
  /** By which Alibaba Cloud's script that sets queues and masks starts; undefined where it does not. */
  readonly ecsMq: string | undefined;
  readonly irqbalance: string | undefined;
}

/** Named by Alibaba Cloud's guide. */
export const CONF_PATH = "/etc/sysctl.d/99-network-tuning.conf";

/** What sets masks again; the first is the helper that the others start. */
export const RPS_PATHS = [
  "/usr/local/sbin/softnet-rps",
  "/etc/systemd/system/softnet-remedy.service",
  "/etc/udev/rules.d/90-softnet-remedy.rules",
] as const;

/** A line that sets a key. */
export interface Assignment {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly text: string;
  readonly value: string;
}

/** The last line of a file that sets `net.core.KEY`; the one that counts. Patterns such as `net.core.*` lose to it wherever they stand. */
export function assignmentIn({ path, text }: ReadFile, key: string): Assignment | undefined {
  const pattern = new RegExp(String.raw`^\s*-?net[./]core[./]${key}\s*=\s*(.*?)\s*$`);
  return text
    .split("\n")
    .flatMap((line, i) => {
      const value = pattern.exec(line)?.[1];
      return value === undefined ? [] : [{ path, line: i + 1, text: line, value }];
    })
    .at(-1);
}

/** The folders of sysctl.d, by precedence: a file hides those of the same name in the ones after it. */
export const SYSCTL_FOLDERS = [
  "/etc/sysctl.d",
  "/run/sysctl.d",
  "/usr/local/lib/sysctl.d",
  "/usr/lib/sysctl.d",
  "/lib/sysctl.d",
] as const;

/** Read last by `sysctl --system`, and at boot where a link of `sysctl.d` leads to it. */
export const SYSCTL_CONF = "/etc/sysctl.conf";

/**
 * What is read after `CONF_PATH` and sets the key too: it decides at the next boot, or when somebody runs `sysctl --system`. The last one
 * of them comes last. Files are ordered by their names, whatever their folder (sysctl.d(5)).
 */
export function overridesOf(files: readonly ReadFile[], key: string): readonly Assignment[] {
  const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
  const byName = new Map<string, ReadFile>();
  for (const folder of SYSCTL_FOLDERS) {
    for (const file of files) {
      const name = nameOf(file.path);
      if (file.path === `${folder}/${name}` && !byName.has(name)) byName.set(name, file);
    }
  }
  const ours = nameOf(CONF_PATH);
  const later = [...byName]
    .filter(([name]) => name > ours)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, file]) => file);
  const last = files.filter(({ path }) => path === SYSCTL_CONF);
  return [...later, ...last].flatMap((file) => assignmentIn(file, key) ?? []);
}
