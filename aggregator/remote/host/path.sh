# shellcheck shell=sh
# shellcheck disable=SC2034 # used by the scripts behind it
# f is the path that is the first argument, nl a newline; no CAUSE DETAIL says why there is no answer.
LC_ALL=C; export LC_ALL
f=$(printf "%b\nx" "$1"); f=${f%x}; nl=${f#"${f%?}"}; f=${f%?}
no() { printf "E %s %s\n" "$1" "$2"; exit 0; }
