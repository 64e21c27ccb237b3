# shellcheck shell=sh
# shellcheck disable=SC2154,SC3013,SC3045,SC2064 # set by open.sh; -ef and read -t are tried before use; expand now
# follow PATH START WINDOW TAIL (after open): the header, then the file's bytes from START on, for ever.
# START "e" means WINDOW bytes before the end. A newline on standard input every few seconds keeps it alive; 45 s
# without one, or the end of standard input, ends it with all its children. Standard error tells, every second while
# it is so: "R SIZE INODE" the name now leads to another file, which has that inode, "M SIZE" to none (SIZE is that of
# the file that is followed, taken after that); and at least once: "S SIZE" the file is shorter than what was read, or
# than the header said, "T SIZE" the bytes before the place of a second ago are others. tail's own word of a truncation stays among the bytes that it
# concerns.
# TAIL is its kind: "gnu" looks 20 times a second. That of "busybox" restarts at 0 without a word: a loop stands in for
# it, which looks every second, and proves the bytes before its place each time before it reads on.
b=$2; if [ "$b" = e ]; then b=$((z-$3)); [ "$b" -ge 0 ] || b=0; fi
[ "$b" -le "$z" ] || no truncated "$z"
printf "H %s %s %s %s %s\n" "$i" "$z" "$m" "$b" "$(h)"
exec 5<&0 </dev/null
# Whether the shell's own read can wait for a second, which costs no process: y=1. Else (dash) sleep does.
y=0; ( read -t 1 -n 1 -r _ </dev/null ) 2>/dev/null || y=$?
pos() { p=x; { read -r _ p <"$1"; } 2>/dev/null; }
prove() {
  k=$1; [ "$k" -le 1024 ] || k=1024
  v=""; if [ "$k" -gt 0 ]; then v=$(od -An -v -tx4 -j "$(($1-k))" -N "$k" /dev/fd/3 2>/dev/null); fi
}
node() { stat -L -c "%d:%i:%.W" "$f" 2>/dev/null || stat -L -f "%d:%i" "$f" 2>/dev/null; }
name() {
  if [ "$f" -ef /dev/fd/3 ]; then return 0; fi
  if [ -e "$f" ] && ( told "$f" ); then printf "R %s %s\n" "$(size)" "$(node)" >&2
  else printf "M %s\n" "$(size)" >&2
  fi
}
# Whether nothing stands behind the place p and p bytes are still there, by two reads of a byte that cost no process:
# one behind the place, one of the 16 before it, each in its turn. Only "yes" is sure.
calm() {
  if [ "$y" -ne 1 ] || [ "$u" -lt 3 ]; then return 1; fi
  if [ "$g" = 0 ]; then
    g=16; if [ "$p" -lt 16 ]; then g=$p; fi
    exec 6</dev/fd/3 7</dev/fd/3
    dd bs=1 skip="$((p-g))" count=0 2>/dev/null <&6
    dd bs=1 skip="$p" count=0 2>/dev/null <&7
    [ "$p" -gt 0 ] || g=1
  fi
  if [ "$p" -gt 0 ]; then
    read -r -n 1 _ <&6 || return 1
    g=$((g-1))
  fi
  if read -r -n 1 _ <&7; then return 1; fi
}
loop() {
  trap "kill \$c 2>/dev/null; exit 0" TERM
  if [ "$y" = 1 ]; then exec <>/dev/fd/0; fi
  dd bs=1 skip="$b" count=0 2>/dev/null <&3
  o=$z; p=$b; prove "$p"; q=$v; w=""; u=0; g=0
  while :; do
    if calm; then z=$p
    else
      z=$(stat -L -c %s /dev/fd/3 2>/dev/null) || z=$p
      g=0
      if [ "$z" = "$p" ] && [ "$u" -lt 3 ]; then u=$((u+1)); else u=0; fi
    fi
    if [ "$w" ]; then :
    elif [ "$z" -lt "$p" ] || [ "$z" -lt "$o" ]; then w=S
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
    if [ "$y" = 1 ]; then read -t 1 -r _; else sleep 1; fi
  done
}
look() {
  if [ "$f" -ef /dev/fd/3 ]; then
    pos "/proc/$t/fdinfo/0"
    if [ "$p" = x ] || [ "$p" -lt "$a" ]; then
      z=$(size)
      if [ "$z" -lt "$a" ]; then printf "S %s\n" "$z" >&2; fi
      if [ "$p" = x ]; then a=$z; return; fi
    else a=0
    fi
    if [ "$p" = "$l" ]; then return; fi
    if [ "$p" -lt "$l" ]; then printf "S %s\n" "$p" >&2
    else
      prove "$o"
      if [ "$v" = "$q" ]; then :; else printf "T %s\n" "$p" >&2; fi
    fi
    l=$p; o=$p; prove "$o"; q=$v
  else name
  fi
}
# One of the two processes may be killed (by the out-of-memory killer): the other one ends then. A child that has
# ended is there until its shell has asked for it, which jobs does.
lives() { [ -e "/proc/$t/fdinfo/0" ] || { jobs >/dev/null 2>&1; kill -0 "$t" 2>/dev/null; }; }
r=""
if [ "$4" = busybox ] && [ -r /proc/$$/fdinfo/3 ]; then
  s=2
  : | loop 5<&- & t=$!
else
  s=1
  d=""; if [ "$4" = gnu ]; then d="-s 0.05 --pid=$$"; fi
  # shellcheck disable=SC2086
  tail -c +$((b+1)) $d -f <&3 2>&1 5<&- & t=$!
  if [ -z "$d" ]; then y=0; fi
  a=$z; l=$b; o=$z; pos "/proc/$t/fdinfo/0"; if [ "${p#x}" ]; then prove "$o"; q=$v; fi
fi
# Without read -t, or where tail does not know whom to outlive, another process reads the heartbeat.
if [ "$y" -ne 1 ]; then
  trap "n=0" USR1
  ( while read -r _; do kill -USR1 $$ || break; done; kill -TERM $$ $t ) <&5 >/dev/null 2>&1 & r=$!
fi
# What is sent to a shell that has just been forked may meet the traps of its parent and be lost; KILL is not.
trap "trap \"\" TERM; kill $t 2>/dev/null; kill -9 \$r 2>/dev/null; exit 143" TERM HUP PIPE
# At the end of standard input read fails at once, 45 times.
n=0
while [ "$n" -lt 45 ] && lives; do
  if [ "$r" ]; then sleep "$s"; n=$((n+s))
  elif read -t "$s" -r _ <&5; then n=0
  else n=$((n+s))
  fi
  if [ "$s" = 1 ]; then look; fi
done
kill $t 2>/dev/null
if [ "$r" ]; then kill -9 "$r" 2>/dev/null; fi
