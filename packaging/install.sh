#!/bin/sh
# sh install.sh          puts the agent onto a machine with systemd and starts it; a later version is installed over an earlier one
# sh install.sh remove   stops and removes it; settings and history stay
# sh install.sh purge    removes these too
set -eu
umask 022

unit=softnet-agent.service
units=/usr/lib/systemd/system
settings=/etc/softnet/agent.env
docs=/usr/share/doc/softnet-agent

does_systemd_run() { [ -d /run/systemd/system ]; }

add() {
  getent passwd softnet > /dev/null ||
    useradd --system --user-group --home-dir /var/lib/softnet --no-create-home --shell /sbin/nologin softnet
  # The one that runs cannot be written over, but replaced.
  install -m 0755 softnet /usr/bin/softnet.new
  mv -f /usr/bin/softnet.new /usr/bin/softnet
  mkdir -p "$units" "$docs"
  install -m 0644 ./*.md ./*.txt LICENSE "$docs"
  [ -e "$settings" ] || { mkdir -p "${settings%/*}" && install -m 0640 agent.env "$settings"; }
  new=''
  [ -e "$units/$unit" ] || new=yes
  install -m 0644 "$unit" "$units/$unit"
  sh fit-systemd
  # Whoever has disabled or stopped it wants it so after an upgrade too.
  [ -z "$new" ] || systemctl enable "$unit"
  if does_systemd_run; then
    systemctl daemon-reload
    if [ -n "$new" ]; then act=restart; else act=try-restart; fi
    systemctl "$act" "$unit"
  fi
}

remove() {
  if does_systemd_run; then systemctl disable --now "$unit" || true; else systemctl disable "$unit" || true; fi
  sh fit-systemd remove
  rm -rf /usr/bin/softnet "${units:?}/$unit" "$docs"
  if does_systemd_run; then systemctl daemon-reload; fi
  # Without the journal there is nothing to take back.
  if [ -e /var/lib/softnet-remedy/journal ]; then
    echo "softnet-agent: the tuning of this machine stays as it is; 'softnet remedy undo' takes it back, and needs softnet-agent installed" >&2
  fi
}

purge() {
  remove
  rm -rf /var/lib/softnet
  # A first boot that was killed leaves what its step had said.
  rm -f "$settings" "${settings%/*}"/first-boot.json "${settings%/*}"/first-boot.json.said "${settings%/*}"/remediate.sh
  rmdir "${settings%/*}" 2> /dev/null || true
}

if [ "$(id -u)" != 0 ]; then
  echo "install.sh: expected root, got user $(id -un): sudo sh $0 $*" >&2
  exit 2
fi
cd "$(dirname "$0")"
case ${1-} in
  '') add ;;
  remove | purge) "$1" ;;
  *) echo "install.sh: expected nothing, remove or purge, got $1" >&2 && exit 2 ;;
esac
