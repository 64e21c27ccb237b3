# shellcheck shell=sh
# shellcheck disable=SC2154 # set by open.sh
# blocks NAME N C … (after open): the header, then for each two numbers the C blocks of 4,096 bytes from the N-th on,
# and after them a line of their own: "B N:C".
printf "H %s %s %s 0 %s\n" "$i" "$z" "$m" "$(h)"
shift
while [ "$#" -gt 1 ]; do
  dd bs=4096 skip="$1" count="$2" 2>/dev/null </dev/fd/3
  printf "\nB %s:%s\n" "$1" "$2"
  shift 2
done
