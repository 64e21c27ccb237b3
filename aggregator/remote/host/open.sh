# shellcheck shell=sh
# shellcheck disable=SC2034,SC2046,SC2154 # used by read.sh and follow.sh; words are to be joined
# open PATH (after path): open the file once, as descriptor 3, so that all that follows speaks of the same bytes.
# Answers "E CAUSE DETAIL" and ends when that can't be done; else sets i (device:inode:birth, GNU only knows the last),
# z (size), m (mtime). Says "P PATH" first where the opened descriptor leads to another path than was asked for ("?":
# this host can't tell): names and links may be others by now, the descriptor is what will be read.
command -v tail >/dev/null 2>&1 || no no-tail -
if [ -d "$f" ]; then no not-regular folder; fi
guard
if [ -e "$f" ]; then
  [ -f "$f" ] || no not-regular special
  # BusyBox's test knows no ACLs: where it says no, trying tells.
  [ -r "$f" ] || { true <"$f"; } 2>/dev/null || no not-readable file
else
  case $(ls -Ld "$f" 2>&1) in *ermission*) no not-readable folder;; *) no no-file -;; esac
fi
exec 3<"$f" || no not-readable file
unguard
inside || no outside-gate -
r=$(readlink "/proc/$$/fd/3" 2>/dev/null)
if [ "$r" = "$f" ]; then :; else
  case $r in ""|*[[:cntrl:]]*) r="?";; esac
  printf "P %s\n" "$r"
fi
if s=$(stat -L -c "%d:%i:%.W %s %Y" /dev/fd/3 2>/dev/null); then :; else s=$(stat -f "%d:%i %z %m" <&3); fi
i=${s%% *}; s=${s#* }; z=${s%% *}; m=${s#* }
size() { stat -L -c %s /dev/fd/3 2>/dev/null || stat -f %z <&3; }
h() { set -- $(od -An -v -tx1 -N 1024 /dev/fd/3); IFS=""; printf "%s" "$*"; }
