# shellcheck shell=sh
# doctor LIMIT PATTERN…: what can be done on this host, one fact a line; nothing but metadata is read. First
#   "I GROUP…": the groups of the user;  "T TOOL KIND": gnu, busybox, other or none ("real": the way to tell what an
#   opened file really is, /proc and readlink);
# then of each PATTERN "G NUMBER", and
#   "X MODE OWNER GROUP FOLDER": one that may not be entered (or not listed, where a wildcard comes next);
#   "U MODE OWNER GROUP FOLDER": the file's own folder, which may not be listed: rotated files are not found;
#   "N PATH": the first component that is not there;  "S folder", "S special": what is there is no regular file;
#   "F r PATH", "F - PATH": a regular file, readable or not (at most LIMIT);
#   "A MODE OWNER GROUP PATH": the first three that are not;  "B …": the first rotated file of them that is not;
#   "C KIND": how rotated files of the first 50 are compressed;  "Q": folders below ** that may not be listed.
# "Z" comes last. Names with control characters are passed over.
LC_ALL=C; export LC_ALL
l=$1; shift
kind() {
  command -v "$1" >/dev/null 2>&1 || { printf none; return 0; }
  case $("$1" --version 2>&1 </dev/null) in
    *BusyBox*) printf busybox;;
    *GNU*) printf gnu;;
    *) printf other;;
  esac
}
rights() (
  set -f; IFS=" "
  # shellcheck disable=SC2046,SC2012 # words are wanted; the leading ones hold no file name
  set -- "$1" "$2" $(ls -Lld "$2" 2>/dev/null)
  printf "%s %s %s %s %s\n" "$1" "${3:--}" "${5:--}" "${6:--}" "$2"
)
# The tests of BusyBox know no ACLs: where they say no, trying tells.
enters() { [ -x "$1" ] || ( cd "$1" || exit ) 2>/dev/null; }
lists() { [ -r "$1" ] || ls "$1" >/dev/null 2>&1; }
reads() { [ -r "$1" ] || { true <"$1"; } 2>/dev/null; }
packed() {
  case $z in *" $1 "*) return 0;; esac
  z="$z $1 "
  printf "C %s\n" "$1"
}
rotated() {
  for c in "$1".* "$1"-*; do
    [ -f "$c" ] || continue
    case $c in *[[:cntrl:]]*) continue;; esac
    case $c in *.gz|*.xz|*.zst|*.bz2) packed "${c##*.}";; esac
    if [ "$y" ] || reads "$c"; then :
    else y=1; rights B "$c"
    fi
  done
}
one() {
  [ -f "$1" ] || return 0
  case $1 in *[[:cntrl:]]*) return 0;; esac
  n=$((n+1))
  [ "$n" -le "$l" ] || return 0
  if reads "$1"; then printf "F r %s\n" "$1"
  else
    printf "F - %s\n" "$1"
    x=$((x+1)); [ "$x" -gt 3 ] || rights A "$1"
  fi
  [ "$n" -gt 50 ] || rotated "$1"
}
folder() {
  if [ -d "$1" ]; then
    if enters "$1"; then
      if lists "$1"; then return 0; fi
      if [ "$u" ]; then
        v=$((v+1)); [ "$v" -gt 3 ] || rights X "$1"
        [ "$w" ]; return
      fi
      case $r in */*) ;; *) rights U "$1";; esac
      return 0
    fi
    v=$((v+1)); [ "$v" -gt 3 ] || rights X "$1"
    [ "$w" ]; return
  fi
  if [ "$w" ]; then return 0; fi
  printf "N %s\n" "$1"
  return 1
}
# Each folder on the way, also those that wildcards find: with an empty IFS an unquoted expansion globs, no more.
folders() {
  q=""; r=${p#/}; w=""; v=0
  while :; do
    s=${r%%/*}
    case $r in */*) ;; *) return 0;; esac
    case $s in *"**"*) return 0;; esac
    r=${r#*/}; q=$q/$s
    case $s in *[*?[]*) w=1;; esac
    u=""
    case ${r%%/*} in *[*?[]*) u=1;; esac
    # shellcheck disable=SC2086
    for d in $q; do folder "$d" || return 1; done
  done
}
below() {
  d=${p%%[*?[]*}; d=${d%/*}
  # shellcheck disable=SC2086 # nothing, where there is no nice
  $nice find -H "${d:-/}" -xdev -type f 2>&1 | head -n "$l" | while IFS="" read -r f; do
    case $f in /*) one "$f";; *ermission*) printf "Q\n";; esac
  done
}
plain() {
  one "$p"
  if [ "$n" -gt 0 ]; then :
  elif [ -d "$p" ]; then printf "S folder\n"
  elif [ -e "$p" ]; then printf "S special\n"
  else printf "N %s\n" "$p"
  fi
}
# shellcheck disable=SC2086
files() {
  n=0; x=0; y=""; z=""
  case $p in
    *"**"*) below;;
    *[*?[]*) for f in $p; do one "$f"; done;;
    *) plain;;
  esac
}
nice=""; if command -v nice >/dev/null 2>&1; then nice="nice"; fi
printf "I %s\n" "$(id -Gn 2>/dev/null)"
for t in tail head od stat date ls cat dd tr sleep grep find nice gzip xz zstd bzip2 setfacl; do
  printf "T %s %s\n" "$t" "$(kind "$t")"
done
exec 3</dev/null
if [ "$(readlink "/proc/$$/fd/3" 2>/dev/null)" = /dev/null ]; then printf "T real other\n"; else printf "T real none\n"; fi
k=0; IFS=""
for a in "$@"; do
  k=$((k+1))
  p=$(printf "%b" "$a"; printf x); p=${p%x}
  printf "G %s\n" "$k"
  if folders; then files; fi
done
printf "Z\n"
