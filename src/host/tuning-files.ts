import {
  type ReadFile,
  RPS_PATHS,
  SYSCTL_CONF,
  SYSCTL_FOLDERS,
  type TuningFiles,
} from "../core/tuning-files.ts";
import { type Host, isListed, readLine, readText } from "./host.ts";

/** Reads what else on a machine sets sysctls and masks. What may not be read does not count. */
export function readTuningFiles(host: Host): TuningFiles {
  return {
    sysctl: [...SYSCTL_FOLDERS.flatMap((folder) => confFiles(host, folder)), ...files(host, [SYSCTL_CONF])],
    rps: files(host, RPS_PATHS),
    tuned: readTunedProfile(host),
    tunedReappliesSysctl: !/^\s*reapply_sysctl\s*=\s*(0|false|no|n)\s*$/im.test(
      readText(host, TUNED_CONF) ?? "",
    ),
    ecsMq: firstOf(host, ECS_MQ),
    irqbalance: firstOf(host, ["/run/irqbalance.pid", enabledUnit("irqbalance.service")]),
  };
}

const TUNED_CONF = "/etc/tuned/tuned-main.conf";

const ECS_MQ = [
  enabledUnit("ecs_mq.service"),
  "/etc/udev/rules.d/62-ecs-mq.rules",
  "/usr/lib/udev/rules.d/62-ecs-mq.rules",
  "/lib/udev/rules.d/62-ecs-mq.rules",
];

function enabledUnit(unit: string): string {
  return `/etc/systemd/system/multi-user.target.wants/${unit}`;
}

function confFiles(host: Host, folder: string): readonly ReadFile[] {
  const names = host.list(folder).filter((name) => name.endsWith(".conf"));
  return files(
    host,
    names.map((name) => `${folder}/${name}`),
  );
}

function files(host: Host, paths: readonly string[]): readonly ReadFile[] {
  return paths.flatMap((path) => {
    const text = readText(host, path);
    return text === undefined ? [] : [{ path, text }];
  });
}

/** Whether it can be read does not matter: an enabled unit is an absolute link, which below `--root` leads out of the tree. */
function firstOf(host: Host, paths: readonly string[]): string | undefined {
  return paths.find((path) => isListed(host, path));
}

/** Deeper than any profile's includes; one that includes itself must not keep us. */
const MOST_INCLUDES = 8;

function readTunedProfile(host: Host): readonly ReadFile[] {
  if (readLine(host, "/run/tuned/tuned.pid") === undefined) return [];
  const active = readLine(host, "/etc/tuned/active_profile")?.split(/\s+/) ?? [];
  const read: ReadFile[] = [];
  const take = (profile: string, depth: number): void => {
    if (depth > MOST_INCLUDES || !/^[\w.-]+$/.test(profile)) return;
    const folders = ["/etc/tuned", "/etc/tuned/profiles", "/usr/lib/tuned", "/usr/lib/tuned/profiles"];
    const paths = folders.map((folder) => `${folder}/${profile}/tuned.conf`);
    const file = files(host, paths)[0];
    if (file === undefined) return;
    const included = /^\s*include\s*=\s*(.+?)\s*$/m.exec(file.text)?.[1]?.split(/[\s,]+/) ?? [];
    for (const one of included) take(one, depth + 1);
    read.push(file);
  };
  for (const profile of active) take(profile, 0);
  return read;
}
