"""Bytes as they come from a host → batches of complete lines with their addresses."""

from __future__ import annotations

import hashlib

from aggregator import limits
from aggregator.model import Batch, File


def generation_of(head: bytes) -> str | None:
    """The generation that a file's first bytes tell: 16 hex digits of the SHA-256 of its first complete line (newline
    included, at most `limits.HEAD_BYTES` bytes of it); None while that line is not complete."""
    end = head.find(b"\n", 0, limits.HEAD_BYTES)
    if end < 0 and len(head) < limits.HEAD_BYTES:
        return None
    first = head[: end + 1] if end >= 0 else head[: limits.HEAD_BYTES]
    return hashlib.sha256(first).hexdigest()[:16]


def closed_generation_of(head: bytes) -> str | None:
    """The same of a file that will not grow any more: its only line may lack the newline. None for an empty one."""
    whole = head and len(head) < limits.HEAD_BYTES and b"\n" not in head
    return hashlib.sha256(head).hexdigest()[:16] if whole else generation_of(head)


def begins(head: bytes, generation: str) -> bool:
    """Whether a file's first bytes are those of a generation, be it closed or not."""
    return generation in (generation_of(head), closed_generation_of(head))


class Cutter:
    """Cuts one generation's bytes at newlines. Keeps at most one line's delivered part and what is `beyond` it, however
    long the line is.

    `start` is the offset of the first byte that will be fed. With `skip`, that byte may be inside a line, which is
    passed over. `generation` may be None only when `start` is 0.
    """

    def __init__(
        self, file: File, generation: str | None, start: int, *, skip: bool = False, before: bytes = b""
    ) -> None:
        self.file = file
        self.generation = generation
        self.received = start
        self._line_start = start
        self.before = before  # the last bytes up to `position`, at most PROOF_BYTES
        self._partial = b""
        self._seen = before  # the last bytes of all that was fed
        self._skipping = skip

    @property
    def position(self) -> int:
        """The offset after the last complete line."""
        return self._line_start

    @property
    def skipping(self) -> bool:
        """Whether no line has begun yet."""
        return self._skipping

    def feed(self, data: bytes) -> list[Batch]:
        """The batches that these bytes complete, in order."""
        self.received += len(data)
        self._remember(data)
        if self._skipping:
            data = self._skip(data)
        first = data.find(b"\n")
        if first < 0:
            self._keep(data)
            return []
        if self.generation is None:
            self.generation = generation_of((self._partial + data)[: limits.HEAD_BYTES])
        batches: list[Batch] = []
        length = self.received - len(data) + first - self._line_start
        if length > limits.LINE_BYTES:
            batches.append(self._clipped(length, self._line_start, self._partial + data[:first]))
            self._line_start += length + 1
            data = data[first + 1 :]
        else:
            data = self._partial + data
        end = data.rfind(b"\n") + 1
        batches += self._batches(data[:end])
        self._line_start = self.received - (len(data) - end)
        self._partial = b""
        self._keep(data[end:])
        return batches

    def finish(self) -> list[Batch]:
        """The last line of a generation that will not grow any more, though it has no newline."""
        length = self.received - self._line_start
        if length == 0 or self._skipping:
            return []
        if self.generation is None:
            self.generation = hashlib.sha256(self._partial).hexdigest()[:16]
        start, self._line_start = self._line_start, self.received
        self.before = self._seen
        if length > limits.LINE_BYTES:
            return [self._clipped(length, start, self._partial)]
        return [Batch(self.file, self.generation, start, self.received, self._partial + b"\n")]

    def _remember(self, data: bytes) -> None:
        """Keep the bytes before the last newline: they prove the place after it."""
        end = data.rfind(b"\n") + 1
        if end:
            self.before = (self._seen + data[:end])[-limits.PROOF_BYTES :]
        self._seen = (self._seen + data[-limits.PROOF_BYTES :])[-limits.PROOF_BYTES :]

    def _skip(self, data: bytes) -> bytes:
        """What is left of `data` after the line that it begins in."""
        end = data.find(b"\n") + 1
        self._skipping = end == 0
        self._line_start = self.received - (len(data) - end) if end else self.received
        return data[end:] if end else b""

    def _keep(self, data: bytes) -> None:
        """Keep the beginning of a line, as much of it as will be delivered."""
        self._partial += data[: limits.LINE_BYTES + limits.REDACT_BEYOND - len(self._partial)]

    def _clipped(self, length: int, start: int, text: bytes) -> Batch:
        """One long line; `text` are its first bytes, maybe with its newline."""
        shown, beyond = text[: limits.LINE_BYTES], text[limits.LINE_BYTES : limits.LINE_BYTES + limits.REDACT_BEYOND]
        beyond = beyond.removesuffix(b"\n")
        return Batch(self.file, self.generation or "", start, start + length + 1, shown, length, beyond)

    def _batches(self, text: bytes) -> list[Batch]:
        """Batches of whole lines that begin at the current line: one, unless some line is too long."""
        if not text:
            return []
        start = self._line_start
        if len(text) <= limits.LINE_BYTES or max(map(len, text.split(b"\n"))) <= limits.LINE_BYTES:
            return [Batch(self.file, self.generation or "", start, start + len(text), text)]
        batches: list[Batch] = []
        run = b""
        for line in _lines(text):
            if len(line) - 1 > limits.LINE_BYTES:
                if run:
                    batches.append(Batch(self.file, self.generation or "", start, start + len(run), run))
                    start, run = start + len(run), b""
                batches.append(self._clipped(len(line) - 1, start, line))
                start += len(line)
            else:
                run += line
        if run:
            batches.append(Batch(self.file, self.generation or "", start, start + len(run), run))
        return batches


def _lines(text: bytes) -> list[bytes]:
    """The lines of `text`, newlines kept; only `\\n` ends a line."""
    return [line + b"\n" for line in text.split(b"\n")[:-1]]
