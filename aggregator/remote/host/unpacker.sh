# shellcheck shell=sh
# shellcheck disable=SC2034 # used by the scripts behind it
# unpacker END: k is how a file is compressed whose name ends so, d what decompresses it ("plain", nothing).
unpacker() {
  k=$1
  case $1 in gz) d="gzip -dc";; xz) d="xz -dc";; zst) d="zstd -dcq";; bz2) d="bzip2 -dc";; *) k=plain; d="";; esac
}
