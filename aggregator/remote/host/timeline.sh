# shellcheck shell=sh
# timeline PATH LIMIT SINCE KNOWN: the file and those beside it that rotation may have made of it, the newest LIMIT of
# them, none last written before SINCE but the file itself, one a line:
# "G INODE SIZE MTIME KIND HEAD TAIL NAME" (as generations.sh says them), HEAD being the first 2,048 bytes of the text and
# TAIL the last 2,048 of a plain file's SIZE (of a compressed file the last 4), in hexadecimal, "-" for none;
# "K INODE SIZE MTIME KIND - - NAME" for one that KNOWN holds as "INODE/SIZE/MTIME".
# Then the names once more, "N INODE SIZE MTIME - - - NAME", so that a rotation meanwhile is noticed, and "Z".
LC_ALL=C; export LC_ALL
f=$(printf "%b" "$1"; printf x); f=${f%x}
if stat -c %s / >/dev/null 2>&1; then st() { stat -L -c "%d:%i:%.W %s %Y %n" "$@" 2>/dev/null; }
else st() { stat -L -f "%d:%i %z %m %N" "$@" 2>/dev/null; }
fi
hex() { od -An -v -tx1 | tr -d " \n"; }
last() { { dd bs=1 skip="$1" count=0 2>/dev/null; head -c "$2"; } | hex; }
names() {
  # shellcheck disable=SC2012 # names with control characters are passed over; find can't sort
  ls -1td -- "$f" "$f".* "$f"-* 2>/dev/null | head -n "$1" | (
    set --
    while IFS="" read -r c; do
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
  case $5 in *" $1/$2/$3 "*) printf "K %s %s %s %s - - %s\n" "$1" "$2" "$3" "$k" "$4"; return 0;; esac
  t=""
  if [ -r "$4" ]; then
    if command -v "${d%% *}" >/dev/null 2>&1; then x=$($d <"$4" 2>/dev/null | head -c 2048 | hex); else x="?${d%% *}"; fi
    if [ "$k" = plain ]; then
      if [ "$2" -gt 2048 ]; then t=$(last $(($2-2048)) 2048 <"$4"); fi
    else t=$(tail -c 4 <"$4" | hex)
    fi
  else x="?"
  fi
  printf "G %s %s %s %s %s %s %s\n" "$1" "$2" "$3" "$k" "${x:--}" "${t:--}" "$4"
}
names "$2" | while IFS="" read -r c; do
  i=${c%% *}; c=${c#* }; s=${c%% *}; c=${c#* }; m=${c%% *}; c=${c#* }
  if [ "$c" = "$f" ] || [ "$m" -ge "$3" ]; then one "$i" "$s" "$m" "$c" " $4 "; fi
done
names "$2" | while IFS="" read -r c; do
  i=${c%% *}; c=${c#* }; s=${c%% *}; c=${c#* }; m=${c%% *}; c=${c#* }
  if [ "$c" = "$f" ] || [ "$m" -ge "$3" ]; then printf "N %s %s %s - - - %s\n" "$i" "$s" "$m" "$c"; fi
done
printf "Z\n"
