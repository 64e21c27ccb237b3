# shellcheck shell=sh
# shellcheck disable=SC3045 # read -t is tried here
# SCRIPT NAME ARG…: runs the script in bash where sh has no `read -t` (dash) and bash is there, else in sh. Waiting a
# second with `read -t` costs next to nothing; `sleep` is a process each time, and that is most of what following costs.
s=0; ( read -t 1 -n 1 -r _ </dev/null ) 2>/dev/null || s=$?
if [ "$s" -ne 1 ] && command -v bash >/dev/null 2>&1; then exec bash -p -c "$0" "$@"; fi
exec sh -c "$0" "$@"
