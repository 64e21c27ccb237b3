# shellcheck shell=sh
# shellcheck disable=SC2154 # set by open.sh
# read PATH START LENGTH (after open): the header, then the bytes [START, START+LENGTH) of the file.
printf "H %s %s %s %s %s\n" "$i" "$z" "$m" "$2" "$(h)"
tail -c +$(($2+1)) <&3 | head -c "$3"
