#!/bin/sh
# softnet remedy: puts everything back as it was before softnet remedy first changed it.
# Exit: 0 done, 2 some left, 3 changed since planned, 4 not allowed, 5 refused by the kernel, 6 file not written,
# 7 another run at work, 8 no journal of ours. After 3 to 8 nothing has changed but "left".
script=undo

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

kept='' helped=''

leave() { # PATH WHY [PATH OF TODAY]
  case $kept in *" $1 "*) return ;; esac
  kept="$kept $1 ${3-} "
  left="$left,\"$(called "$1")\""
  echo "softnet remedy: $(called "$1"): $2" >&2
}

where() { # PATH MAC: the path as it is today, if it is
  at=$1
  if [ "$2" != - ] && [ "$(mac_of "$1")" != "$2" ]; then
    for dev in /sys/class/net/*; do
      if [ -e "$dev/device" ] && [ "$(cat "$dev/address")" = "$2" ]; then at=$dev/${1#/sys/class/net/*/}; fi
    done
  fi
  [ ! -e "$at" ] || echo "$at"
}

undo_values() {
  seen=$nl ours=$nl$helped
  while read -r kind path to from mac; do
    case $kind in sysctl | rps) ;; *) continue ;; esac
    at=$(where "$path" "$mac")
    ours="$ours$at $to $nl"
    # The first original, also of an interface that had another name then.
    case $at$seen in "$nl"* | *"$nl$at "*) ;; *) seen="$seen$at $path $from$nl" ;; esac
  done << END
$scope
END
  while read -r at path from; do
    [ -n "$at" ] || continue
    now=$(cat "$at")
    [ "$(bare "$now")" != "$(bare "$from")" ] || continue
    case $force$ours in
      yes* | *"$nl$at $(bare "$now") "*)
        if put "$at" "$from"; then changed="$changed,\"$(called "$path")\""; else leave "$path" "cannot be put back: ${said##*: }" "$at"; fi ;;
      *) leave "$path" "somebody else set it to $now since: left as it is (--force puts $from back)" "$at" ;;
    esac
  done << END
$seen
END
}

keep_rest() { # what the journal still has to know
  rest=''
  while IFS= read -r line; do
    [ -n "$line" ] || continue
    name=${line#* }
    case ${line%% *}:$kept in
      run:\ * | dir:\ *) rest=$rest$line$nl ;;
      set:*" $conf "* | was:*" $conf "*) rest=$rest$line$nl ;;
      *" ${name%% *} "*) rest=$rest$line$nl ;;
    esac
  done << END
$scope
END
  [ -z "$rest" ] || rest=${base:-$header}$rest
  write_journal "${rest:-$base}" || fail 6 "$journal"
}

undo_file() { # PATH
  case $scope in *"${nl}file $1 "*) ;; *) return 0 ;; esac
  [ -f "$1" ] || return 0
  case $force$nl$scope in
    yes* | *"${nl}file $1 $(sum "$1")$nl"*) ;;
    *)
      leave "$1" "somebody else changed it since: left as it is (--force removes it)"
      return
      ;;
  esac
  if said=$(rm -f "$1" 2>&1); then changed="$changed,\"$1\""; else leave "$1" "cannot be removed: ${said##*: }"; fi
  settle "${1%/*}"
}

undo_lines() { # our keys' lines, whatever else was edited since
  edits='' added='' new=$conf.softnet-new
  for key in netdev_max_backlog netdev_budget netdev_budget_usecs; do
    case $scope in *"${nl}set $key "*) ;; *) continue ;; esac
    at=$(line_of "$key") is=''
    [ -z "$at" ] || is=$(sed -n "${at}p" "$conf")
    was=$(printf '%s\n' "$scope" | sed -n "s/^was $key //p" | sed -n 1p)
    [ "$is" != "$was" ] || continue
    case $force$nl$scope in
      yes* | *"${nl}set $key ${at:+$(value_of "$key")}$nl"*) ;;
      *)
        leave "$conf" "somebody else changed net.core.$key in it since: left as it is (--force puts the original back)"
        continue
        ;;
    esac
    if [ -z "$at" ]; then
      added=$added$was$nl
    elif [ -z "$was" ]; then
      edits=$edits${at}d$nl
    else
      edits="$edits${at}s/.*/$(printf '%s\n' "$was" | sed 's/[\\/&]/\\&/g')/$nl"
    fi
  done
  [ -n "$edits$added" ] || [ "$(cat "$conf" 2> /dev/null)" = "$note" ] || return 0
  text=$({ [ ! -f "$conf" ] || sed "$edits" "$conf"; } && echo .) text=${text%.}
  case $added$nl$text in "$nl"* | *"$nl") ;; *) text=$text$nl ;; esac
  text=$text$added
  case $scope in *"${nl}unended $conf$nl"*) text=${text%"$nl"} ;; esac
  case $text:$scope in
    "$note$nl:"*"${nl}new $conf$nl"*) said=$(rm -f "$conf" 2>&1) ;;
    *) said=$({ { [ ! -f "$conf" ] || cp -p "$conf" "$new"; } && printf %s "$text" | cat > "$new" && settle "$new" && mv -f "$new" "$conf"; } 2>&1) ;;
  esac || {
    leave "$conf" "cannot be put back: ${said##*: }"
    rm -f "$new"
    return
  }
  changed="$changed,\"$conf\""
  settle "${conf%/*}"
}

ask_helper() { # what it would set: less than was planned on a machine that has shrunk, and on queues that came later as well
  helped=$nl$(sh "$helper" list 2> /dev/null | tr -d , | sed 's/ 0*\(.[0-9a-f]*\)$/ \1 of the helper/')$nl
}

undo_new_queues() {
  default=$(cat /proc/sys/net/core/rps_default_mask 2> /dev/null || echo 0)
  while read -r path mask _; do
    [ -n "$path" ] || continue
    case $(printf '%s\n' "$scope" | grep "/${path##*/queues/} ")$nl in *" $path "* | *" $(mac_of "$path")$nl"*) continue ;; esac
    [ "$(bare "$(cat "$path")")" != "$mask" ] || put "$path" "$default"
  done << END
$helped
END
}

undo() {
  for path in "$helper" "$unit" "$rules" "$conf"; do rm -f "$path.softnet-new" "$path.softnet-old"; done
  [ -n "$scope" ] || end 0 "there is nothing to undo"
  undo_lines
  case $scope in
    *"${nl}file $unit "*) said=$(rm -f "$wants" 2>&1) || leave "$unit" "cannot be disabled: ${said##*: }" ;;
  esac
  undo_file "$rules"
  undo_file "$unit"
  ask_helper
  undo_values
  undo_new_queues
  undo_file "$helper"
  for path in $(printf '%s\n' "$scope" | sed -n 's/^dir //p' | sed '1!G;h;$!d'); do rmdir "$path" 2> /dev/null; done
  keep_rest
}

force='' base=''
open_journal
scope=$before
undo
[ -z "$left" ] || end 2 "undone, but for what is named"
end 0 "undone"
