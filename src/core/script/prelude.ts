/**
 * The shell that every remedy script begins with. Dash, busybox ash and bash run it, so it has no `local`, no arrays and no process
 * substitution. In these template strings a backslash of the shell is written twice.
 */

/** Exit codes, 0 to 9: with 193 and 194 Cloud Assistant would power the instance off or reboot it. */
export const EXIT = {
  done: 0,
  /** undo: what somebody else changed since is left as it is; everything else is undone. */
  left: 2,
  /** Somebody changed a setting after it was planned; nothing was changed. */
  changedMeanwhile: 3,
  notAllowed: 4,
  /** The kernel refused a value or kept another one; what this run had changed was taken back. */
  refused: 5,
  /** A file could not be written: a full disk, or something that is no regular file is in its place. */
  cannotWrite: 6,
  /** Another run holds the lock. */
  busy: 7,
  /** The journal's directory is not ours alone, or the journal is not one. */
  badJournal: 8,
} as const;

/** The journal's first line. */
const JOURNAL_HEADER = "softnet-remedy 1";

/**
 * Settings, how a run ends, the lock and the journal. A closed pipe is caught and not ignored, which the parts of a pipeline would inherit: theirs is to end.
 */
export const PRELUDE = `
# An old bash keeps here-documents in files: not on a full disk.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin TMPDIR=/dev/shm
umask 022
set -u
trap '' HUP INT TERM # a second's work: finished or taken back
trap : PIPE

dir=\${SOFTNET_REMEDY_DIR:-/var/lib/softnet-remedy}
dir=\${dir%"\${dir##*[!/]}"} # a link and a slash would pass for a folder
journal=$dir/journal log=$dir/audit.jsonl
nl='
'
header="${JOURNAL_HEADER}$nl"
before='' changed='' left='' said='' locks=''

end() { # EXIT-CODE MESSAGE: the last line is one of JSON
  [ "$1" = 0 ] || echo "softnet remedy: $2" >&2
  json="\\"script\\":\\"$script\\",\\"exitCode\\":$1,\\"message\\":\\"$(printf %s "$2" | tr '\\n\\t"\\134' "  ''")\\",\\"changed\\":[\${changed#,}],\\"left\\":[\${left#,}]}"
  torn=$(tail -c 1 "$log" 2> /dev/null)
  [ "$locks" = "\${locks%work}" ] || { echo "\${torn:+$nl}{\\"time\\":\\"$(date -u +%FT%TZ)\\",$json" >> "$log"; } 2> /dev/null
  for lock in $locks; do rm -f "$dir/$lock"; done
  echo "{\\"schemaVersion\\":1,$json"
  exit "$1"
}

fail() { # EXIT-CODE WHAT: ends with what a program said
  said=\${said##*: }
  case $1$said in
    *denied | 5*permitted | ?Read-only*) end 4 "$2: $said (run it as root on the host)" ;;
    ?No\\ space* | *uota*) end 6 "$2: $said" ;;
  esac
  end "$1" "$2: \${said:-failed}"
}

settle() { sync "$1" 2> /dev/null || sync; } # an old sync knows no files
started() { grep -v ') Z' "/proc/$1/stat" 2> /dev/null | cut -d ' ' -f 22; } # PID: when, since numbers are used again

take_lock() { # lock: one run at a time; work: one script, which may outlive its softnet
  boot=$(cat /proc/sys/kernel/random/boot_id)
  lock=$dir/$1 mine=$dir/$1.$$ tries=0
  said=$(echo "$$ $boot $(started $$)" | dd of="$mine" status=none 2>&1) || fail 6 "$dir"
  until ln "$mine" "$lock" 2> /dev/null; do
    held=$(cat "$lock" 2> /dev/null)
    pid=\${held%% *} tries=$((tries + 1))
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
  if [ -z "\${1#"$header"}" ]; then
    rm -f "$journal"
  else
    said=$(printf %s "$1" | dd of="$journal.new" bs=64k status=none 2>&1)
    [ "$(cat "$journal.new" 2> /dev/null)$nl" = "$1" ] || return 1
    settle "$journal.new"
    mv -f "$journal.new" "$journal"
  fi
  settle "$dir"
}
`;

/** For scripts that define `revert`. */
export const RUN = `
run='' values='' files=''

broke() { # EXIT-CODE WHAT: takes back what this run has done, and ends with what a program said
  why=$said
  revert
  [ -n "$left" ] || write_journal "$before"
  changed='' said=$why
  fail "$1" "$2"
}

note_run() { # every first original, before the first change
  write_journal "\${before:-$header}$run$values$files" || broke 6 "$journal"
}
`;

/** How a value is written. */
export const PUT = `
bare() { # MASK or number, without commas and padding
  b=$1
  while case $b in *,*) ;; *) false ;; esac do b=\${b%,*}\${b##*,}; done
  while case $b in 0?*) ;; *) false ;; esac do b=\${b#0}; done
  echo "$b"
}

put() { # PATH VALUE: writes, and reads back what the kernel made of it
  said=$(printf '%s\\n' "$2" | dd of="$1" bs=4096 conv=notrunc status=none 2>&1) || return 1
  now=$(cat "$1")
  [ "$(bare "$now")" = "$(bare "$2")" ] || { said="the kernel made $now of $2"; return 1; }
}

called() { case $1 in /proc/*) echo "net.core.\${1##*/}" ;; *) echo "$1" ;; esac; } # PATH: as people say it

mac_of() { # PATH: its interface's address, in case it is renamed; - for a sysctl
  case $1 in /sys/*) cat "\${1%/queues/*}/address" 2> /dev/null && return ;; esac
  echo -
}
`;
