import { CAPTURE_FILES, type CaptureFile } from "./capture-files.ts";

export interface CaptureScriptOptions {
  readonly forSeconds: number;
  readonly everySeconds: number;
  readonly gzip: boolean;
}

/** Cloud Assistant's agent keeps the last 12,000 bytes of what a command prints. */
export const MOST_GZIP_BYTES = 11_000;

/**
 * The POSIX `sh` that writes a capture where softnet is not installed: it reads only, needs no root, and writes to standard output. Needs sed,
 * date and sleep, and for `gzip` also gzip, base64 (or openssl) and awk, as every distribution and busybox have them.
 */
export function renderCaptureScript({ forSeconds, everySeconds, gzip }: CaptureScriptOptions): string {
  const times = snapshotTimes(forSeconds, everySeconds);
  const between = times.length - 2;
  return [
    "#!/bin/sh",
    "# Writes a capture of what this kernel does with received packets, for: softnet diagnose --from FILE",
    "# It changes nothing and needs no root. Usage: sh THIS > FILE",
    "LC_ALL=C",
    "export LC_ALL",
    "if [ ! -r /proc/net/softnet_stat ]; then",
    `  echo "softnet capture: /proc/net/softnet_stat: expected the kernel's softnet counters, got no readable file" >&2`,
    "  exit 2",
    "fi",
    ...IRQS,
    ...TAKE,
    ...(["hot", "ends", "static"] as const).flatMap((kind) => takeFunction(kind)),
    ...HEAD,
    "capture() {",
    '  echo "softnet-capture 1"',
    "  head; take_hot; take_ends; take_static",
    ...(between > 0
      ? [
          `  left=${between}`,
          '  while [ "$left" -gt 0 ]; do',
          `    sleep ${everySeconds}; head; take_hot`,
          "    left=$((left - 1))",
          "  done",
        ]
      : []),
    `  sleep ${forSeconds - times.at(-2)!}; head; take_hot; take_ends`,
    '  echo "@end"',
    "}",
    ...(gzip ? PACKED : ["capture"]),
    "",
  ].join("\n");
}

/** When the snapshots of a capture are due, in seconds from the first one; the last is at the end. */
export function snapshotTimes(forSeconds: number, everySeconds: number): readonly number[] {
  const times: number[] = [];
  for (let at = 0; at < forSeconds; at += everySeconds) times.push(at);
  return [...times, forSeconds];
}

const IRQS = [
  'irqs=" "; rows=',
  "for path in /sys/class/net/*/device/msi_irqs/* /sys/class/net/*/device/../msi_irqs/*; do",
  '  [ -e "$path" ] || continue',
  '  irqs="$irqs${path##*/} "; rows="${rows:+$rows|}${path##*/}"',
  "done",
];

/** `take PATTERN PATH…`: each file that exists, and its lines that match. What cannot be read is absent. */
const TAKE = [
  "take() {",
  "  pattern=$1; shift",
  "  for path do",
  '    [ -r "$path" ] || continue',
  "    case $path in /proc/irq/*)",
  "      irq=${path#/proc/irq/}; irq=${irq%%/*}",
  '      case $irqs in " " | *" $irq "*) ;; *) continue ;; esac',
  "    esac",
  '    lines=$(sed -n -E "/$pattern/s/^/ /p" "$path" 2>/dev/null) || continue',
  '    [ -z "$lines" ] || printf "@file %s\\n%s\\n" "$path" "$lines"',
  "  done",
  "}",
];

/** Busybox's date does not know milliseconds. */
const HEAD = [
  "head() {",
  "  ms=$(date +%s%3N)",
  '  case $ms in "" | *[!0-9]*) ms=$(date +%s)000 ;; esac',
  "  read -r uptime _ </proc/uptime",
  '  echo "@snapshot $ms $uptime"',
  "}",
];

function takeFunction(kind: CaptureFile["kind"]): readonly string[] {
  const files = CAPTURE_FILES.filter((file) => file.kind === kind);
  const patterns = [...new Set(files.map(patternOf))];
  const calls = patterns.map((pattern) => {
    const paths = files.filter((file) => patternOf(file) === pattern).map(({ path }) => path);
    return `  take ${pattern} ${paths.join(" \\\n    ")}`;
  });
  return [`take_${kind}() {`, ...calls, "}"];
}

/** Of an interrupts' file the number in the pattern is replaced by those of the network interfaces. */
function patternOf({ lines = "^", networkIrqsOnly }: CaptureFile): string {
  if (!networkIrqsOnly || lines === "^") return `'${lines}'`;
  return `"${lines.replace("[0-9]+", "(${rows:-[0-9]+})")}"`;
}

/**
 * Leaves out more and more until the result is short enough: 1 CPUs whose counters stood still, 2 the snapshots between, 3 what explains but
 * does not decide, 4 the times of CPUs that lost and squeezed nothing. What is left out is counted above the first snapshot.
 */
const AWK = `
function hex(s,  i, n) {
  for (i = 1; i <= length(s); i++) n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
  return n + 0
}
function range(from, to) { return (list == "" ? "" : list ",") from (to > from ? "-" to : "") }
{ line[NR] = $0 }
/^@snapshot / { shots++ }
/^@file / { path = $2; split(path, dir, "/") }
/^@/ { row = 0; next }
path == "/proc/net/softnet_stat" {
  row++
  count[shots] = row
  if (shots == 1) { first[row] = $0; loss[row] = $2 $3; cpu[row] = NF > 12 ? hex($13) : -1 }
  if ($0 != first[row] || (NF > 12 && $12 $14 $15 ~ /[1-9a-f]/)) moved[row] = 1
  if ($2 $3 != loss[row]) lost[cpu[row]] = 1
}
path == "/sys/devices/system/cpu/online" {
  parts = split($1, part, ",")
  for (i = 1; i <= parts; i++) {
    split(part[i] "-" part[i], end, "-")
    for (id = end[1] + 0; id <= end[2] + 0; id++) online[++onlines] = id
  }
}
path ~ "^/sys/class/net/[^/]*/device/" { real[dir[5]] = 1 }
path ~ "/statistics/rx_dropped$" {
  if (!(dir[5] in dropped)) dropped[dir[5]] = $1
  if (dropped[dir[5]] != $1) real[dir[5]] = 1
}
END {
  rows = count[1]
  known = cpu[1] >= 0 || rows == onlines
  for (i = 2; i <= shots; i++) if (count[i] != rows) known = 0
  for (i = 1; i <= rows; i++) {
    if (cpu[i] < 0) { cpu[i] = online[i]; if (i in moved) lost[cpu[i]] = 1 }
    if (!known || i in moved) continue
    still[cpu[i]] = 1
    if (run != "" && cpu[i] == last + 1 && !(i - 1 in moved)) last++
    else { if (run != "") list = range(run, last); run = last = cpu[i] }
  }
  if (run != "") list = range(run, last)
  print line[1]
  if (list != "") print "@omitted cpus " list
  for (n = 2; n <= NR; n++) {
    if (line[n] ~ /^@/) keep = 1
    if (line[n] ~ /^@snapshot /) { shot++; path = "" }
    if (line[n] ~ /^@file /) { path = substr(line[n], 7); row = 0 }
    if (stage > 1 && shot > 1 && shot < shots) { if (line[n] ~ /^@snapshot /) snapshots++; continue }
    if (stage > 2 && line[n] ~ /^@file /) {
      split(path, dir, "/")
      if (path ~ "^/sys/class/net/" && !(dir[5] in real)) { keep = 0; if (!(dir[5] in gone)) { gone[dir[5]] = 1; interfaces++ } }
      else if (path ~ EXPLAINS) { keep = 0; if (!(path in gone)) { gone[path] = 1; files++ } }
    }
    if (line[n] ~ /^ /) {
      if (path == "/proc/net/softnet_stat" && cpu[++row] in still) continue
      if (path == "/proc/stat" && line[n] ~ /^ cpu[0-9]/) {
        split(substr(line[n], 5), word, " ")
        if (word[1] in still) continue
        if (stage > 3 && !(word[1] in lost)) { if (shot == 1) times++; continue }
      }
    }
    if (keep) out[++outs] = line[n]
  }
  if (times) print "@omitted cpu-times " times
  if (snapshots) print "@omitted snapshots " snapshots
  if (interfaces) print "@omitted interfaces " interfaces
  if (files) print "@omitted files " files
  for (i = 1; i <= outs; i++) print out[i]
}`;

const EXPLAINS = "/(interrupts|softirqs|nf_conntrack|xps_cpus|rps_flow_cnt|irq/.*|msi_irqs/.*)$";

const PACKED = [
  "encode() { if command -v base64 >/dev/null 2>&1; then base64; else openssl base64; fi; }",
  'pack() { gzip -9 | encode | tr -d "\\n"; }',
  "whole=$(capture)",
  'packed=$(echo "$whole" | pack)',
  "for stage in 1 2 3 4; do",
  `  [ "\${#packed}" -gt ${MOST_GZIP_BYTES} ] || break`,
  `  less=$(echo "$whole" | awk -v stage=$stage -v EXPLAINS="${EXPLAINS}" '${AWK}') || break`,
  '  packed=$(echo "$less" | pack)',
  "done",
  'echo "$packed"',
];
