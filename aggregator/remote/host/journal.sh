# shellcheck shell=sh
# shellcheck disable=SC2034,SC2086,SC2154,SC2317 # t and beat are for alive, which sets s; where there is no nice
# journal UNIT HOW CURSOR SINCE UNTIL COUNT (after path, alive): entries of a unit's journal in journalctl's export
# format (systemd.io/JOURNAL_EXPORT_FORMATS) behind a line "J", or "E CAUSE DETAIL". HOW is "live" (for ever),
# "forward" or "backward". CURSOR is the entry to begin with, as journalctl names it or as "s=ID;i=NUMBER" with the first digits of
# its ID only; it must be there. Without one: the last COUNT entries (live), or those from SINCE on and up to UNTIL
# (seconds since the epoch, or "e"; UNTIL also behind a cursor).
command -v journalctl >/dev/null 2>&1 || no no-journalctl -
case $(journalctl -n 0 2>&1 </dev/null) in
  *Hint:*|*ermission*) no not-readable journal;;
  *"o journal files"*) no no-journal -;;
esac
n=""; [ "$2" = live ] || if command -v nice >/dev/null 2>&1; then n="nice"; fi
j() {
  x=MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_COMM,_PID,_HOSTNAME
  exec $n journalctl -q --no-pager -o export "--output-fields=$x" "--unit=$f" "$@"
}
c=$(printf "%b" "$3"); o=$(printf "%s" "$c" | tr -d "a-z0-9=;"); [ -z "$o" ] || no no-entry -
case $c in
  ""|*";t="*) ;;
  *) i=${c#*;}; c=${c%%;*}; c=${c#s=}
    x="s/^Sequential [Nn]umber ID: *\(${c}[0-9a-f]*\).*/\1/p"
    c=$(journalctl --header 2>/dev/null </dev/null | sed -n "$x" | head -n 1)
    o="s=$c;$i"
    c=$(j -n 1 "--cursor=$o" </dev/null 2>/dev/null | sed -n "s/^__CURSOR=//p" | head -n 1)
    case $c in "$o;"*) ;; *) no no-entry -;; esac
    ;;
esac
b=$2; a=$4; e=$5; k=$6; set -- ${c:+"--cursor=$c"}
[ "$a" = e ] || set -- "--since=@$a"
[ "$e" = e ] || set -- "$@" "--until=@$e"
case $b$c in
  live) set -- "$@" -f -n "$k";;
  live*) set -- "$@" -f --no-tail;;
  backward*) set -- "$@" -r;;
esac
beat() { :; }
exec 5<&0 </dev/null
printf "J\n"
j "$@" & t=$!
alive
exit "$s"
