/**
 * Puts the first originals back: first what would set a mask again, then values, then the helper and folders. The renderer sets `force`, and `last` for the
 * values of the last run only, back to what that run found.
 */
export const UNDO_VALUES = `
kept='' helped=''

leave() { # PATH WHY
  case $kept in *" $1 "*) return ;; esac
  kept="$kept $1 "
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
  seen=''
  while read -r kind path _ from mac; do
    case $kind in sysctl | rps) ;; *) continue ;; esac
    case $seen in *" $path "*) continue ;; esac
    seen="$seen $path "
    at=$(where "$path" "$mac")
    [ -n "$at" ] || continue
    now=$(cat "$at")
    [ "$(bare "$now")" != "$(bare "$from")" ] || continue
    case $force$nl$scope$helped in
      yes* | *"$nl$kind $path $(bare "$now") "* | *"$nl$at $(bare "$now") of the helper$nl"*)
        if put "$at" "$from"; then changed="$changed,\\"$(called "$path")\\""; else leave "$path" "cannot be put back: \${said##*: }"; fi ;;
      *) leave "$path" "somebody else set it to $now since: left as it is (--force puts $from back)" ;;
    esac
  done << END
$scope
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
  edits='' said='' new=$conf.softnet-new
  [ -f "$conf" ] || return 0
  for key in netdev_max_backlog netdev_budget netdev_budget_usecs; do
    at=$(line_of "$key")
    case $at$nl$scope in "$nl"*) continue ;; *"\${nl}set $key "*) ;; *) continue ;; esac
    was=$(printf '%s\\n' "$scope" | sed -n "s/^was $key //p" | sed -n 's/[\\\\/&]/\\\\&/g;1p')
    case $force$nl$scope in
      *"\${nl}set $key $(value_of "$key")$nl"* | yes*) edits="$edits$at\${was:+s/.*/$was/}" && [ -n "$was" ] || edits=\${edits}d ;;
      *"\${nl}was $key $(sed -n "\${at}p" "$conf")$nl"*) continue ;;
      *)
        leave "$conf" "somebody else set net.core.$key in it since: left as it is (--force puts the original back)"
        continue
        ;;
    esac
    edits=$edits$nl
  done
  [ -n "$edits" ] || return 0
  text=$(sed "$edits" "$conf" && echo .) text=\${text%.}
  case $scope in *"\${nl}unended $conf$nl"*) text=\${text%"$nl"} ;; esac
  case $text:$scope in
    "$note$nl:"*"\${nl}new $conf$nl"*) rm -f "$conf" ;;
    *) said=$({ cp -p "$conf" "$new" && printf %s "$text" | cat > "$new" && settle "$new" && mv -f "$new" "$conf"; } 2>&1) ;;
  esac
  if [ -z "$said" ]; then changed="$changed,\\"$conf\\""; else leave "$conf" "cannot be put back: \${said##*: }"; fi
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
  for path in "$helper" "$unit" "$rules" "$conf"; do rm -f "$path.softnet-new"; done
  [ -n "$scope" ] || end 0 "there is nothing to undo"
  undo_lines
  case $scope in *"\${nl}file $unit "*) rm -f "$wants" ;; esac
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
