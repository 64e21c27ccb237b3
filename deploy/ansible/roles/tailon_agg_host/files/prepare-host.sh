#!/bin/sh
# prepare-host.sh -u USER [-k KEY] [-f FROM] [-o OPTIONS] [-c FOLDER]… [-g GROUP]… [-r PATH]… [-n]
#
# Makes this host ready to be read by tailon-agg: a user without a password, whose key may run commands and nothing
# else, and who may read the logs that are named. Run it as root; it can be repeated, and says what it has changed.
#
#   -u USER     the user; made if it is not there, with a home folder that belongs to root
#   -k KEY      the aggregator's public key, "ssh-ed25519 AAAA…"; it becomes the only one
#   -f FROM     the addresses it may come from, as sshd(8) has them: "10.0.0.5,2001:db8::/64" (not with Dropbear)
#   -o OPTIONS  the options of the key (default: restrict), as for a jump host: "restrict,port-forwarding"
#   -c FOLDER   the key may only speak to the gate, which lets it read below this folder; the script that
#               `tailon-agg gate` prints must be /usr/local/bin/tailon-agg-gate already
#   -g GROUP    a group that may read logs already, as adm on Debian
#   -r PATH     a folder of logs that USER gets an ACL for, with all in it and all files to come; or a single log, whose
#               ACL is gone when logrotate makes the next file by `create MODE`
#   -n          say what would be changed, and change nothing
#
# It works with shadow's tools and with those of BusyBox; ACLs need setfacl (package acl).
set -eu
LC_ALL=C; export LC_ALL
user="" key="" from="" options=restrict folders="" groups="" paths="" dry=""
gate=/usr/local/bin/tailon-agg-gate
newline="
"
die() { echo "prepare-host: $1" >&2; exit "${2:-1}"; }
plain() { case $2 in *[!A-Za-z0-9_.,:/@=\"*?!+-]*) die "$1 holds a character that it can't: $2" 2;; esac; }
while getopts u:k:f:o:c:g:r:n option; do
  case $option in
    u) user=$OPTARG;;
    k) key=$OPTARG;;
    f) from=$OPTARG;;
    o) options=$OPTARG;;
    c) folders="$folders $OPTARG";;
    g) groups="$groups $OPTARG";;
    r) paths="$paths$OPTARG$newline";;
    n) dry=1;;
    *) exit 2;;
  esac
done
case $user in ""|[!a-z_]*|*[!a-z0-9_-]*) die "-u USER is needed, a name of a-z, 0-9, _ and -" 2;; esac
case $user in root) die "not root: its key could do anything" 2;; esac
plain -f "$from"; plain -o "$options"
for folder in $folders; do
  plain -c "$folder"
  case $folder in /*) ;; *) die "-c takes absolute paths, not $folder" 2;; esac
done
if [ "$folders" ]; then
  [ "$(stat -c "%u %a" "$gate" 2>/dev/null)" = "0 755" ] || die "$gate must be there, of root's and with mode 755"
  options="$options${options:+,}command=\"$gate$folders\""
fi
case $key in *[!A-Za-z0-9+/=@._:\ -]*) die "-k is one line, without quotes: $key" 2;; esac
case $key in ""|ssh-*" "*|ecdsa-*" "*|sk-*" "*) ;; *) die "-k takes a public key: ssh-ed25519 AAAA…" 2;; esac
[ "$(id -u)" = 0 ] || die "only root can do this"

# Does something, or only says so; what it is comes first.
change() {
  echo "changed: $1"; shift
  if [ -z "$dry" ]; then "$@"; fi
}
make_user() {
  if command -v useradd >/dev/null; then
    useradd --system --user-group --no-create-home --home-dir "/home/$1" --shell /bin/sh --password "*" "$1"
  else
    addgroup -S "$1" 2>/dev/null || :
    adduser -S -D -H -h "/home/$1" -s /bin/sh -G "$1" "$1"
    sed -i "s/^$1:!/$1:*/" /etc/shadow # "!" is a locked account to sshd, key or not
  fi
}
home_of() { { getent passwd "$1" 2>/dev/null || grep "^$1:" /etc/passwd || :; } | cut -d : -f 6; }
member() { case " $(id -Gn "$1" 2>/dev/null) " in *" $2 "*) ;; *) return 1;; esac; }
join() { if command -v usermod >/dev/null; then usermod -aG "$2" "$1"; else addgroup "$1" "$2"; fi; }

id "$user" >/dev/null 2>&1 || change "user $user" make_user "$user"
home=$(home_of "$user"); home=${home:-/home/$user}
[ "$home" != / ] || die "$user has / as home folder"

for path in "$home" "$home/.ssh" "$home/.ssh/authorized_keys"; do
  [ ! -L "$path" ] || die "$path is a symbolic link"
done

# All of root's: whoever has the key can't put another one, or other options, beside it.
owned() {
  set -- "$1" "$2" "$(stat -c "%u %a" "$1" 2>/dev/null || :)"
  [ "$3" = "0 $2" ] || change "owner and mode of $1" own "$1" "$2"
}
own() { chown root "$1"; chmod "$2" "$1"; }
write() { printf "%s\n" "$2" >"$1"; }
[ -d "$home" ] || change "folder $home" mkdir -p "$home" # without what useradd would put there, of the user's own
owned "$home" 755
if [ "$key" ]; then
  line="${options:+$options${from:+,}}${from:+from=\"$from\"}"
  line="$line${line:+ }$key"
  file=$home/.ssh/authorized_keys
  [ -d "$home/.ssh" ] || change "folder $home/.ssh" mkdir "$home/.ssh"
  owned "$home/.ssh" 755
  [ "$(cat "$file" 2>/dev/null || :)" = "$line" ] || change "$file" write "$file" "$line"
  owned "$file" 644
  if [ -z "$dry" ] && command -v restorecon >/dev/null; then restorecon -R "$home"; fi # SELinux: sshd must read it
fi

for group in $groups; do
  plain -g "$group"
  member "$user" "$group" || change "$user in the group $group" join "$user" "$group"
done

# Whether an ACL says so already: PATH ENTRY.
has() { getfacl -cp "$1" 2>/dev/null | grep -qxF "$2"; }
grant() {
  has "$1" "user:$user:$2" || change "ACL of $1: $2 for $user" setfacl -m "u:$user:$2" "$1"
}
tree() { setfacl -R -m "u:$user:rX,d:u:$user:rX" "$1"; }
# Folders that are passed through, where they are not open to all; a log's own one is listed, for what rotation made.
above() {
  folder=${1%/*}; need=r-x; open="*r?[xt]"
  while [ "$folder" ]; do
    # shellcheck disable=SC2254 # a pattern
    case $(stat -c %A "$folder") in $open) ;; *) grant "$folder" "$need";; esac
    folder=${folder%/*}; need=--x; open="*[xt]"
  done
}
IFS=$newline
for path in $paths; do
  case $path in /*) ;; *) die "-r takes absolute paths, not $path" 2;; esac
  command -v setfacl >/dev/null || die "setfacl is missing: install the package acl"
  if [ -d "$path" ]; then
    above "$path"
    if has "$path" "user:$user:r-x" && has "$path" "default:user:$user:r-x"; then :
    else change "ACLs of $path and all in it, and of what comes: r for $user" tree "$path"
    fi
  elif [ -f "$path" ]; then
    above "$path"; grant "$path" r--
  else die "there is no $path"
  fi
done

# Where a gate may come to stand: root's, so that nobody else can change it.
[ -d /usr/local/bin ] || change "folder /usr/local/bin" mkdir -p /usr/local/bin
