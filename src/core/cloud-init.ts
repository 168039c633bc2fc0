import { FIRST_BOOT_REPORT, type FirstBootStep } from "./first-boot.ts";
import { renderPortable } from "./remedy-script.ts";
import { yamlOf, type YamlMapping } from "./yaml.ts";

/** How a package is packed, by the end of its name. */
export const PACKAGE_KINDS = ["deb", "rpm", "tar.gz"] as const;

export type PackageKind = (typeof PACKAGE_KINDS)[number];

/** What shall be on a machine after its first boot. Everything in it is validated. */
export interface FirstBoot {
  readonly package: {
    readonly kind: PackageKind;
    /** Holds no quote and no blank. */
    readonly url: string;
    /** 64 lower-case hex digits. */
    readonly sha256: string;
  };
  /** The lines of agent.env: name and value. A value holds nothing that a shell or systemd reads in quotes. */
  readonly settings: ReadonlyMap<string, string>;
  /** Undefined leaves the kernel's settings alone. */
  readonly tuning: { readonly backlog: number; readonly rps: boolean } | undefined;
}

/** What ECS takes in every region, before it is put into base64. */
export const MAX_USER_DATA_BYTES = 16 * 1024;

const AGENT_ENV = "/etc/softnet/agent.env";
const REMEDIATE = "/etc/softnet/remediate.sh";

/** The user-data of a first boot: it may be longer than MAX_USER_DATA_BYTES, for which the caller knows whom to blame. */
export function renderCloudInit(boot: FirstBoot): string {
  const files = [
    ...(boot.settings.size > 0 ? [file(AGENT_ENV, "0640", environment(boot.settings))] : []),
    ...(boot.tuning ? [file(REMEDIATE, "0755", renderPortable(boot.tuning))] : []),
  ];
  const document = {
    ...(files.length > 0 ? { write_files: files } : {}),
    // One sh script: without set -e it would go on after a line that failed, and end as the last one.
    runcmd: ["set -e", firstBootScript(boot)],
  };
  const does = `${boot.tuning ? `${tuningText(boot.tuning)}, ` : ""}installs the agent and starts it`;
  return `#cloud-config\n# By softnet cloud-init: ${does}. How it went: ${FIRST_BOOT_REPORT}\n${yamlOf(document)}`;
}

function file(path: string, permissions: string, content: string): YamlMapping {
  return { path, permissions, content };
}

function tuningText({ backlog, rps }: { readonly backlog: number; readonly rps: boolean }): string {
  return `raises the backlog to ${backlog}${rps ? " and spreads packets over CPUs" : ""}`;
}

/** In double quotes systemd and sh agree on what a value is. */
function environment(settings: FirstBoot["settings"]): string {
  return [...settings].map(([name, value]) => `${name}="${value}"\n`).join("");
}

/** Each of them is one chain of commands: where it is called, set -e does not hold. */
const DOWNLOAD = `download() {
  if command -v curl > /dev/null; then
    curl -gfsSL --connect-timeout 10 --max-time 600 -o "$file" "$url"
  else # cloud-init itself runs on it
    python3 -c 'import shutil, sys, urllib.request as u; shutil.copyfileobj(u.urlopen(sys.argv[2], timeout=30), open(sys.argv[1], "wb"))' "$file" "$url"
  fi
}

fetch() {
  dir=$(mktemp -d) || return
  file=$dir/softnet-agent.$kind
  for pause in 2 5 15 30; do
    download && return
    sleep $pause
  done
  download
}

check() {
  is=$(sha256sum < "$file") && is=\${is%% *}
  [ "$is" = "$sha256" ] || { echo "expected a package of sha256 $sha256, got $is: nothing is installed" && false; }
}`;

const INSTALL: Readonly<Record<PackageKind, string>> = {
  // What is pinned is what runs, also where the image holds a later version. Debian's own upgrade may be at work.
  deb: `DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends --reinstall --allow-downgrades -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "$file"`,
  rpm: `rpm -U --oldpackage --replacepkgs "$file"`,
  "tar.gz": `tar -xzf "$file" -C "$dir" && sh "$dir"/*/install.sh`,
};

function firstBootScript({ package: { kind, url, sha256 }, tuning }: FirstBoot): string {
  const installing: readonly FirstBootStep[] = ["fetch", "check", "install", "start"];
  const steps = installing.map((step) => `step ${step} ${step}`);
  if (tuning) {
    // A machine that cannot be tuned is watched all the same, by an agent that knows of it.
    steps.unshift(`step tune sh ${REMEDIATE} || failed=yes`);
    steps.push('[ -z "$failed" ]');
  }
  return `url='${url}' kind=${kind}
sha256=${sha256}
report=${FIRST_BOOT_REPORT}
steps='' failed='' dir=''
trap 'rm -rf "$dir" "$report.said"' EXIT
umask 022 # the agent's user reads the report
mkdir -p /etc/softnet

step() { # NAME COMMAND...: what it says goes to the log, how it ends to the report
  name=$1 code=0
  shift
  "$@" > "$report.said" 2>&1 || code=$?
  cat "$report.said"
  said=$(grep -v '^{' "$report.said" | tail -n 3 | tr '\\n"\\134' " '/" | tr -d '\\000-\\037')
  steps="$steps\${steps:+,}{\\"step\\":\\"$name\\",\\"exitCode\\":$code,\\"message\\":\\"$said\\"}"
  echo "{\\"schemaVersion\\":1,\\"time\\":\\"$(date -u +%FT%TZ)\\",\\"steps\\":[$steps]}" > "$report"
  [ "$code" = 0 ] || echo "softnet: the first boot failed in its step $name ($code)" >&2
  return $code
}

${DOWNLOAD}

install() {
  ${INSTALL[kind]}
}

start() {
  systemctl enable softnet-agent && systemctl restart softnet-agent
}

${steps.join("\n")}
`;
}
