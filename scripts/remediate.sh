#!/bin/sh
# softnet remedy: raises the backlog and spreads packets over CPUs, now and after reboots. It proves nothing.
# Exit: 0 done, 2 some left, 3 changed since planned, 4 not allowed, 5 refused by the kernel, 6 file not written,
# 7 another run at work, 8 no journal of ours. After 3 to 8 nothing has changed but "left".
script=remediate

wanted=5000

# An old bash keeps here-documents in files: not on a full disk.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin TMPDIR=/dev/shm
umask 022
set -u
trap '' HUP INT TERM # a second's work: finished or taken back
trap : PIPE

dir=${SOFTNET_REMEDY_DIR:-/var/lib/softnet-remedy}
dir=${dir%"${dir##*[!/]}"} # a link and a slash would pass for a folder
journal=$dir/journal log=$dir/audit.jsonl
nl='
'
header="softnet-remedy 1$nl"
before='' changed='' left='' said='' locks=''

end() { # EXIT-CODE MESSAGE: the last line is one of JSON
  [ "$1" = 0 ] || echo "softnet remedy: $2" >&2
  json="\"script\":\"$script\",\"exitCode\":$1,\"message\":\"$(printf %s "$2" | tr '\n\t"\134' "  ''")\",\"changed\":[${changed#,}],\"left\":[${left#,}]}"
  torn=$(tail -c 1 "$log" 2> /dev/null)
  [ "$locks" = "${locks%work}" ] || { echo "${torn:+$nl}{\"time\":\"$(date -u +%FT%TZ)\",$json" >> "$log"; } 2> /dev/null
  for lock in $locks; do rm -f "$dir/$lock"; done
  echo "{\"schemaVersion\":1,$json"
  exit "$1"
}

fail() { # EXIT-CODE WHAT: ends with what a program said
  said=${said##*: }
  case $1$said in
    *denied | 5*permitted | ?Read-only*) end 4 "$2: $said (run it as root on the host)" ;;
    ?No\ space* | *uota*) end 6 "$2: $said" ;;
  esac
  end "$1" "$2: ${said:-failed}"
}

settle() { sync "$1" 2> /dev/null || sync; } # an old sync knows no files
started() { grep -v ') Z' "/proc/$1/stat" 2> /dev/null | cut -d ' ' -f 22; } # PID: when, since numbers are used again

take_lock() { # lock: one run at a time; work: one script, which may outlive its softnet
  boot=$(cat /proc/sys/kernel/random/boot_id)
  lock=$dir/$1 mine=$dir/$1.$$ tries=0
  said=$(echo "$$ $boot $(started $$)" | dd of="$mine" status=none 2>&1) || fail 6 "$dir"
  until ln "$mine" "$lock" 2> /dev/null; do
    held=$(cat "$lock" 2> /dev/null)
    pid=${held%% *} tries=$((tries + 1))
    if [ "$held" = "$pid $boot $(started "$pid")" ] || [ "$tries" = 9 ]; then
      rm -f "$mine"
      [ "$pid" != "$PPID" ] || return 0 # softnet holds it for us
      end 7 "another run is at work (process $pid)"
    fi
    # Its holder is dead: move this lock away, and no newer one.
    mv "$lock" "$mine.stale" 2> /dev/null || continue
    [ "$(cat "$mine.stale")" = "$held" ] || ln "$mine.stale" "$lock"
    rm -f "$mine.stale"
  done
  locks="$locks $1"
  rm -f "$lock".*
}

open_journal() { # before: what it says
  said=$(mkdir -p "$dir" 2>&1) || fail 6 "$dir"
  [ -n "$(find "$dir" -prune -type d -user "$(id -u)" ! -perm -020 ! -perm -002)" ] ||
    end 8 "$dir: expected a directory that only you can write to"
  take_lock lock
  take_lock work
  rm -f "$journal.new"
  [ -e "$journal" ] || [ -h "$journal" ] || return 0
  [ ! -f "$journal" ] || [ -h "$journal" ] || before=$(cat "$journal")$nl
  case $before in "$header"*) ;; *) end 8 "$journal: expected a journal of softnet remedy" ;; esac
}

write_journal() { # TEXT
  if [ -z "${1#"$header"}" ]; then
    rm -f "$journal"
  else
    said=$(printf %s "$1" | dd of="$journal.new" bs=64k status=none 2>&1)
    [ "$(cat "$journal.new" 2> /dev/null)$nl" = "$1" ] || return 1
    settle "$journal.new"
    mv -f "$journal.new" "$journal"
  fi
  settle "$dir"
}

run='' values='' files=''

broke() { # EXIT-CODE WHAT: takes back what this run has done, and ends with what a program said
  why=$said
  revert
  [ -n "$left" ] || write_journal "$before"
  changed='' said=$why
  fail "$1" "$2"
}

note_run() { # every first original, before the first change
  write_journal "${before:-$header}$run$values$files" || broke 6 "$journal"
}

bare() { # MASK or number, without commas and padding
  b=$1
  while case $b in *,*) ;; *) false ;; esac do b=${b%,*}${b##*,}; done
  while case $b in 0?*) ;; *) false ;; esac do b=${b#0}; done
  echo "$b"
}

put() { # PATH VALUE: writes, and reads back what the kernel made of it
  said=$(printf '%s\n' "$2" | dd of="$1" bs=4096 conv=notrunc status=none 2>&1) || return 1
  now=$(cat "$1")
  [ "$(bare "$now")" = "$(bare "$2")" ] || { said="the kernel made $now of $2"; return 1; }
}

called() { case $1 in /proc/*) echo "net.core.${1##*/}" ;; *) echo "$1" ;; esac; } # PATH: as people say it

mac_of() { # PATH: its interface's address, in case it is renamed; - for a sysctl
  case $1 in /sys/*) cat "${1%/queues/*}/address" 2> /dev/null && return ;; esac
  echo -
}

look() {
  while read -r kind path from to; do
    [ -n "$kind" ] || continue
    now=$(cat "$path" 2> /dev/null) || end 5 "$path is not there: another network namespace, or no such interface"
    # What is so already too: or undo takes it for a later queue, take-back an earlier run for this one.
    values="$values$kind $path $(bare "$to") $now $(mac_of "$path")$nl"
  done << END
$steps
END
  [ -z "$values" ] || run="run $(date -u +%FT%TZ) $boot$nl"
}

set_values() {
  while read -r _ path _ to; do
    [ "$(bare "$(cat "${path:-/dev/null}")")" != "$(bare "$to")" ] || continue
    put "$path" "$to" || broke 5 "$(called "$path")"
    changed="$changed,\"$(called "$path")\""
  done << END
$steps
END
}

take_back() {
  while read -r _ path _ from _; do
    [ -z "$path" ] || [ "$(bare "$(cat "$path")")" = "$(bare "$from")" ] || put "$path" "$from" || left="$left,\"$(called "$path")\""
  done << END
$values
END
}

conf=/etc/sysctl.d/99-network-tuning.conf
helper=/usr/local/sbin/softnet-rps
rules=/etc/udev/rules.d/90-softnet-remedy.rules
unit=/etc/systemd/system/softnet-remedy.service
wants=${unit%/*}/multi-user.target.wants/${unit##*/}
note='# By softnet remedy; "softnet remedy undo" takes it back.'

sum() { [ ! -f "$1" ] || cksum < "$1" | tr ' ' :; }

line_of() { # KEY: the number of the last line that sets it
  grep -nE "^[[:space:]]*-?net[./]core[./]$1[[:space:]]*=" "$conf" 2> /dev/null | tail -n 1 | cut -d : -f 1
}

value_of() { # KEY
  sed -n "$(line_of "$1")s/^[^=]*=[[:space:]]*\(-*[0-9]*\).*/\1/p" "$conf"
}

content() { # PATH
  case $1 in
    "$conf") conf_text ;;
    "$helper") helper_text ;;
    "$rules") rules_text ;;
    "$unit") unit_text ;;
  esac
}

look_at_files() {
  for path in $targets; do
    if [ -h "$path" ] || { [ -e "$path" ] && [ ! -f "$path" ]; }; then end 6 "$path is no regular file: it stays"; fi
    sum=$(content "$path" | cksum | tr ' ' :)
    is=$(sum "$path")
    case "$nl${before}file $path $sum$nl" in
      *"${nl}file $path $is$nl"*) ;;
      *) [ -z "$is" ] || [ "$path" = "$conf" ] || end 6 "$path is not as softnet remedy left it: it stays" ;;
    esac
    above=${path%/*} dirs=''
    [ "$path" != "$unit" ] || above=${wants%/*}
    while [ ! -d "$above" ]; do dirs="dir $above$nl$dirs" above=${above%/*}; done
    files="$files${dirs}file $path $sum$nl"
  done
}

write_files() {
  for path in $targets; do
    new=$path.softnet-new
    said=$({
      mkdir -p "${path%/*}"
      rm -f "$new" "$path.softnet-old"
      [ ! -f "$path" ] || cp -p "$path" "$new" # for its mode and owner
      content "$path" | cat > "$new"
      [ "$path" != "$helper" ] || chmod 755 "$new"
    } 2>&1)
    case $files in *"file $path $(sum "$new")$nl"*) ;; *) broke 6 "$path" ;; esac
    settle "$new"
  done
  for path in $targets; do
    said=$({ { [ ! -f "$path" ] || cp -p "$path" "$path.softnet-old"; } && mv -f "$path.softnet-new" "$path"; } 2>&1) || broke 6 "$path"
    changed="$changed,\"$path\""
    settle "${path%/*}"
  done
  case $targets in
    *"$unit"*) said=$({ mkdir -p "${wants%/*}" && ln -sf "$unit" "$wants"; } 2>&1) || broke 6 "$wants" ;;
  esac
  for path in $targets; do rm -f "$path.softnet-old"; done
}

put_back() { # the files
  for path in $targets; do
    old=$path.softnet-old
    case $changed in
      *"\"$path\""*) if [ -f "$old" ]; then mv -f "$old" "$path"; else rm -f "$path"; fi || left="$left,\"$path\"" ;;
    esac
    rm -f "$old" "$path.softnet-new"
  done
  for path in $(printf %s "$files" | sed -n 's/^dir //p' | sed '1!G;h;$!d'); do rmdir "$path"; done
} 2> /dev/null

note_lines() { # of $lines: KEY VALUE
  edits='' added=''
  while read -r key value _; do
    [ -n "$key" ] || continue
    at=$(line_of "$key") is=-
    [ -z "$at" ] || is=$(value_of "$key")
    # Never lower than it is; -1 is no limit.
    case $is in -[0-9]*) continue ;; [0-9]*) [ "$is" -lt "$value" ] || continue ;; esac
    if [ -n "$at" ]; then
      edits="$edits${at}s/.*/net.core.$key = $value/$nl"
      case $before in *"${nl}set $key "*) ;; *) files="${files}was $key $(sed -n "${at}p" "$conf")$nl" ;; esac
    else
      added="${added}net.core.$key = $value$nl"
    fi
    files="${files}set $key $value$nl"
  done << END
$lines
END
  [ -n "$edits$added" ] || { targets=${targets%"$conf"}; return; }
  [ -e "$conf" ] || files="${files}new $conf$nl"
  [ -z "$(tail -c 1 "$conf" 2> /dev/null)" ] || files="${files}unended $conf$nl"
}

conf_text() { # every byte as it was, but our keys' lines
  if [ -e "$conf" ]; then sed "$edits" "$conf"; else echo "$note"; fi
  [ -z "$added" ] || [ -z "$(tail -c 1 "$conf" 2> /dev/null)" ] || echo
  printf %s "$added"
}

helper_text() {
  cat << 'HELPER'
#!/bin/sh
# By softnet remedy; "softnet remedy undo" removes it. Sets masks when an interface or a queue appears:
# softnet-rps [list] [INTERFACE | DEVICE PATH OF A QUEUE]
PATH=/usr/sbin:/usr/bin:/sbin:/bin
cpus=/sys/devices/system/cpu

expand() { # a list of CPUs, one in a line
  for range in $(echo "$1" | tr , ' '); do
    cpu=${range%-*}
    while [ "$cpu" -le "${range#*-}" ]; do echo "$cpu" && cpu=$((cpu + 1)); done
  done
}

mask_of() { # the CPUs of the NIC's node, but none where there is one CPU, or a queue for each
  dev=/sys/class/net/$1 count=0 top=0
  [ -e "$dev/device" ] || return
  near=$(cat "$dev/device/local_cpulist" "$dev/device/../local_cpulist" $cpus/online 2> /dev/null | head -n 1)
  isolated=" $(expand "$(cat $cpus/isolated 2> /dev/null)" | tr '\n' ' ')"
  set -- "$dev"/queues/rx-*
  [ "$#" -lt "$(expand "$(cat $cpus/online)" | wc -l)" ] || return
  for cpu in $(expand "$near"); do
    case $isolated in *" $cpu "*) continue ;; esac
    word=$((cpu / 32)) count=$((count + 1))
    [ "$word" -le "$top" ] || top=$word
    eval "w$word=\$((\${w$word:-0} | 1 << cpu % 32))"
  done
  [ "$count" -gt 1 ] || return
  eval "printf %x \"\$w$top\""
  while [ "$top" -gt 0 ]; do
    top=$((top - 1))
    eval "printf ,%08x \"\${w$top:-0}\""
  done
}

list=''
[ "${1-}" != list ] || { list=yes; shift; }
case ${1-} in
  */queues/*) at=${1%/queues/*} at=${at##*/}/queues/${1##*/} ;;
  *) at="${1:-*}/queues/rx-*" ;;
esac
bad=0
# shellcheck disable=SC2231
for queue in /sys/class/net/$at; do
  [ -e "$queue/rps_cpus" ] || continue
  name=${queue#/sys/class/net/}
  mask=$(mask_of "${name%%/*}")
  [ -n "$mask" ] || continue
  if [ -n "$list" ]; then echo "$queue/rps_cpus $mask"; else echo "$mask" > "$queue/rps_cpus" || bad=1; fi
done
exit $bad
HELPER
}

rules_text() {
  cat << RULES
# By softnet remedy
ACTION=="add|move", SUBSYSTEM=="net", RUN+="$helper \$name"
ACTION=="add", SUBSYSTEM=="queues", KERNEL=="rx-*", RUN+="$helper \$devpath"
RULES
}

unit_text() {
  cat << UNIT
[Unit]
Description=Receive packet steering of softnet remedy
After=network.target systemd-sysctl.service systemd-udev-trigger.service tuned.service irqbalance.service ecs_mq.service

[Service]
Type=oneshot
ExecStart=$helper
ProtectSystem=strict
ProtectHome=yes
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_NET_ADMIN
UNIT
}

revert() { put_back; take_back; }
open_journal
targets="$helper $unit $rules $conf"
steps='' lines='' more=''
now=$(cat /proc/sys/net/core/netdev_max_backlog 2> /dev/null)
if [ "${now:-0}" -lt 0 ] || [ "${now:-0}" -gt "$wanted" ]; then
  more=", but for the backlog, which is $now already"
else
  steps="sysctl /proc/sys/net/core/netdev_max_backlog ? $wanted$nl" lines="netdev_max_backlog $wanted"
fi
steps=$steps$(helper_text | sh -s list | sed 's/^/rps /; s/ [^ ]*$/ ?&/')
look
note_lines
look_at_files
note_run
set_values
write_files
end 0 "set and persisted$more; whether it helps was not measured"
