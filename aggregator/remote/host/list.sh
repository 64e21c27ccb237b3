# shellcheck shell=sh
# list PATTERN LIMIT (after path): the regular files that a path pattern finds, one a line, at most LIMIT; those below a folder, without
# crossing file systems, where it ends in "**". Names with control characters are passed over. The unquoted expansion
# is the point: with an empty IFS it globs and does nothing else.
n=0; p=$f
case $p in *"**")
  p=${p%"/**"}; p=${p:-/}
  if told "$p/x"; then find -H "$p" -xdev -type f 2>/dev/null | head -n "$2"; fi
  exit 0
esac
IFS=""; set +f
# shellcheck disable=SC2086
for f in $p; do
  if [ -f "$f" ] && told "$f"; then
    case $f in *[[:cntrl:]]*) continue;; esac
    n=$((n+1))
    [ "$n" -le "$2" ] || break
    printf "%s\n" "$f"
  fi
done
[ "$n" -gt 0 ] && exit 0
d=${p%%[*?[]*}; d=${d%/*}/
[ -e "$d" ] || { printf "E no-file\n"; exit 0; }
ls "$d" >/dev/null 2>&1 || printf "E not-readable\n"
