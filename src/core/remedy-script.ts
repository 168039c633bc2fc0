import { type CpuMask, formatCpuMask } from "./cpu-mask.ts";
import type { RemedySysctl } from "./remedy-sysctls.ts";
import { FILE_PARTS, files } from "./script/files.ts";
import { PLANNED_HELPER, PORTABLE_HELPER } from "./script/helper.ts";
import { PRELUDE, PUT, RUN } from "./script/prelude.ts";
import { UNDO_FILES, UNDO_VALUES } from "./script/undo.ts";
import { values } from "./script/values.ts";

/** One `net.core` value to change at run time. */
export interface SysctlChange {
  readonly kind: "sysctl";
  readonly name: RemedySysctl;
  readonly from: number;
  readonly to: number;
}

/** The mask of one receive queue. */
export interface RpsChange {
  readonly kind: "rps";
  readonly device: string;
  readonly queue: number;
  readonly from: CpuMask;
  readonly to: CpuMask;
  /** nr_cpu_ids, by which masks are written. */
  readonly possibleCpus: number;
}

export type ValueChange = SysctlChange | RpsChange;

/** What `/etc/sysctl.d/99-network-tuning.conf` shall set a key to. */
export interface ConfLine {
  readonly name: RemedySysctl;
  readonly to: number;
  /** What it set when this was planned: null for nothing, undefined for what nobody knows. */
  readonly from: number | null | undefined;
}

/** What Cloud Assistant takes: 16 KB in base64. A script for queues with many long masks may be longer: whoever runs or prints it looks. */
export const MAX_SCRIPT_BYTES = 12 * 1024;

/** Sets the values at run time, each only if it is still what the plan saw. */
export function renderApply(changes: readonly ValueChange[]): string {
  return script("apply", {
    does: "sets these values at run time, until the next reboot. What was there before is noted first.",
    parts: [stepsOf(changes), PRELUDE, RUN, PUT, values({ arePlanned: true })],
    main: `
revert() { take_back; }
open_journal
look
note_run
set_values
[ -n "$changed" ] || end 0 "there was nothing to change"
end 0 "set at run time"`,
  });
}

export interface PersistSettings {
  readonly conf: readonly ConfLine[];
  /** The mask of each interface, for all its receive queues. */
  readonly masks: readonly {
    readonly device: string;
    readonly mask: CpuMask;
    readonly possibleCpus: number;
  }[];
}

/** Writes the files by which the values outlive a reboot. */
export function renderPersist({ conf, masks }: PersistSettings): string {
  return script("persist", {
    does: "writes the files by which what helped outlives reboots, new NICs, renaming and ethtool -L.",
    parts: [
      linesOf(conf),
      PRELUDE,
      RUN,
      FILE_PARTS,
      files({ arePlanned: true }),
      ...(masks.length > 0 ? [PLANNED_HELPER] : []),
    ],
    main: [
      "revert() { put_back; }",
      "open_journal",
      targetsOf({ masks: masks.length > 0 }),
      ...masks.map(
        ({ device, mask, possibleCpus }) =>
          `set_mask ${interfaceName(device)} ${formatCpuMask(mask, possibleCpus)}`,
      ),
      "note_lines",
      "look_at_files",
      "note_run",
      "write_files",
      'end 0 "persisted"',
    ].join("\n"),
  });
}

/** Puts the first originals back and removes our files; what somebody else has changed since only with `force`. */
export function renderUndo({ force }: { force: boolean }): string {
  return script("undo", {
    does: "puts everything back as it was before softnet remedy first changed it.",
    parts: [PRELUDE, PUT, FILE_PARTS, UNDO_VALUES, UNDO_FILES],
    main: `
force=${force ? "yes" : "''"} base=''
open_journal
scope=$before
undo
[ -z "$left" ] || end 2 "undone, but for what is named"
end 0 "undone"`,
  });
}

/** Takes back what the last run set, when it did not help. One that has written files has helped: it stays. */
export function renderTakeBack(): string {
  return script("take-back", {
    does: "takes back what the last run of softnet remedy set.",
    parts: [PRELUDE, PUT, UNDO_VALUES],
    main: `
force='' conf=''
open_journal
case $before in *"\${nl}run "*) ;; *) end 0 "there is nothing to take back" ;; esac
base=\${before%"\${nl}run "*}$nl
scope="run \${before##*"\${nl}run "}"
case $scope in *"\${nl}file "*) end 0 "there is nothing to take back" ;; esac
undo_values
keep_rest
[ -z "$left" ] || end 2 "taken back, but for what is named"
end 0 "taken back"`,
  });
}

export interface PortableSettings {
  readonly backlog: number | undefined;
  readonly rps: boolean;
}

/** The runbook for a machine that nobody has looked at: it applies and persists in one go, and proves nothing. */
export function renderPortable({ backlog, rps }: PortableSettings): string {
  return script("remediate", {
    does: "raises the backlog and spreads packets over CPUs, now and after reboots. It proves nothing.",
    parts: [
      ...(backlog === undefined ? [] : [`wanted=${integer(backlog)}`]),
      PRELUDE,
      RUN,
      PUT,
      values({ arePlanned: false }),
      FILE_PARTS,
      files({ arePlanned: false }),
      ...(rps ? [PORTABLE_HELPER] : []),
    ],
    main: [
      "revert() { put_back; take_back; }",
      "open_journal",
      targetsOf({ masks: rps }),
      "steps='' lines='' more=''",
      ...(backlog === undefined ? [] : [raiseBacklog({ isAll: !rps })]),
      ...(rps ? ["steps=$steps$(helper_text | sh -s list | sed 's/^/rps /; s/ [^ ]*$/ ?&/')"] : []),
      "look",
      "note_lines",
      "look_at_files",
      "note_run",
      "set_values",
      "write_files",
      'end 0 "set and persisted$more; whether it helps was not measured"',
    ].join("\n"),
  });
}

/** What is set already, by whomever, shall outlive a reboot all the same; what is higher is left to whoever set it. */
const raiseBacklog = ({ isAll }: { isAll: boolean }): string =>
  `
now=$(cat /proc/sys/net/core/netdev_max_backlog 2> /dev/null)
if [ "\${now:-0}" -lt 0 ] || [ "\${now:-0}" -gt "$wanted" ]; then
  ${isAll ? 'end 0 "nothing was changed: the backlog is $now already"' : 'more=", but for the backlog, which is $now already"'}
else
  steps="sysctl /proc/sys/net/core/netdev_max_backlog ? $wanted$nl" lines="netdev_max_backlog $wanted"
fi`.trim();

function script(
  name: string,
  { does, parts, main }: { does: string; parts: readonly string[]; main: string },
): string {
  const blocks = [
    [
      "#!/bin/sh",
      `# softnet remedy: ${does}`,
      "# Exit: 0 done, 2 some left, 3 changed since planned, 4 not allowed, 5 refused by the kernel, 6 file not written,",
      '# 7 another run at work, 8 no journal of ours. After 3 to 8 nothing has changed but "left".',
      `script=${name}`,
    ].join("\n"),
    ...parts,
    main,
  ];
  return `${blocks.map((block) => block.replaceAll(/^\n+|\n+$/g, "")).join("\n\n")}\n`;
}

/**
 * One line for each value. Queues that change alike share one call, and those of an interface the mask that they get: a NIC may have 64 of them, each with
 * another mask, and a mask 287 characters.
 */
function stepsOf(changes: readonly ValueChange[]): string {
  const sysctls: string[] = [];
  const interfaces = new Map<string, Map<string, number[]>>();
  for (const change of changes) {
    if (change.kind === "sysctl") {
      const path = `/proc/sys/net/core/${change.name}`;
      sysctls.push(`step sysctl ${path} ${integer(change.from)} ${integer(change.to)}`);
    } else {
      const { device, queue, from, to, possibleCpus } = change;
      const target = `device=${interfaceName(device)} to=${formatCpuMask(to, possibleCpus)}`;
      const queues = interfaces.get(target) ?? new Map<string, number[]>();
      const mask = from.toString(16);
      interfaces.set(target, queues.set(mask, [...(queues.get(mask) ?? []), integer(queue)]));
    }
  }
  const masks = [...interfaces].flatMap(([target, queues]) => [
    target,
    ...[...queues].map(([from, numbers]) => `rps ${from} ${numbers.join(" ")}`),
  ]);
  return ["nl='", "'", "steps=''", STEP, ...(masks.length > 0 ? [RPS_STEPS] : []), ...sysctls, ...masks].join(
    "\n",
  );
}

const STEP = `step() { steps="$steps$*$nl"; } # KIND PATH FROM TO`;

const RPS_STEPS = `
rps() { # FROM QUEUE...
  from=$1
  shift
  for queue; do step rps "/sys/class/net/$device/queues/rx-$queue/rps_cpus" "$from" "$to"; done
}
`.trim();

function linesOf(conf: readonly ConfLine[]): string {
  const lines = conf.map(({ name, to, from }) => {
    const planned = from === undefined ? "" : from === null ? "-" : integer(from);
    return `${name} ${integer(to)} ${planned}`;
  });
  return `lines='${lines.join("\n")}'`;
}

function targetsOf({ masks }: { masks: boolean }): string {
  return masks ? 'targets="$helper $unit $rules $conf"' : "targets=$conf";
}

/** @throws RangeError for anything but an integer: the text goes into a script that root runs. */
function integer(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no integer`);
  return value;
}

/** What the kernel allows in a name is more than a script can take without quoting. */
export function isScriptableInterfaceName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._:@-]{0,14}$/.test(name);
}

function interfaceName(name: string): string {
  if (!isScriptableInterfaceName(name)) {
    throw new RangeError(`${JSON.stringify(name)} is no interface name that a script may hold`);
  }
  return name;
}
