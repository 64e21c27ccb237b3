# shellcheck shell=sh
# shellcheck disable=SC2034,SC2064,SC2086,SC2154 # s is read by the scripts behind it, which set t; expand now
# alive: wait for the process t, s is its status then. A newline on descriptor 5 every few seconds keeps it alive; 45 s
# without one, or the end of 5, ends it and this shell. Each second `beat` is called, in a shell of its own.
alive() {
  trap "" USR1
  ( n=0; trap "n=0" USR1; while [ "$n" -lt 45 ]; do n=$((n+1)); sleep 1 2>/dev/null; beat; done
    kill $$ ) >/dev/null 5<&- & w=$!
  # What is sent to a shell that has just been forked may meet the traps of its parent and be lost; KILL is not.
  r=""; trap "trap \"\" TERM; kill $t $w 2>/dev/null; kill -9 \$r 2>/dev/null; exit 143" TERM HUP
  ( while read -r _; do kill -USR1 $w; done; kill -TERM $$ ) <&5 >/dev/null 2>&1 & r=$!
  exec 5<&-
  wait $t; s=$?
  kill $w 2>/dev/null; kill -9 $r 2>/dev/null
}
