# shellcheck shell=sh
# shellcheck disable=SC2154,SC3013,SC2064 # set by open.sh; -ef is built into dash, ash and bash; expand now
# follow PATH START WINDOW SLEEP (after open): the header, then the file's bytes from START on, for ever.
# START "e" means WINDOW bytes before the end. A newline on standard input every few seconds keeps it alive; 45 s
# without one, or the end of standard input, ends it with all its children. Standard error tells, every second while
# it is so: "R SIZE" the name now leads to another file, "M SIZE" to none, "S SIZE" the file is shorter than what was
# read, "T SIZE" its first line is another. tail's own word of a truncation stays among the bytes that it concerns.
b=$2; if [ "$b" = e ]; then b=$((z-$3)); [ "$b" -ge 0 ] || b=0; fi
[ "$b" -le "$z" ] || no truncated "$z"
printf "H %s %s %s %s %s\n" "$i" "$z" "$m" "$b" "$(h)"
exec 5<&0 </dev/null
# shellcheck disable=SC2086
tail -c +$((b+1)) $4 -f <&3 2>&1 & t=$!
size() { stat -L -c %s /dev/fd/3 2>/dev/null || stat -f %z <&3; }
state() { stat -L -c "%s %Y" /dev/fd/3 2>/dev/null || stat -f "%z %m" <&3; }
first() { head -n 1 /dev/fd/3 | head -c 1024 | cksum; }
a=$z; o=-1; e=0; l=""; q=""; if [ "$z" -gt 0 ]; then q=$(first); fi
look() {
  if [ "$f" -ef /dev/fd/3 ]; then
    p=x; while read -r k v; do if [ "$k" = pos: ]; then p=$v; fi; done 2>/dev/null </proc/$t/fdinfo/0
    e=$((e+1))
    if [ "$p" = "$o" ] && [ "$((e%4))" -gt 0 ]; then return; fi
    y=$(state)
    if [ "$y" = "$l" ]; then return; fi
    l=$y; z=${y% *}
    if [ "$z" -lt "$a" ] || { [ "${p#x}" ] && [ "$p" -lt "$o" ]; }; then printf "S %s\n" "$z" >&2
    elif [ "$a" -gt 0 ]; then
      c=$(first)
      [ "$c" = "$q" ] || printf "T %s\n" "$z" >&2
      q=$c
    elif [ "$z" -gt 0 ]; then q=$(first)
    fi
    a=$z; if [ "$p" = x ]; then :; else o=$p; fi
  elif [ -e "$f" ]; then printf "R %s\n" "$(size)" >&2
  else printf "M %s\n" "$(size)" >&2
  fi
}
# Traps stand before whoever may send their signals: an end that comes early must leave nothing behind, and a
# heartbeat that does must not kill the watchdog.
trap "" USR1
( n=0; trap "n=0" USR1; while [ "$n" -lt 45 ]; do n=$((n+1)); sleep 1 2>/dev/null; look; done; kill -TERM $$ ) >/dev/null 5<&- & w=$!
r=""; trap "trap \"\" TERM; kill $t $w \$r 2>/dev/null; exit 143" TERM HUP
( while read -r _; do kill -USR1 $w; done; kill -TERM $$ ) <&5 >/dev/null 2>&1 & r=$!
exec 5<&-
wait $t
kill $w $r 2>/dev/null
