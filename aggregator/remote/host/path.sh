# shellcheck shell=sh
# shellcheck disable=SC2034 # used by the scripts behind it
# f is the path that is the first argument.
LC_ALL=C; export LC_ALL
f=$(printf "%b" "$1"; printf x); f=${f%x}
