# shellcheck shell=sh
# generations PATH LIMIT SINCE: the file and those beside it that rotation may have made of it, the newest LIMIT of
# them, none last written before SINCE but the file itself, one a line: "G INODE SIZE MTIME KIND HEAD NAME".
# INODE is device, number and (GNU) birth, so that a number that is used again is another; KIND is how it is
# compressed, or "plain"; HEAD the first 1,024 bytes of its text in hexadecimal, "-" for none, "?"
# where they can't be read, "?TOOL" where the decompressor is missing.
LC_ALL=C; export LC_ALL
f=$(printf "%b" "$1"; printf x); f=${f%x}
if stat -c %s / >/dev/null 2>&1; then st() { stat -L -c "%d:%i:%.W %s %Y" "$1" 2>/dev/null; }
else st() { stat -L -f "%d:%i %z %m" "$1" 2>/dev/null; }
fi
hex() { head -c 1024 | od -An -v -tx1 | tr -d " \n"; }
one() {
  [ -f "$1" ] || return 0
  case $1 in *[[:cntrl:]]*) return 0;; esac
  s=$(st "$1") || return 0
  if [ "$1" = "$f" ]; then :
  elif [ "${s##* }" -lt "$2" ]; then return 0
  fi
  case $1 in
    *.gz) k=gz; d="gzip -dc";;
    *.xz) k=xz; d="xz -dc";;
    *.zst) k=zst; d="zstd -dcq";;
    *.bz2) k=bz2; d="bzip2 -dc";;
    *) k=plain; d="cat";;
  esac
  if [ "$1" = "$f" ]; then k=plain; d="cat"; fi
  if [ -r "$1" ] || { true <"$1"; } 2>/dev/null; then
    if command -v "${d%% *}" >/dev/null 2>&1; then x=$($d <"$1" 2>/dev/null | hex); else x="?${d%% *}"; fi
  else x="?"
  fi
  printf "G %s %s %s %s\n" "$s" "$k" "${x:--}" "$1"
}
# shellcheck disable=SC2012 # names with control characters are passed over; find can't sort
ls -1td -- "$f" "$f".* "$f"-* 2>/dev/null | head -n "$2" | while IFS="" read -r c; do one "$c" "$3"; done
