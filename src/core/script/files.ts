/**
 * What `persist` and `undo` both need. Nobody tells udev and systemd to read anew: udev looks for new rules by itself, and the unit's time is the next
 * boot.
 */
export const FILE_PARTS = `
conf=/etc/sysctl.d/99-network-tuning.conf
helper=/usr/local/sbin/softnet-rps
rules=/etc/udev/rules.d/90-softnet-remedy.rules
unit=/etc/systemd/system/softnet-remedy.service
wants=\${unit%/*}/multi-user.target.wants/\${unit##*/}
note='# By softnet remedy; "softnet remedy undo" takes it back.'

sum() { [ ! -f "$1" ] || cksum < "$1" | tr ' ' :; }

line_of() { # KEY: the number of the last line that sets it
  grep -nE "^[[:space:]]*-?net[./]core[./]$1[[:space:]]*=" "$conf" 2> /dev/null | tail -n 1 | cut -d : -f 1
}

value_of() { # KEY
  sed -n "$(line_of "$1")s/^[^=]*=[[:space:]]*\\(-*[0-9]*\\).*/\\1/p" "$conf"
}
`;

const CHECK_PLANNED = `
    [ -z "$planned" ] || [ "$planned" = "$is" ] || end 3 "$conf set net.core.$key to $planned when this was planned and sets it to $is now: somebody else changed it"`;

/**
 * Writes files. The renderer sets `targets`, and `lines` of KEY VALUE PLANNED for the conf file; PLANNED is what the
 * file set then. Everything is on the disk beside its place before anything
 * is put in place, so that a full disk leaves nothing half done. Where one cannot be put in place, as over a mount, those before it
 * go back.
 */
export const files = ({ arePlanned }: { arePlanned: boolean }): string => `
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
    case "$nl\${before}file $path $sum$nl" in
      *"\${nl}file $path $is$nl"*) ;;
      *) [ -z "$is" ] || [ "$path" = "$conf" ] || end 6 "$path is not as softnet remedy left it: it stays" ;;
    esac
    above=\${path%/*} dirs=''
    [ "$path" != "$unit" ] || above=\${wants%/*}
    while [ ! -d "$above" ]; do dirs="dir $above$nl$dirs" above=\${above%/*}; done
    files="$files\${dirs}file $path $sum$nl"
  done
}

write_files() {
  for path in $targets; do
    new=$path.softnet-new
    said=$({
      mkdir -p "\${path%/*}"
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
    changed="$changed,\\"$path\\""
    settle "\${path%/*}"
  done
  case $targets in
    *"$unit"*) said=$({ mkdir -p "\${wants%/*}" && ln -sf "$unit" "$wants"; } 2>&1) || broke 6 "$wants" ;;
  esac
  for path in $targets; do rm -f "$path.softnet-old"; done
}

put_back() { # the files
  for path in $targets; do
    old=$path.softnet-old
    case $changed in
      *"\\"$path\\""*) if [ -f "$old" ]; then mv -f "$old" "$path"; else rm -f "$path"; fi || left="$left,\\"$path\\"" ;;
    esac
    rm -f "$old" "$path.softnet-new"
  done
  for path in $(printf %s "$files" | sed -n 's/^dir //p' | sed '1!G;h;$!d'); do rmdir "$path"; done
} 2> /dev/null

note_lines() { # of $lines: KEY VALUE${arePlanned ? ", and what the file set when this was planned, - for nothing" : ""}
  edits='' added=''
  while read -r key value ${arePlanned ? "planned" : "_"}; do
    [ -n "$key" ] || continue
    at=$(line_of "$key") is=-
    [ -z "$at" ] || is=$(value_of "$key")${arePlanned ? CHECK_PLANNED : ""}
    # Never lower than it is; -1 is no limit.
    case $is in -[0-9]*) continue ;; [0-9]*) [ "$is" -lt "$value" ] || continue ;; esac
    if [ -n "$at" ]; then
      edits="$edits\${at}s/.*/net.core.$key = $value/$nl"
      case $before in *"\${nl}set $key "*) ;; *) files="\${files}was $key $(sed -n "\${at}p" "$conf")$nl" ;; esac
    else
      added="\${added}net.core.$key = $value$nl"
    fi
    files="\${files}set $key $value$nl"
  done << END
$lines
END
  [ -n "$edits$added" ] || { targets=\${targets%"$conf"}; return; }
  [ -e "$conf" ] || files="\${files}new $conf$nl"
  [ -z "$(tail -c 1 "$conf" 2> /dev/null)" ] || files="\${files}unended $conf$nl"
}

conf_text() { # every byte as it was, but our keys' lines
  if [ -e "$conf" ]; then sed "$edits" "$conf"; else echo "$note"; fi
  [ -z "$added" ] || [ -z "$(tail -c 1 "$conf" 2> /dev/null)" ] || echo
  printf %s "$added"
}
`;
