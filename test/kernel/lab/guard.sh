#!/bin/sh
# Puts back what the lab changed, however the test that changed it ends: normally, by a signal, or by kill -9.
#
# Standard input brings one command a line, each before the change that it undoes, and each is acknowledged. The end of the
# input means that the test is gone or done: then the commands are run, the newest first. One lab at a time holds the lock.
# Usage: guard.sh LOCKFILE
trap '' HUP INT TERM
exec 9> "$1" || exit 1
flock --wait 300 9 || exit 1
echo locked
undo=
while IFS= read -r command; do
  undo="$command
$undo"
  echo noted
done
printf '%s' "$undo" | sh
