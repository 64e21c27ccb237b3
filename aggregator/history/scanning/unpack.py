"""Decompresses here what a host has no decompressor for, in pieces of a bounded size."""

from __future__ import annotations

import asyncio
import bz2
import lzma
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from aggregator import limits
from aggregator.history.generation.files import Generation
from aggregator.history.generation.read import Where, read_bytes
from aggregator.history.scanning.searching import unpacks_to_too_much
from aggregator.model import File
from aggregator.remote.link import Link
from aggregator.remote.trouble import trouble

_MAGIC = {"gz": b"\x1f\x8b", "xz": b"\xfd7zXZ\0", "bz2": b"BZh"}  # RFC 1952; the .xz file format, 2.1.1.1; bzip2(1)
KINDS = frozenset(_MAGIC)
_GZIP = 31  # zlib's wbits for a gzip member (zlib.h, inflateInit2)


class Damaged(Exception):
    """What is there can't be decompressed, or ends early."""


class _Gzip:
    """zlib's decompressor with the methods of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(_GZIP)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


_Inner = _Gzip | lzma.LZMADecompressor | bz2.BZ2Decompressor


class Unpacker:
    """Decompresses a file that comes in pieces, of one member or several (`gz`, `xz`, `bz2`); what stands behind the
    last one is passed over, as the tools do. Raises Damaged."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._inner: _Inner | None = None  # of the member that has begun
        self._input = b""
        self._any = False
        self._over = False

    def feed(self, data: bytes) -> None:
        """Take a piece of the file, once `take` gave nothing any more."""
        self._input += data

    def take(self) -> bytes:
        """The next piece of text, at most `limits.UNPACKED_PIECE` bytes; nothing when more of the file is needed."""
        while inner := self._member():
            if not self._input and inner.needs_input:
                break
            data, self._input = self._input, b""
            try:
                text = inner.decompress(data, limits.UNPACKED_PIECE)
            except (zlib.error, lzma.LZMAError, OSError) as error:
                raise Damaged from error
            if inner.eof:
                self._input, self._inner = inner.unused_data, None
            if text:
                return text
        return b""

    def finish(self) -> None:
        """No more of the file comes."""
        if self._inner or not self._any:
            raise Damaged

    def _member(self) -> _Inner | None:
        """What decompresses the member that has begun, or begins here; None where none does, or not yet."""
        magic = _MAGIC[self._kind]
        if self._inner is None and not self._over and len(self._input) >= len(magic):
            self._over = not self._input.startswith(magic)
            if not self._over:
                self._inner = self._new()
                self._any = True
        if self._over:
            self._input = b""
        return self._inner

    def _new(self) -> _Inner:
        if self._kind == "gz":
            return _Gzip()
        if self._kind == "xz":
            return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=limits.SCAN_KIB << 10)
        return bz2.BZ2Decompressor()


async def unpacked(
    link: Link, file: File, one: Generation, progress: Callable[[int], None]
) -> AsyncGenerator[bytes, None]:
    """The text of a compressed generation (`kind` in KINDS), decompressed here. Raises HostError, Moved, Gone."""
    unpacker = Unpacker(one.kind)
    taken = given = 0
    where = Where(one.name, "plain", one.inode)
    try:
        async with aclosing(read_bytes(link, file, None, 0, None, where)) as chunks:
            async for data in chunks:
                taken += len(data)
                progress(taken)
                unpacker.feed(data)
                while text := await asyncio.to_thread(unpacker.take):
                    given += len(text)
                    if given > limits.UNPACKED_RATIO * max(taken, limits.UNPACKED_LEAST):
                        raise unpacks_to_too_much(one.name)
                    yield text
        unpacker.finish()
    except Damaged as error:
        raise trouble("damaged", path=one.name) from error
