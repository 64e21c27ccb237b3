"""What GNU `grep -b` writes → batches of lines with their addresses."""

from __future__ import annotations

import re

from aggregator import limits
from aggregator.model import Batch, File
from aggregator.remote.trouble import trouble
from aggregator.stream.lines import Cutter

_PREFIX = re.compile(rb"(\d{1,15})[:-]")  # of a line: its offset, `:` if it was hit, `-` if it stands around one
_PREFIXES = re.compile(rb"\n\d{1,15}[:-]")
_APART = b"\n--\n"  # between lines that don't follow one another
_LONGEST_PREFIX = 16  # bytes


class Grepped:
    """Lines of one generation, as `grep -aFb` with context lines gives them (grep(1)); offsets count from `start`.

    Keeps at most one line's delivered part. Raises HostError for what grep does not say.
    """

    def __init__(self, file: File, generation: str | None, start: int) -> None:
        self._file = file
        self._generation = generation
        self._start = start
        self._cutter: Cutter | None = None
        self._carry = b""
        self._inside = False

    @property
    def whole(self) -> bool:
        """Whether the last line was said to its end."""
        return not (self._inside or self._carry)

    @property
    def received(self) -> int:
        """The offset that what was said reaches to."""
        return self._cutter.received if self._cutter else self._start

    def feed(self, data: bytes) -> list[Batch]:
        """The batches that these bytes complete, in order."""
        batches: list[Batch] = []
        if self._inside and self._cutter:
            end = data.find(b"\n") + 1
            batches += self._cutter.feed(data[:end] if end else data)
            self._inside = not end
            if self._inside:
                return batches
            data = data[end:]
        data = self._carry + data
        end = data.rfind(b"\n") + 1
        if end:
            groups = (b"\n" + data[:end]).split(_APART)
            for group in groups[:-1]:
                batches += self._lines(group + b"\n")
            batches += self._lines(groups[-1])
        self._carry = data[end:]
        self._begin()
        return batches

    def _lines(self, group: bytes) -> list[Batch]:
        """Whole lines that follow one another."""
        group = group.removeprefix(b"\n")
        if not group:
            return []
        cutter = self._at(group)
        batches = cutter.feed(_PREFIXES.sub(b"\n", b"\n" + group)[1:])
        last = group[group.rfind(b"\n", 0, -1) + 1 :]
        match = _PREFIX.match(last)
        if match is None or self._start + int(match[1]) + len(last) - match.end() != cutter.position:
            raise self._nonsense(last)
        return batches

    def _begin(self) -> None:
        """Hand on the beginning of a line, once its offset is there."""
        match = _PREFIX.match(self._carry)
        if match:
            self._at(self._carry).feed(self._carry[match.end() :])
            self._carry, self._inside = b"", True
        elif len(self._carry) > _LONGEST_PREFIX:
            raise self._nonsense(self._carry)

    def _at(self, line: bytes) -> Cutter:
        """The cutter that stands where a line begins."""
        match = _PREFIX.match(line)
        if match is None:
            raise self._nonsense(line)
        offset = self._start + int(match[1])
        received = self.received
        if offset < received or offset >= limits.FILE_BYTES:
            raise self._nonsense(line)
        if self._cutter is None or offset != received:
            self._cutter = Cutter(self._file, self._generation, offset)
        return self._cutter

    def _nonsense(self, said: bytes) -> Exception:
        shown = said[:40].decode("utf-8", "replace")
        return trouble("remote-error", host=self._file.host, detail=f"its grep answers {shown!r}")
