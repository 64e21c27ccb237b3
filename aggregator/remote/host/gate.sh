#!/bin/sh
# tailon-agg-gate @DIGEST@: lets one SSH key read logs below the folders, and journals, named here; nothing else.
# In authorized_keys:  restrict,command="/usr/local/bin/tailon-agg-gate /var/log journal:ssh.service" KEY
# It writes nothing but a line to syslog for each request, and runs nothing that a request holds. A request is
# "v1 VERB ARGUMENT…" of [a-z0-9 \] only: numbers, a few words, and paths and text in octal ("\0057" is "/").
# shellcheck disable=SC2012,SC2015,SC2034,SC2046,SC2064,SC2086,SC2141,SC2154,SC2317,SC3013,SC3045
LC_ALL=C; PATH=/usr/bin:/bin; export LC_ALL PATH
unset ENV BASH_ENV CDPATH GREP_OPTIONS GREP_COLOR GREP_COLORS GZIP XZ_OPT XZ_DEFAULTS BZIP BZIP2 ZSTD_NBTHREADS TMPDIR
umask 077; set -f; request=${SSH_ORIGINAL_COMMAND-}; nl="
"
if [ "${request#v1 follow}" != "$request" ]; then # in bash, whose `read -t` waits without a process, if sh has none
  s=0; ( read -t 1 -n 1 -r _ </dev/null ) 2>/dev/null || s=$?
  if [ "$s" -ne 1 ] && command -v bash >/dev/null 2>&1; then exec bash -p "$0" "$@"; fi; fi
no() { printf "E %s %s\n" "$1" "$2"; exit 0; }
note() { logger -t tailon-agg-gate -p "authpriv.$1" -- "$LOGNAME from ${SSH_CONNECTION%% *}: $2" <&- >/dev/null 2>&1; }
deny() { [ "${#request}" -le 300 ] || request=$(printf "%.300s" "$request"); note notice "refused, $1: $request"
  echo "E gate-refused $1"; echo "tailon-agg-gate: refused, $1" >&2; exit 77; }
# ---- where text may come from: only files whose real path lies below a folder that was named
roots=""; units=$nl; for a in "$@"; do case $a in journal:*) units=$units$a$nl;; *)
  cd / && cd -P "$a" 2>/dev/null && roots=$roots${PWD%/}$nl;; esac; done
under() {
  u=$roots; case $1 in *"$nl"*) return 1;; esac
  while [ "$u" ]; do q=${u%%"$nl"*}; u=${u#*"$nl"}; case $1 in "$q"/*) return 0;; esac; done; return 1; }
# Before a name is looked at: its folder (or the last one above it that is there), and the end of a link, are below too.
told() {
  u=${1%/*}; until [ -d "${u:-/}" ] && cd -P "${u:-/}" 2>/dev/null; do u=${u%/*}; done
  under "${PWD%/}/x" || return 1; if [ -L "$1" ]; then under "$(readlink -f "$1")"; fi; }
# Around each opening: one that waits (for a FIFO that was put there meanwhile) is killed after two seconds. What was
# opened is judged by its descriptor, which nobody can exchange: it must be a regular file below a folder.
guard() { ( sleep 2; read -r _ _ _ q _ </proc/self/stat; [ "$q" != $$ ] || kill -9 $$ ) >/dev/null 2>&1 <&- & dog=$!; }
unguard() { if [ "$dog" ]; then kill "$dog" 2>/dev/null; dog=""; fi; }
inside() { if [ -e "/proc/$$" ]; then [ -f "/proc/$$/fd/3" ] && under "$(readlink "/proc/$$/fd/3")"; else fixed; fi; }
# Without /proc a name is believed where it is no link and none but root may write any folder on its way.
fixed() {
  under "${c:-$f}" || return 1; u=${c:-$f}; [ ! -L "$u" ] || return 1; while [ "$u" ]; do
    u=${u%/*}; [ "$(find "${u:-/}" -prune -type d -user 0 ! -perm -020 ! -perm -002)" ] || return 1; done; }
# ---- what is asked for
printf "\ntailon-agg\n"; types=""; more=""; c=""; dog=""
case $request in *[!a-z0-9\\\ ]*) request=$(printf "%.300s" "$request" | tr -c " -~" "?"); deny characters;; esac
[ "$roots${units#?}" ] || deny no-folder; [ "${#request}" -le 65536 ] || deny too-long
set -- $request; [ "$1" = v1 ] || deny version; [ "$#" -le 1000 ] || deny too-long; verb=${2-}
# Their types: p path, s text, n number, m up to six digits, e number or "e", i "i" or "", k kind, t tail, h how, d way
case $verb in
  probe|idle) ;; list) types=pn;; timeline) types=pnns;; follow) types=pent;; read) types=pnnk;;
  search) types=pnekhismmmm;; blocks) types=p; more=n;; journal) types=sdseen;; *) deny verb;;
esac; shift 2; verbatim=$*
octal() { q=$IFS; IFS=\\
  for u in ${1#?}; do case $u in 0000|0012) deny path;; 0[0-3][0-7][0-7]) ;; *) deny octal;; esac; done; IFS=$q; }
for a in "$@"; do
  t=${types%"${types#?}"}; types=${types#?}
  case ${t:=${more:--}}$a in
    [nme]0|[nme][1-9]*) case $t${a#?} in ?*[!0-9]*|???????????????????*|m??????*) deny number;; esac;;
    ee|ii|i\\|kplain|kgz|kxz|kzst|kbz2|tgnu|tbusybox|tother|hgrep|hblocks|hstream|s\\) ;;
    dlive|dforward|dbackward) ;; p\\0*|s\\0*) octal "$a";; s*) case $a in *\\*) deny text;; esac;;
    *) deny argument;; esac; case $a in \\) a="";; esac; shift; set -- "$@" "$a"
done; [ -z "$types" ] || deny short; f=$(printf "%b\nx" "${1-}"); f=${f%?x}
case $verb$f/ in probe/|idle/) ;; journal*) case $units in *"${nl}journal:$f$nl"*) ;; *) deny unit;; esac;;
  */../*|*/./*|list*/.[[*?]*|"$verb"[!/]*) deny path;; *) told "$f" || deny folder; esac
case $f in *[[:cntrl:]]*) note info "$verb $verbatim";; *) note info "$verb $f";; esac
cd /; [ "$verb" != probe ] || printf "tailon-gate 1 @DIGEST@\n%s%s" "$roots" "${units#?}"
@BODY@
