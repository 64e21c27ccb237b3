# shellcheck shell=sh
# probe: what this host has. Answers in one line: clock, zone, kind of tail, user.
LC_ALL=C; export LC_ALL
t=none
if command -v tail >/dev/null 2>&1; then
  t=other
  case $(tail --version 2>/dev/null </dev/null) in *GNU*) t=gnu;; esac
  case $(tail --help 2>&1 </dev/null) in *BusyBox*) t=busybox;; esac
fi
c=$(date +%s.%N 2>/dev/null)
case $c in *N*|*[a-z]*|*.) c=$(date +%s);; esac
printf "tailon-probe 1 %s %s %s %s\n" "$c" "$(date +%z)" "$t" "$(id -un 2>/dev/null || id -u)"
