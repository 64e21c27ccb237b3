# shellcheck shell=sh
# shellcheck disable=SC2012,SC2046,SC2154 # names with control characters are passed over, find can't sort; words are to be joined
# timeline PATH LIMIT SINCE KNOWN: the file and those beside it that rotation may have made of it, the newest LIMIT of
# them, none last written before SINCE but the file itself, one a line: "G INODE SIZE MTIME KIND BYTES NAME". INODE is
# device, number and (GNU) birth, so that a number that is used again is another; KIND is how it is compressed, or
# "plain"; BYTES are, in hexadecimal, the first 2,048 bytes of the text and, of a plain file that has more, the last
# 2,048 of its SIZE, of a gzipped one its last 4 (RFC 1952: ISIZE); "-" for none, "?" where they can't be read, "?TOOL"
# where the decompressor is missing; "K INODE SIZE MTIME KIND - NAME" for one that KNOWN holds as "INODE/SIZE/MTIME".
# Before it, where a name leads elsewhere: "L PATH" and "L NAME" a link and its end; before all "D PATH", the folder.
# Then the names once more, "N INODE SIZE MTIME - - NAME", so that a rotation meanwhile is noticed, and "Z".
st() { stat -L -c "%d:%i:%.W %s %Y %n" "$@" || [ -e /proc/sys/kernel/random ] || stat -L -f "%d:%i %z %m %N" "$@"; }
hex() { set -- $("$@"); IFS=""; printf "%s" "$*"; }
ends() {
  case $k in
    plain) od -An -v -tx1 -N 2048 /dev/fd/3; [ "$s" -le 2048 ] || od -An -v -tx1 -j $((s-2048)) -N 2048 /dev/fd/3;;
    gz) { $d </dev/fd/3 | head -c 2048; tail -c 4 /dev/fd/3; } | od -An -v -tx1;;
    *) $d </dev/fd/3 | head -c 2048 | od -An -v -tx1;;
  esac
}
names() {
  n=$1; set +f; set -- "$f" "$f".* "$f"-*; set -f
  [ "$#" -le "$n" ] || set -- $(ls -1td -- "$@")
  for c in "$@"; do
    shift
    case $c in *[[:cntrl:]]*) continue;; esac
    if [ "$n" -gt 0 ] && [ -f "$c" ] && told "$c"; then n=$((n-1)); set -- "$@" "$c"; fi
  done
  [ "$#" -eq 0 ] || st "$@"
} 2>/dev/null
real() { case $r in ""|*[[:cntrl:]]*) r="?";; esac; }
parts() {
  c=$1; i=${c%% *}; c=${c#* }; s=${c%% *}; c=${c#* }; m=${c%% *}; c=${c#* }
  [ "$c" = "$f" ] || [ "$m" -ge "$2" ]
}
one() {
  unpacker "${c##*.}"; if [ "$c" = "$f" ]; then k=plain; d=""; fi
  case " $1 " in *" $i/$s/$m "*) printf "K %s %s %s %s - %s\n" "$i" "$s" "$m" "$k" "$c"; return;; esac
  x="?"
  if [ "$d" ] && ! command -v "${d%% *}" >/dev/null 2>&1; then x="?${d%% *}"
  else
    guard
    { unguard; if inside; then x=$(hex ends); fi; } 2>/dev/null 3<"$c"
    unguard
  fi
  printf "G %s %s %s %s %s %s\n" "$i" "$s" "$m" "$k" "${x:--}" "$c"
}
d=${f%/*}; d=${d:-/}
r=$(cd -P "$d" 2>/dev/null && pwd -P); real
if [ "$r" = "$d" ]; then :; else printf "D %s\n" "$r"; fi
set -f; w=$(printf "%b" "$4"); o=$IFS; IFS=$nl
for a in $(names "$2"); do
  IFS=$o
  if parts "$a" "$3"; then
    if [ -L "$c" ]; then r=$(readlink -f "$c" 2>/dev/null); real; printf "L %s\nL %s\n" "$r" "$c"; fi
    one "$w"
  fi
done
a=$(names "$2"); IFS=$nl
for a in $a; do
  parts "$a" "$3" && printf "N %s %s %s - - %s\n" "$i" "$s" "$m" "$c"
done
printf "Z\n"
