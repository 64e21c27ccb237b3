# shellcheck shell=sh
# shellcheck disable=SC2154 # set by open.sh
# read PATH START LENGTH KIND (after open): the header, then the bytes [START, START+LENGTH) of the file's text.
# KIND is how it is compressed, or "plain"; the size in the header is then that of the compressed file. Standard error
# tells "X STATUS" of the decompressor and of what passes its text on, as they end (not 0 also because no more than
# LENGTH was taken). TERM ends it. Whoever is killed here (by the out-of-memory killer) must not look like the file's
# end: the two say 0 then.
unpacker "$4"
if [ "$d" ]; then packed; fi
printf "H %s %s %s %s %s\n" "$i" "$z" "$m" "$2" "$(h)"
t=""; trap "kill \$t 2>/dev/null; exit 143" TERM
said() { printf "X %s\n" "$?" >&2; }
if [ "$d" ]; then { $d <&3 2>/dev/null; said; } | { tail -c +$(($2+1)); said; } | head -c "$3" & t=$!
else
  dd bs=1 skip="$2" count=0 <&3 2>/dev/null
  [ "$?" -lt 128 ] || exit 9
  head -c "$3" <&3 & t=$!
fi
wait "$t"
