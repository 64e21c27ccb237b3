# shellcheck shell=sh
# shellcheck disable=SC2046 # words are to be joined
# timeline PATH LIMIT SINCE KNOWN: the file and those beside it that rotation may have made of it, the newest LIMIT of
# them, none last written before SINCE but the file itself, one a line:
# "G INODE SIZE MTIME KIND BYTES NAME" (as generations.sh says them), BYTES being, in hexadecimal, the first 2,048 bytes of
# the text and, of a plain file that has more, the last 2,048 of its SIZE, of a gzipped one its last 4 (RFC 1952: ISIZE);
# "-" for none, "?" where they can't be read, "?TOOL" where the decompressor is missing;
# "K INODE SIZE MTIME KIND - NAME" for one that KNOWN holds as "INODE/SIZE/MTIME".
# Before all, where names lead elsewhere: "D PATH" the folder they are in, "L PATH" and "L NAME" a link and its end.
# Then the names once more, "N INODE SIZE MTIME - - NAME", so that a rotation meanwhile is noticed, and "Z".
LC_ALL=C; export LC_ALL
f=$(printf "%b" "$1"; printf x); f=${f%x}
if stat -c %s / >/dev/null 2>&1; then st() { stat -L -c "%d:%i:%.W %s %Y %n" "$@" 2>/dev/null; }
else st() { stat -L -f "%d:%i %z %m %N" "$@" 2>/dev/null; }
fi
both() {
  case $1 in
    plain) od -An -v -tx1 -N 2048 "$3"; if [ "$4" -gt 2048 ]; then od -An -v -tx1 -j $(($4-2048)) -N 2048 "$3" 2>/dev/null; fi;;
    gz) { $2 <"$3" 2>/dev/null | head -c 2048; tail -c 4 <"$3"; } | od -An -v -tx1;;
    *) $2 <"$3" 2>/dev/null | head -c 2048 | od -An -v -tx1;;
  esac
}
hex() { set -- $(both "$@"); IFS=""; printf "%s" "$*"; }
names() {
  # shellcheck disable=SC2012 # names with control characters are passed over; find can't sort
  ls -1td -- "$f" "$f".* "$f"-* 2>/dev/null | (
    n=$1; set --
    while [ "$#" -lt "$n" ] && IFS="" read -r c; do
      case $c in *[[:cntrl:]]*) continue;; esac
      if [ -f "$c" ]; then set -- "$@" "$c"; fi
    done
    [ "$#" -eq 0 ] || st "$@"
  )
}
one() {
  case $4 in
    *.gz) k=gz; d="gzip -dc";;
    *.xz) k=xz; d="xz -dc";;
    *.zst) k=zst; d="zstd -dcq";;
    *.bz2) k=bz2; d="bzip2 -dc";;
    *) k=plain; d="cat";;
  esac
  if [ "$4" = "$f" ]; then k=plain; d="cat"; fi
  case $5 in *" $1/$2/$3 "*) printf "K %s %s %s %s - %s\n" "$1" "$2" "$3" "$k" "$4"; return 0;; esac
  if [ -r "$4" ] || { true <"$4"; } 2>/dev/null; then
    if command -v "${d%% *}" >/dev/null 2>&1; then x=$(hex "$k" "$d" "$4" "$2")
    else x="?${d%% *}"
    fi
  else x="?"
  fi
  printf "G %s %s %s %s %s %s\n" "$1" "$2" "$3" "$k" "${x:--}" "$4"
}
d=${f%/*}; d=${d:-/}
r=$(cd -P "$d" 2>/dev/null && pwd -P)
case $r in ""|*[[:cntrl:]]*) r="?";; esac
if [ "$r" = "$d" ]; then :; else printf "D %s\n" "$r"; fi
real() {
  r=$(readlink -f "$1" 2>/dev/null)
  case $r in ""|*[[:cntrl:]]*) r="?";; esac
  printf "L %s\nL %s\n" "$r" "$1"
}
names "$2" | while IFS="" read -r c; do
  i=${c%% *}; c=${c#* }; s=${c%% *}; c=${c#* }; m=${c%% *}; c=${c#* }
  if [ -L "$c" ]; then real "$c"; fi
  if [ "$c" = "$f" ] || [ "$m" -ge "$3" ]; then one "$i" "$s" "$m" "$c" " $4 "; fi
done
names "$2" | while IFS="" read -r c; do
  i=${c%% *}; c=${c#* }; s=${c%% *}; c=${c#* }; m=${c%% *}; c=${c#* }
  if [ "$c" = "$f" ] || [ "$m" -ge "$3" ]; then printf "N %s %s %s - - %s\n" "$i" "$s" "$m" "$c"; fi
done
printf "Z\n"
