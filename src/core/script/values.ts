const CHECK_PLANNED = `
    case $(bare "$now") in
      "$(bare "$from")" | "$(bare "$to")") ;;
      *) end 3 "$(called "$path") was $from when this was planned and is now $now: somebody else changed it" ;;
    esac`;

/**
 * Changes sysctls and masks. The renderer sets `steps`, lines of KIND PATH FROM TO; FROM is `?` where nobody has looked before. The journal gets a line of
 * the run's time and boot, and lines of KIND PATH TO FROM ADDRESS, TO without commas; what is written has them, since the kernel refuses more than eight digits in one group.
 */
export const values = ({ arePlanned }: { arePlanned: boolean }): string => `
look() {${arePlanned ? " # everything must be as the plan saw it" : ""}
  while read -r kind path from to; do
    [ -n "$kind" ] || continue
    now=$(cat "$path" 2> /dev/null) || end 5 "$path is not there: another network namespace, or no such interface"${arePlanned ? CHECK_PLANNED : ""}
    # What is so already too: or undo takes it for a later queue, take-back an earlier run for this one.
    values="$values$kind $path $(bare "$to") $now $(mac_of "$path")$nl"
  done << END
$steps
END
  [ -z "$values" ] || run="run $(date -u +%FT%TZ) $boot$nl"
}

set_values() {
  while read -r _ path _ to; do
    [ "$(bare "$(cat "\${path:-/dev/null}")")" != "$(bare "$to")" ] || continue
    put "$path" "$to" || broke 5 "$(called "$path")"
    changed="$changed,\\"$(called "$path")\\""
  done << END
$steps
END
}

take_back() {
  while read -r _ path _ from _; do
    [ -z "$path" ] || [ "$(bare "$(cat "$path")")" = "$(bare "$from")" ] || put "$path" "$from" || left="$left,\\"$(called "$path")\\""
  done << END
$values
END
}
`;
