# shellcheck shell=sh
# generations PATH LIMIT: the file and those beside it that rotation may have made of it, one a line:
# "G DEVICE:INODE SIZE MTIME KIND HEAD NAME". KIND is how it is compressed, or "plain"; HEAD the first 1,024 bytes of
# its text in hexadecimal, "-" for none, "?" where they can't be read (no rights, no decompressor).
LC_ALL=C; export LC_ALL
f=$(printf "%b" "$1"; printf x); f=${f%x}
if stat -c %s / >/dev/null 2>&1; then st() { stat -L -c "%d:%i %s %Y" "$1" 2>/dev/null; }
else st() { stat -L -f "%d:%i %z %m" "$1" 2>/dev/null; }
fi
hex() { head -c 1024 | od -An -v -tx1 | tr -d " \n"; }
n=0
for c in "$f" "$f".* "$f"-*; do
  [ -f "$c" ] || continue
  case $c in *[[:cntrl:]]*) continue;; esac
  n=$((n+1))
  [ "$n" -le "$2" ] || break
  s=$(st "$c") || continue
  case $c in
    *.gz) k=gz; d="gzip -dc";;
    *.xz) k=xz; d="xz -dc";;
    *.zst) k=zst; d="zstd -dcq";;
    *.bz2) k=bz2; d="bzip2 -dc";;
    *) k=plain; d="cat";;
  esac
  if [ -r "$c" ] && command -v "${d%% *}" >/dev/null 2>&1; then h=$($d <"$c" 2>/dev/null | hex); else h="?"; fi
  printf "G %s %s %s %s\n" "$s" "$k" "${h:--}" "$c"
done
