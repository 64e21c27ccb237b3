# shellcheck shell=sh
# idle: wait until standard input ends. A session of it is open and does nothing.
while read -r _; do :; done
