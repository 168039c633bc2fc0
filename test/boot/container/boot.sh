#!/bin/sh
# boot.sh NAME ROOT FOLDER [ARGUMENT OF systemd-nspawn]...: boots ROOT with FOLDER laid over it, in the foreground. The mount ends with it.
set -eu
name=$1 root=$2 folder=$3
shift 3
keep=''
if [ ! -d /run/systemd/system ]; then
  # nspawn then makes its groups below the one it is in: two containers need two.
  keep=--keep-unit
  for tree in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
    [ -e "$tree/cgroup.procs" ] || continue
    mkdir -p "$tree/$name"
    echo $$ > "$tree/$name/cgroup.procs"
  done
fi
mkdir -p "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
# shellcheck disable=SC2086 # nothing or one word
exec systemd-nspawn --quiet --boot --directory "$folder/root" --machine "$name" --register=no $keep \
  --link-journal=no --console=pipe "$@"
