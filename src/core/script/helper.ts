/** The files of their own by which masks outlive a reboot, a new NIC, a renaming and \`ethtool -L\` (which takes both rules and the unit). */
const RULES = `# By softnet remedy
ACTION=="add|move", SUBSYSTEM=="net", RUN+="$helper \\$name"
ACTION=="add", SUBSYSTEM=="queues", KERNEL=="rx-*", RUN+="$helper \\$devpath"`;

/** Late, since the last one to write wins: what images bring along may set masks of its own. A link enables it, which undo knows. */
const UNIT = `[Unit]
Description=Receive packet steering of softnet remedy
After=network.target systemd-sysctl.service systemd-udev-trigger.service tuned.service irqbalance.service ecs_mq.service

[Service]
Type=oneshot
ExecStart=$helper
ProtectSystem=strict
ProtectHome=yes
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_NET_ADMIN`;

const HEAD = `#!/bin/sh
# By softnet remedy; "softnet remedy undo" removes it. Sets masks when an interface or a queue appears:
# softnet-rps [list] [INTERFACE | DEVICE PATH OF A QUEUE]
PATH=/usr/sbin:/usr/bin:/sbin:/bin
cpus=/sys/devices/system/cpu`;

/** Writes the mask of each queue that `mask_of INTERFACE` gives one for. */
const TAIL = `
list=''
[ "\${1-}" != list ] || { list=yes; shift; }
case \${1-} in
  */queues/*) at=\${1%/queues/*} at=\${at##*/}/queues/\${1##*/} ;;
  *) at="\${1:-*}/queues/rx-*" ;;
esac
bad=0
# shellcheck disable=SC2231
for queue in /sys/class/net/$at; do
  [ -e "$queue/rps_cpus" ] || continue
  name=\${queue#/sys/class/net/}
  mask=$(mask_of "\${name%%/*}")
  [ -n "$mask" ] || continue
  if [ -n "$list" ]; then echo "$queue/rps_cpus $mask"; else echo "$mask" > "$queue/rps_cpus" || bad=1; fi
done
exit $bad`;

/** By name, or by address where the NIC was renamed. A machine that shrank refuses the bits of CPUs it lost. */
const MASK_AS_PLANNED = `
fit() { # MASK, less the bits beyond the CPUs that this machine can have
  bits=$(cat $cpus/possible) rest=$1 fitted=''
  bits=$((\${bits##*[-,]} + 1))
  while [ "$bits" -gt 0 ]; do
    word=\${rest##*,}
    [ "$bits" -ge 32 ] || word=$(printf %x $((0x$word & ((1 << bits) - 1))))
    fitted=$word\${fitted:+,$fitted} bits=$((bits - 32))
    case $rest in *,*) rest=\${rest%,*} ;; *) break ;; esac
  done
  echo "$fitted"
}

mask_of() {
  dev=/sys/class/net/$1
  echo "$masks" | while read -r name mac mask; do
    if [ "$name" != "$1" ]; then
      [ -e "$dev/device" ] && [ "$mac" = "$(cat "$dev/address")" ] || continue
    fi
    fit "$mask"
    break
  done
}`;

/** The one decision of a machine that nobody has looked at. */
const MASK_BY_CPUS = `
expand() { # a list of CPUs, one in a line
  for range in $(echo "$1" | tr , ' '); do
    cpu=\${range%-*}
    while [ "$cpu" -le "\${range#*-}" ]; do echo "$cpu" && cpu=$((cpu + 1)); done
  done
}

mask_of() { # the CPUs of the NIC's node, but none where there is one CPU, or a queue for each
  dev=/sys/class/net/$1 count=0 top=0
  [ -e "$dev/device" ] || return
  near=$(cat "$dev/device/local_cpulist" "$dev/device/../local_cpulist" $cpus/online 2> /dev/null | head -n 1)
  isolated=" $(expand "$(cat $cpus/isolated 2> /dev/null)" | tr '\\n' ' ')"
  set -- "$dev"/queues/rx-*
  [ "$#" -lt "$(expand "$(cat $cpus/online)" | wc -l)" ] || return
  for cpu in $(expand "$near"); do
    case $isolated in *" $cpu "*) continue ;; esac
    word=$((cpu / 32)) count=$((count + 1))
    [ "$word" -le "$top" ] || top=$word
    eval "w$word=\\$((\\\${w$word:-0} | 1 << cpu % 32))"
  done
  [ "$count" -gt 1 ] || return
  eval "printf %x \\"\\$w$top\\""
  while [ "$top" -gt 0 ]; do
    top=$((top - 1))
    eval "printf ,%08x \\"\\\${w$top:-0}\\""
  done
}`;

const OTHER_TEXTS = `
rules_text() {
  cat << RULES
${RULES}
RULES
}

unit_text() {
  cat << UNIT
${UNIT}
UNIT
}
`;

/**
 * Masks that were planned. The renderer calls `set_mask INTERFACE MASK` for each of them; what an earlier remedy set on other interfaces stays, be it
 * planned or the runbook's, whose helper has no masks but a rule.
 */
export const PLANNED_HELPER = `
masks=''
set_mask() { masks="$masks$1 $(cat "/sys/class/net/$1/address" 2> /dev/null || echo -) $2$nl"; }

old_masks() { # of the helper that is there, if it is ours
  case $before in *"\${nl}file $helper $(sum "$helper")$nl"*) ;; *) return ;; esac
  if grep -q "^masks='" "$helper"; then
    sed -n "/^masks='/,/^'/p" "$helper" | grep -v "'"
  else
    sh "$helper" list | sed -n 's|^/sys/class/net/\\(.*\\)/queues/rx-0/rps_cpus|\\1|p' | while read -r name mask; do
      echo "$name $(cat "/sys/class/net/$name/address") $mask"
    done
  fi
}

all_masks() {
  printf '%s' "$masks"
  old_masks | while read -r name rest; do
    case $nl$masks in *"$nl$name "*) ;; *) echo "$name $rest" ;; esac
  done
}

helper_text() {
  cat << 'HEAD'
${HEAD}
masks='
HEAD
  all_masks
  cat << 'TAIL'
'
${MASK_AS_PLANNED}
${TAIL}
TAIL
}
${OTHER_TEXTS}`;

export const PORTABLE_HELPER = `
helper_text() {
  cat << 'HELPER'
${HEAD}
${MASK_BY_CPUS}
${TAIL}
HELPER
}
${OTHER_TEXTS}`;
