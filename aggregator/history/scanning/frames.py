"""What `search.sh` writes in blocks: pieces of a file, each with its offset and length."""

from __future__ import annotations

import re

from aggregator import limits
from aggregator.errors import Gone
from aggregator.model import File
from aggregator.remote.trouble import trouble

_HEAD = re.compile(rb"B (\d{1,15}) (\d{1,8})\n")
_LONGEST_HEAD = 32  # bytes
_END = b"\nE\n"


class Frames:
    """Pieces of a file, (offset, bytes), each whole. Keeps at most one. Raises HostError for what is none, and Gone for
    one that is shorter than it says: the file was truncated."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._held = bytearray()
        self._next: tuple[int, int] | None = None
        self._end = 0

    @property
    def whole(self) -> bool:
        """Whether the last piece was said to its end."""
        return not self._held and self._next is None

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The pieces that these bytes complete, in order."""
        self._held += data
        pieces: list[tuple[int, bytes]] = []
        while True:
            if self._next is None:
                self._next = self._head()
            if self._next is None:
                return pieces
            offset, length = self._next
            if len(self._held) < length + len(_END):
                return pieces
            if self._held[length : length + len(_END)] != _END:
                raise Gone(f"{self._file.path} on {self._file.host} was truncated")
            pieces.append((offset, bytes(self._held[:length])))
            del self._held[: length + len(_END)]
            self._next = None

    def _head(self) -> tuple[int, int] | None:
        """What the next piece says of itself, once that is there."""
        match = _HEAD.match(self._held)
        if match is None:
            if len(self._held) >= _LONGEST_HEAD or b"\n" in self._held:
                shown = bytes(self._held[:40]).decode("utf-8", "replace")
                raise trouble("remote-error", host=self._file.host, detail=f"its search answers {shown!r}")
            return None
        offset, length = int(match[1]), int(match[2])
        if offset < self._end or offset + length >= limits.FILE_BYTES or length > limits.SCAN_FRAME:
            raise trouble("remote-error", host=self._file.host, detail="its search answers pieces out of order")
        self._end = offset + length
        del self._held[: match.end()]
        return offset, length
