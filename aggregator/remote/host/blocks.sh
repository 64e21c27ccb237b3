# shellcheck shell=sh
# shellcheck disable=SC2154 # set by open.sh
# blocks NAME BLOCKS (after open): the header, then for each "N:C" of BLOCKS the C blocks of 4,096 bytes from the N-th
# on, and after them a line of their own: "B N:C".
printf "H %s %s %s 0 %s\n" "$i" "$z" "$m" "$(h)"
for a in $2; do
  dd bs=4096 skip="${a%:*}" count="${a#*:}" 2>/dev/null </dev/fd/3
  printf "\nB %s\n" "$a"
done
