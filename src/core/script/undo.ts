/**
 * Puts the first originals back: first what would set a mask again, then values, then the helper and folders. The renderer sets `force`, and `last` for the
 * values of the last run only, back to what that run found.
 */
export const UNDO_VALUES = `
kept='' helped=''

leave() { # PATH WHY [PATH OF TODAY]
  case $kept in *" $1 "*) return ;; esac
  kept="$kept $1 \${3-} "
  left="$left,\\"$(called "$1")\\""
  echo "softnet remedy: $(called "$1"): $2" >&2
}

where() { # PATH MAC: the path as it is today, if it is
  at=$1
  if [ "$2" != - ] && [ "$(mac_of "$1")" != "$2" ]; then
    for dev in /sys/class/net/*; do
      if [ -e "$dev/device" ] && [ "$(cat "$dev/address")" = "$2" ]; then at=$dev/\${1#/sys/class/net/*/}; fi
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
        if put "$at" "$from"; then changed="$changed,\\"$(called "$path")\\""; else leave "$path" "cannot be put back: \${said##*: }" "$at"; fi ;;
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
    name=\${line#* }
    case \${line%% *}:$kept in
      run:\\ * | dir:\\ *) rest=$rest$line$nl ;;
      set:*" $conf "* | was:*" $conf "*) rest=$rest$line$nl ;;
      *" \${name%% *} "*) rest=$rest$line$nl ;;
    esac
  done << END
$scope
END
  [ -z "$rest" ] || rest=\${base:-$header}$rest
  write_journal "\${rest:-$base}" || fail 6 "$journal"
}
`;

/** The files: first what would set a mask again; after the values the helper, which knows the queues that came later, and folders. */
export const UNDO_FILES = `
undo_file() { # PATH
  case $scope in *"\${nl}file $1 "*) ;; *) return 0 ;; esac
  [ -f "$1" ] || return 0
  case $force$nl$scope in
    yes* | *"\${nl}file $1 $(sum "$1")$nl"*) ;;
    *)
      leave "$1" "somebody else changed it since: left as it is (--force removes it)"
      return
      ;;
  esac
  if said=$(rm -f "$1" 2>&1); then changed="$changed,\\"$1\\""; else leave "$1" "cannot be removed: \${said##*: }"; fi
  settle "\${1%/*}"
}

undo_lines() { # our keys' lines, whatever else was edited since
  edits='' added='' new=$conf.softnet-new
  for key in netdev_max_backlog netdev_budget netdev_budget_usecs; do
    case $scope in *"\${nl}set $key "*) ;; *) continue ;; esac
    at=$(line_of "$key") is=''
    [ -z "$at" ] || is=$(sed -n "\${at}p" "$conf")
    was=$(printf '%s\\n' "$scope" | sed -n "s/^was $key //p" | sed -n 1p)
    [ "$is" != "$was" ] || continue
    case $force$nl$scope in
      yes* | *"\${nl}set $key \${at:+$(value_of "$key")}$nl"*) ;;
      *)
        leave "$conf" "somebody else changed net.core.$key in it since: left as it is (--force puts the original back)"
        continue
        ;;
    esac
    if [ -z "$at" ]; then
      added=$added$was$nl
    elif [ -z "$was" ]; then
      edits=$edits\${at}d$nl
    else
      edits="$edits\${at}s/.*/$(printf '%s\\n' "$was" | sed 's/[\\\\/&]/\\\\&/g')/$nl"
    fi
  done
  [ -n "$edits$added" ] || [ "$(cat "$conf" 2> /dev/null)" = "$note" ] || return 0
  text=$({ [ ! -f "$conf" ] || sed "$edits" "$conf"; } && echo .) text=\${text%.}
  case $added$nl$text in "$nl"* | *"$nl") ;; *) text=$text$nl ;; esac
  text=$text$added
  case $scope in *"\${nl}unended $conf$nl"*) text=\${text%"$nl"} ;; esac
  case $text:$scope in
    "$note$nl:"*"\${nl}new $conf$nl"*) said=$(rm -f "$conf" 2>&1) ;;
    *) said=$({ { [ ! -f "$conf" ] || cp -p "$conf" "$new"; } && printf %s "$text" | cat > "$new" && settle "$new" && mv -f "$new" "$conf"; } 2>&1) ;;
  esac || {
    leave "$conf" "cannot be put back: \${said##*: }"
    rm -f "$new"
    return
  }
  changed="$changed,\\"$conf\\""
  settle "\${conf%/*}"
}

ask_helper() { # what it would set: less than was planned on a machine that has shrunk, and on queues that came later as well
  helped=$nl$(sh "$helper" list 2> /dev/null | tr -d , | sed 's/ 0*\\(.[0-9a-f]*\\)$/ \\1 of the helper/')$nl
}

undo_new_queues() {
  default=$(cat /proc/sys/net/core/rps_default_mask 2> /dev/null || echo 0)
  while read -r path mask _; do
    [ -n "$path" ] || continue
    case $(printf '%s\\n' "$scope" | grep "/\${path##*/queues/} ")$nl in *" $path "* | *" $(mac_of "$path")$nl"*) continue ;; esac
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
    *"\${nl}file $unit "*) said=$(rm -f "$wants" 2>&1) || leave "$unit" "cannot be disabled: \${said##*: }" ;;
  esac
  undo_file "$rules"
  undo_file "$unit"
  ask_helper
  undo_values
  undo_new_queues
  undo_file "$helper"
  for path in $(printf '%s\\n' "$scope" | sed -n 's/^dir //p' | sed '1!G;h;$!d'); do rmdir "$path" 2> /dev/null; done
  keep_rest
}
`;
