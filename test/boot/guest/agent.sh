#!/bin/sh
# Does in a guest what the test asks for. Usage: agent.sh PORT
#
# A line from the port is a script in base64. The line back is its exit code and what it wrote to standard output and to standard error, both in
# base64. The first line back says that the guest is up.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
exec 3<> "$1"
echo up >&3
while IFS= read -r script <&3; do
  echo "$script" | base64 -d > /run/script
  sh /run/script < /dev/null > /run/stdout 2> /run/stderr 3>&-
  echo "$? $(base64 -w 0 /run/stdout) $(base64 -w 0 /run/stderr)" >&3
done
