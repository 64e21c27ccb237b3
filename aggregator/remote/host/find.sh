# shellcheck shell=sh
# find FOLDER LIMIT: the regular files below a folder, one a line, at most LIMIT, without crossing file systems.
LC_ALL=C; export LC_ALL
p=$(printf "%b" "$1"; printf x); p=${p%x}
find -H "$p" -xdev -type f 2>/dev/null | head -n "$2"
