# shellcheck shell=sh
# shellcheck disable=SC2034,SC2317 # used by the scripts behind it
# packed (after open): with d, the head is that of the text.
packed() {
  command -v "${d%% *}" >/dev/null 2>&1 || no no-decompressor "${d%% *}"
  h() { $d </dev/fd/3 2>/dev/null | head -c 1024 | od -An -v -tx1 | tr -d " \n"; }
}
# unpacker END: k is how a file is compressed whose name ends so, d what decompresses it ("plain", nothing).
unpacker() {
  d=""
  case $1 in gz) d="gzip -dc";; xz) d="xz -dc";; zst) d="zstd -dcq";; bz2) d="bzip2 -dc";; esac
  k=plain; [ -z "$d" ] || k=$1
}
