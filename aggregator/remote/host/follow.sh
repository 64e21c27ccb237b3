# shellcheck shell=sh
# shellcheck disable=SC2154,SC3013,SC2064 # set by open.sh; -ef is built into dash, ash and bash; expand now
# follow PATH START WINDOW SLEEP (after open): the header, then the file's bytes from START on, for ever.
# START "e" means WINDOW bytes before the end. A newline on standard input every few seconds keeps it alive; 45 s
# without one, or the end of standard input, ends it with all its children. Standard error tells, every second while
# it is so: "R SIZE INODE" the name now leads to another file, which has that inode, "M SIZE" to none (SIZE is that of
# the file that is followed, taken after that); and once: "S SIZE" the file is shorter than what was read, "T SIZE" the
# bytes before the place of a second ago are others. tail's own word of a truncation stays among the bytes that it
# concerns.
# SLEEP are options for tail. "loop" is for BusyBox, whose tail restarts at 0 without a word: there a loop looks every
# second, and proves the bytes before its place each time before it reads on.
b=$2; if [ "$b" = e ]; then b=$((z-$3)); [ "$b" -ge 0 ] || b=0; fi
[ "$b" -le "$z" ] || no truncated "$z"
printf "H %s %s %s %s %s\n" "$i" "$z" "$m" "$b" "$(h)"
exec 5<&0 </dev/null
size() { stat -L -c %s /dev/fd/3 2>/dev/null || stat -f %z <&3; }
pos() { p=x; { read -r _ p <"$1"; } 2>/dev/null; }
prove() {
  k=$1; [ "$k" -le 1024 ] || k=1024
  v=""; if [ "$k" -gt 0 ]; then v=$(od -An -v -tx4 -j "$(($1-k))" -N "$k" /dev/fd/3 2>/dev/null); fi
}
node() { stat -L -c "%d:%i:%.W" "$f" 2>/dev/null || stat -L -f "%d:%i" "$f" 2>/dev/null; }
name() {
  if [ "$f" -ef /dev/fd/3 ]; then return 0; fi
  if [ -e "$f" ]; then printf "R %s %s\n" "$(size)" "$(node)" >&2; else printf "M %s\n" "$(size)" >&2; fi
}
loop() {
  trap "kill \$c 2>/dev/null; exit 0" TERM
  dd bs=1 skip="$b" count=0 2>/dev/null <&3
  p=$b; prove "$p"; q=$v; w=""
  while :; do
    z=$(stat -L -c %s /dev/fd/3 2>/dev/null) || z=$p
    if [ "$w" ]; then :
    elif [ "$z" -lt "$p" ]; then w=S
    elif [ "$z" -gt "$p" ]; then
      prove "$p"
      if [ "$v" = "$q" ]; then
        cat <&3 & c=$!
        wait "$c" || w=T
        pos /proc/$$/fdinfo/3
        prove "$p"; q=$v
      else w=T
      fi
    fi
    if [ "$w" ]; then printf "%s %s\n" "$w" "$z" >&2; fi
    kill -0 $$ 2>/dev/null || exit 0
    name
    sleep 1
  done
}
look() {
  if [ "$f" -ef /dev/fd/3 ]; then
    pos "/proc/$t/fdinfo/0"
    if [ "$p" = "$l" ]; then return; fi
    if [ "$p" = x ]; then
      z=$(size)
      if [ "$z" -lt "$a" ]; then printf "S %s\n" "$z" >&2; fi
      a=$z
      return
    fi
    if [ "$p" -lt "$l" ]; then printf "S %s\n" "$p" >&2
    else
      prove "$o"
      if [ "$v" = "$q" ]; then :; else printf "T %s\n" "$p" >&2; fi
    fi
    l=$p; o=$p; prove "$o"; q=$v
  else name
  fi
}
if [ "$4" = loop ] && [ -r /proc/$$/fdinfo/3 ]; then
  s=5
  loop & t=$!
else
  s=1
  case $4 in -s*) d="--pid=$$";; *) d="";; esac
  # shellcheck disable=SC2086
  tail -c +$((b+1)) ${4#loop} $d -f <&3 2>&1 & t=$!
fi
# Traps stand before whoever may send their signals: an end that comes early must leave nothing behind, and a
# heartbeat that does must not kill the watchdog. Each of these processes ends when another one was killed (by the
# out-of-memory killer): without the watchdog nobody would tell of a rotation.
trap "" USR1
(
  n=0; trap "n=0" USR1
  if [ "$s" = 1 ]; then
    a=$z; l=$b; o=$z; pos "/proc/$t/fdinfo/0"; if [ "${p#x}" ]; then prove "$o"; q=$v; fi
  fi
  while [ "$n" -lt 45 ]; do
    n=$((n+s))
    sleep "$s" 2>/dev/null
    if [ "$s" = 1 ]; then look; fi
  done
  kill -TERM $$ $t
) >/dev/null 5<&- & w=$!
# What is sent to a shell that has just been forked may meet the traps of its parent and be lost; KILL is not.
r=""; trap "trap \"\" TERM; kill $t $w 2>/dev/null; kill -9 \$r 2>/dev/null; exit 143" TERM HUP
( while read -r _; do kill -USR1 $w || break; done; kill -TERM $$ $t $w ) <&5 >/dev/null 2>&1 & r=$!
exec 5<&-
wait $t
kill $w 2>/dev/null; kill -9 $r 2>/dev/null
