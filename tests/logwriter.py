"""A log as programs and logrotate leave it on a disk, and the truth about it: what was written, and what was destroyed.

Lines are numbered and checksummed, of varied lengths; a banner begins each generation when asked for. Everything is
done with plain system calls, in the order in which logrotate(8) does it.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import math
import os
import random
import shutil
import subprocess
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

BANNER = "# log of the shop, version 3"
COMPRESSORS = ("gz", "xz", "bz2", "zst")
DELAY_S = 15.0  # after a late write, until a file is compressed


@dataclass(eq=False)
class Content:
    """One generation: its lines, and whether its bytes were destroyed. Times are of the monotonic clock."""

    lines: list[str] = field(default_factory=list)
    gone: bool = False
    late_lines: set[str] = field(default_factory=set)
    late: float = -math.inf  # when it was last written to after its renaming
    died: float = math.inf
    begun: float = math.inf  # when the first line was written that is no banner


class LogWriter:
    """Writes `path`. `destroyed` counts what took unread bytes away for good, `rotations` the rotations."""

    def __init__(self, path: Path, seed: int = 0, *, banner: bool = False, keep: int = 50) -> None:
        self.path = path
        self.keep = keep
        self.random = random.Random(seed)
        self.banner = banner
        self.rotations = 0
        self.destroyed = 0
        self.contents: list[Content] = []
        self._number = 0
        self._piece: str | None = None
        self._old: tuple[BinaryIO, Content] | None = None  # renamed, and its writer does not know yet
        self._files: dict[int, Content] = {}  # the number of a rotated file
        self._open()

    # What programs do

    def line(self, length: int | None = None) -> str:
        """The text of the next line."""
        self._number += 1
        length = self.random.choice((0, 3, 40, 120, 300)) if length is None else length
        text = f"line {self._number} {'x' * length}"
        return f"{text} {zlib.crc32(text.encode()):08x}"

    def write(self, lines: int = 1, length: int | None = None) -> None:
        """Whole lines in one write; the first one ends a piece that is there."""
        texts = [self.line(length) for _ in range(lines)]
        data = "".join(f"{text}\n" for text in texts)
        if self._piece is not None:
            data, self._piece = self._rest() + "\n" + data, None
        self.content.lines += texts
        self._put(data)

    def write_empty(self) -> None:
        self.end_piece()
        self.content.lines.append("")
        self._put("\n")

    def write_piece(self) -> None:
        """The beginning of a line, whose end comes with `end_piece` or the next write."""
        if self._piece is not None:
            return
        text = self.line()
        cut = self.random.randrange(1, len(text))
        self._piece = text[cut:]
        self._put(text[:cut])
        self.content.lines.append(text)  # its bytes are there: it counts once it has ended

    def end_piece(self) -> None:
        if self._piece is not None:
            self._put(self._rest() + "\n")
            self._piece = None

    def write_late(self, lines: int = 1) -> None:
        """To the file that was renamed last, by a writer that was not told."""
        if self._old is None:
            return
        out, content = self._old
        content.late = time.monotonic()
        texts = [self.line() for _ in range(lines)]
        content.lines += texts
        content.late_lines |= set(texts)
        out.write("".join(f"{text}\n" for text in texts).encode())

    # What logrotate does

    def rename(self, compress: str | None = None, *, create: bool = True) -> None:
        """`.1` becomes `.2` and so on, the log becomes `.1`; compresses `.2` (delayed), as logrotate does."""
        self.end_piece()
        self._shift()
        os.rename(self.path, self._name(1))
        self._files[1] = self.content
        self.forget_old()
        self._old = (self._out, self.content)
        self.rotations += 1
        if compress and 2 in self._files:
            self.compress(2, compress)
        if create:
            self._open()

    def create(self) -> None:
        """The log is there again after `rename(create=False)` or `delete`."""
        if not self.path.exists():
            self._open()

    def copytruncate(self, compress: str | None = None) -> None:
        self.end_piece()
        self._shift()
        shutil.copyfile(self.path, self._name(1))
        os.truncate(self.path, 0)
        self._files[1] = self.content
        self.rotations += 1
        if compress and 2 in self._files:
            self.compress(2, compress)
        self._begin()

    def compress(self, number: int, how: str) -> None:
        """A rotated file becomes a compressed one, with its mtime, as gzip(1) and xz(1) do it; not while somebody may
        still write to it (that is what delayed compression is for)."""
        name = Path(self._name(number))
        if number not in self._files or not name.exists():
            return
        if time.monotonic() < self._files[number].late + DELAY_S:
            return
        if self._old and self._old[1] is self._files[number]:
            self.forget_old()
        target = Path(f"{name}.{how}")
        data = name.read_bytes()
        with target.open("wb") as out:
            packed = _packed(data, how)
            middle = len(packed) // 2
            out.write(packed[:middle])
            out.flush()
            out.write(packed[middle:])
        status = name.stat()
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
        name.unlink()

    def truncate(self) -> None:
        """`: >log`"""
        self.end_piece()
        os.truncate(self.path, 0)
        self._destroy(self.content)
        self._begin()

    def delete(self) -> None:
        """`rm log`, and the program opens it anew with `create`."""
        self.end_piece()
        self.path.unlink(missing_ok=True)
        self._out.close()
        self._destroy(self.content)

    def forget_old(self) -> None:
        """The writer of the renamed file was told."""
        if self._old:
            self._old[0].close()
            self._old = None

    def close(self) -> None:
        self.end_piece()
        self.forget_old()
        self._out.close()

    @property
    def content(self) -> Content:
        return self.contents[-1]

    @property
    def lines(self) -> int:
        return sum(len(content.lines) for content in self.contents)

    def _open(self) -> None:
        self._out = self.path.open("ab", buffering=0)
        self._begin()

    def _begin(self) -> None:
        self.contents.append(Content())
        if self.banner:
            self.content.lines.append(BANNER)
            self._put(BANNER + "\n")

    def _put(self, text: str) -> None:
        if text != BANNER + "\n":
            self.content.begun = min(self.content.begun, time.monotonic())
        self._out.write(text.encode())

    def _rest(self) -> str:
        assert self._piece is not None
        return self._piece

    def _name(self, number: int) -> str:
        return f"{self.path}.{number}"

    def _shift(self) -> None:
        """`.N` is deleted when it is one too many, the others go up by one, the highest first."""
        for number in sorted(self._files, reverse=True):
            for suffix in ("", *(f".{how}" for how in COMPRESSORS)):
                name = self._name(number) + suffix
                if os.path.exists(name):
                    if number >= self.keep:
                        os.unlink(name)
                    else:
                        os.rename(name, self._name(number + 1) + suffix)
            content = self._files.pop(number)
            if number >= self.keep:
                self._destroy(content)
            else:
                self._files[number + 1] = content

    def _destroy(self, content: Content) -> None:
        if self._old and self._old[1] is content:
            self.forget_old()
        content.gone = True
        content.died = time.monotonic()
        self.destroyed += 1


def _packed(data: bytes, how: str) -> bytes:
    match how:
        case "gz":
            return gzip.compress(data, 1)
        case "xz":
            return lzma.compress(data, preset=0)
        case "bz2":
            return bz2.compress(data, 1)
        case _:
            return subprocess.run(["zstd", "-1qc"], input=data, capture_output=True, check=True).stdout


@dataclass(frozen=True)
class Difference:
    """What a viewer got, compared with what was written; all but `excused` and `gaps` are zero in a good run.

    `lost` lines were there to be read; `excused` ones were destroyed unread, each stretch of them with a gap in its
    place, or else they are `silent`.
    """

    lines: int
    lost: int
    duplicated: int
    torn: int
    out_of_order: int
    silent: int
    excused: int
    gaps: int

    @property
    def good(self) -> bool:
        return not (self.lost or self.duplicated or self.torn or self.out_of_order or self.silent)


def compare(log: LogWriter, got: Sequence[str | None]) -> Difference:
    """`got` are the texts in the order in which they came, None for a gap.

    Banners are left out: one that takes the place of another, byte for byte, is the same line at the same address.
    """
    texts = [text for text in got if text is not None and text != BANNER]
    written = Counter(text for content in log.contents for text in content.lines if text != BANNER)
    destroyed = Counter(text for content in log.contents if content.gone for text in content.lines)
    seen = Counter(texts)
    missing = written - seen
    excused = missing & destroyed
    lost = missing - destroyed
    extra = seen - written
    torn = sum(count for text, count in extra.items() if text not in written)
    return Difference(
        lines=sum(written.values()),
        lost=sum(lost.values()),
        duplicated=sum(extra.values()) - torn,
        torn=torn,
        out_of_order=_disorder(log.contents, texts),
        silent=_silent(log, excused, got),
        excused=sum(excused.values()),
        gaps=sum(text is None for text in got),
    )


def numbered(text: str) -> bool:
    return text.startswith("line ")


def _disorder(contents: Iterable[Content], texts: Sequence[str]) -> int:
    """How often a line came after one that stands behind it in the same generation."""
    place: dict[str, tuple[int, int]] = {}
    for index, content in enumerate(contents):
        place |= {text: (index, at) for at, text in enumerate(content.lines) if numbered(text)}
    highest: Counter[int] = Counter()
    wrong = 0
    for text in texts:
        if text in place:
            index, at = place[text]
            wrong += at < highest[index]
            highest[index] = max(at, highest[index])
    return wrong


def _silent(log: LogWriter, excused: Mapping[str, int], got: Sequence[str | None]) -> int:
    """Generations of which lines are missing without a gap between what came before them and what came after.

    What came and went between two looks, all of it, leaves no trace: nobody can tell of it. Nor of what was written to
    a closed file that was deleted before the next look at it.
    """
    at: dict[str, int] = {text: index for index, text in enumerate(got) if text is not None and numbered(text)}
    gaps = [index for index, text in enumerate(got) if text is None]
    silent, end = 0, len(got)
    for index, content in enumerate(log.contents):
        begun = any(text in at for text in content.lines)
        if begun and any(
            numbered(text) and text in excused and text not in content.late_lines for text in content.lines
        ):
            after = min(
                (at[text] for one in log.contents[index + 1 :] for text in one.lines if text in at), default=end
            )
            before = [at[text] for one in log.contents[: index + 1] for text in one.lines if at.get(text, end) < after]
            silent += not any(max(before, default=-1) <= gap <= after for gap in gaps)
    return silent
