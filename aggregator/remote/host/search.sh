# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154,SC2086,SC2317,SC3045,SC2015 # set by open.sh, read by alive; words; if ulimit has them
# search PATH START LENGTH KIND HOW FOLD TEXT CONTEXT RATIO KIB SECONDS (after open): the header, "W HOW", then
# what there is of TEXT in the bytes [START, START+LENGTH) of the file's text; LENGTH "e" is to its end. A newline on
# standard input every few seconds keeps it alive; 45 s without one, or the end of standard input, ends it and all of
# its children.
# HOW is what is wished, and what is answered is what is done, by what there is:
#   grep: the lines with TEXT (FOLD i: in any case) and CONTEXT lines around, as GNU `grep -b` writes them, whose
#     offsets count from START;
#   blocks: "B OFFSET LENGTH", so many bytes of the file, "E": around each 1 MiB that has TEXT. For every other grep;
#     the one of BusyBox sees no text behind a NUL, so NULs are spaces to it;
#   stream: all bytes;  none: there is no TEXT in it.
# A compressed file's text is at most RATIO times its size (of 2 MiB, where that is more). Each process may take KIB of
# memory and SECONDS of processor time.
# Standard error tells "P OFFSET" every second, how far the file is read ("P -": still at it), "X STATUS" (looking
# whether there is TEXT at all: "Y STATUS") when the decompressor failed, "I" when reading did. The exit status is 4
# when grep failed, 5 when the file changed meanwhile, 6 when reading failed, 7 when SECONDS were not enough.
b=$2; l=$3; g=$5; o=${6:+-$6}; u=$8
x=$(printf "%b" "$7"; printf x); x=${x%x}
unset GREP_OPTIONS GREP_COLOR GREP_COLORS
ulimit -v "${10}" 2>/dev/null; ulimit -S -t "${11}" 2>/dev/null
n=""; if command -v nice >/dev/null 2>&1; then n="nice"; fi
unpacker "$4"
if [ "$d" ]; then
  packed
  if [ "$l" = e ]; then l=$z; [ "$l" -ge 2097152 ] || l=2097152; l=$((l*$9)); fi
else
  if [ "$l" = e ]; then l=$((z-b)); fi
  [ "$l" -ge 0 ] && [ $((b+l)) -le "$z" ] || no truncated "$z"
fi
if [ "$g" = grep ]; then
  case $(grep --version 2>/dev/null </dev/null) in *"GNU grep"*) ;; *) g=blocks;; esac
fi
if [ "$g" = blocks ]; then
  command -v grep >/dev/null 2>&1 && [ -r /proc/$$/fdinfo/3 ] || g=stream
fi
a=$(h)
printf "H %s %s %s %s %s\n" "$i" "$z" "$m" "$b" "$a"
exec 5<&0 </dev/null
pos() { p=-; while read -r k v; do if [ "$k" = pos: ]; then p=$v; fi; done 2>/dev/null <"$1"; }
lines() { exec $n grep -aFb $o -A "$u" -B "$u" -e "$x"; }
e=X
text() { { $n $d 2>/dev/null || printf "%s %s\n" "$e" "$?" >&2; } | tail -c +$((b+1)); }
hit() {
  { dd bs=65536 skip="$1" count="$2" </dev/fd/3 2>/dev/null || [ "$?" -gt 128 ] || printf "I\n" >&2; } |
    tr "\000" " " | $n grep -aqF $o -e "$x"
  [ "$?" -ne 1 ]
}
give() {
  v=$(($1-2)); [ "$v" -ge "$s" ] || v=$s
  q=$((($1+19)*65536)); [ "$q" -le "$z" ] || q=$z
  q=$((q-v*65536)); s=$(($1+19))
  if [ "$q" -gt 0 ]; then
    printf "B %s %s\n" "$((v*65536))" "$q"
    ( dd bs=65536 skip="$v" count=0 2>/dev/null; exec head -c "$q" ) </dev/fd/3 & c=$!
    wait "$c"
    printf "\nE\n"
  fi
}
blocks() {
  c=""; trap "kill \$c 2>/dev/null; exit 143" TERM
  j=$((b/65536)); y=$(((b+l+65535)/65536)); s=0
  while [ "$j" -lt "$y" ]; do
    if hit "$j" 257; then
      k=$j
      while [ "$k" -lt $((j+256)) ] && [ "$k" -lt "$y" ]; do
        if hit "$k" 17; then give "$k"; fi
        k=$((k+16))
      done
    fi
    j=$((j+256))
    printf "P %s\n" $((j*65536)) >&2
  done
}
sift() {
  c=""; trap "kill \$c 2>/dev/null; exit 143" TERM
  e=Y; text <&3 | head -c "$l" | tr "\000" " " | $n grep -aqF $o -e "$x" & c=$!
  wait "$c"
  if [ "$?" -eq 1 ]; then printf "W none\n"; exit 0; fi
  printf "W stream\n"
  e=X; text </dev/fd/3 | head -c "$l" & c=$!
  wait "$c"
}
[ "$g${d:+t}" = blockst ] || printf "W %s\n" "$g"
[ "$d" ] || dd bs=1 skip="$b" count=0 <&3 2>/dev/null
case $g${d:+t} in
  blocks) blocks & t=$! ;;
  blockst) sift & t=$! ;;
  stream) head -c "$l" <&3 & t=$! ;;
  streamt) text <&3 | head -c "$l" & t=$! ;;
  grept) text <&3 | head -c "$l" | lines & t=$! ;;
  *) if [ $((z-b-l)) -le $((l/4)) ]; then lines <&3 & t=$!
    else head -c "$l" <&3 | lines & t=$!
    fi;;
esac
beat() { p=-; [ "$g" = blocks ] || pos /proc/$$/fdinfo/3; printf "P %s\n" "$p" >&2; }
alive
[ "$s" -ne 152 ] || exit 7
if [ "$g" = grep ]; then [ "$s" -le 1 ] || exit 4
else [ "$s" -eq 0 ] || exit 6
fi
if [ -z "$d" ]; then
  [ "$(size)" -ge $((b+l)) ] || exit 5
  case $(h) in "$a"*) ;; *) exit 5;; esac
fi
exit 0
