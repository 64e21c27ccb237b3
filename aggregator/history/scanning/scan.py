"""The lines of a range of one generation that may hold what is looked for, found on its host."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from aggregator import limits
from aggregator.errors import Gone, HostError
from aggregator.history.generation.files import Generation
from aggregator.history.generation.read import Where, read_bytes
from aggregator.history.scanning.frames import Frames
from aggregator.history.scanning.grepped import Grepped
from aggregator.history.scanning.searching import Aim, GrepFailed, Progress, Search, searching
from aggregator.history.scanning.unpack import KINDS, unpacked
from aggregator.model import Batch, File
from aggregator.remote.link import Link
from aggregator.remote.trouble import trouble
from aggregator.stream.lines import Cutter
from aggregator.stream.literal import Literal

Note = Callable[[str], None]

_UNUSABLE = frozenset("\0\n\ufffd")  # no argument, two texts to grep, and what stands for bytes that are not UTF-8


class Range(Protocol):
    """The bytes [start, end) of a generation's text, from the beginning of a line; `end` None: to its end."""

    @property
    def one(self) -> Generation: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int | None: ...


async def scan(
    link: Link,
    file: File,
    piece: Range,
    literals: Sequence[Literal],
    progress: Progress,
    note: Note = lambda _: None,
) -> AsyncGenerator[tuple[Batch, bool], None]:
    """The complete lines of a range, in the file's order; with literals at least all lines whose delivered part holds
    the longest of them, and most of the `limits.SCAN_CONTEXT` lines before and after. False comes with a batch that
    others were left out before. To the end of a closed generation also a last line without its newline.

    Anybody may have made `start` up: of a line that it is inside of nothing is read out (see `read_range`).
    `progress` is told how many bytes of the file were read so far (of a compressed one: compressed bytes), `note` what
    went another way than usual. Raises HostError, Gone when the file changes meanwhile, Moved when it has another name.
    """
    literal = _longest(literals)
    hows = ["grep", "blocks"] if literal else ["stream"]
    at = piece.start
    while True:
        first = max(0, at - 1)
        aim = Aim(file, piece.one, first, piece.end, literal, hows.pop(0))
        try:
            before = first - piece.start if piece.one.kind == "plain" else 0
            async with aclosing(_scan(link, aim, _further(progress, before), note)) as batches:
                async for found in batches:
                    batch = found if found.start >= at else _without_first(found)
                    if batch:
                        yield batch, batch.start == at
                        at = batch.end
            return
        except GrepFailed as error:
            if not hows:
                raise trouble("remote-error", host=file.host, detail="its grep fails") from error
            note(f"grep on {file.host} failed on {piece.one.name}, as it does on very long lines; searched in blocks")


def _longest(literals: Sequence[Literal]) -> Literal | None:
    """The literal that says most; None where all are in nearly every line."""
    usable = [literal for literal in literals if _UNUSABLE.isdisjoint(literal.text)]
    longest = max(usable, key=lambda literal: len(literal.text.encode()), default=None)
    return longest if longest and len(longest.text.encode()) >= limits.SCAN_LITERAL else None


def _further(progress: Progress, before: int) -> Progress:
    return lambda read: progress(max(0, before + read))


async def _scan(link: Link, aim: Aim, progress: Progress, note: Note) -> AsyncGenerator[Batch, None]:
    """One attempt. Raises as `scan`, and GrepFailed."""
    try:
        async with searching(link, aim, progress) as search:
            if search.how == "stream" and aim.literal and aim.one.kind == "plain":
                note(f"there is no grep on {aim.file.host} that is of use; all of {aim.one.name} is transferred")
            async with aclosing(_batches(link, aim, search, progress)) as batches:
                async for batch in batches:
                    if search.end is not None and batch.start >= search.end:
                        progress(search.total)  # grep may read on to the file's end, and all before it was read
                        return
                    kept = _within(batch, search.end, finish=_finishes(aim))
                    if kept:
                        yield kept
        return
    except HostError as error:
        if error.cause != "no-decompressor" or aim.one.kind not in KINDS:
            raise
    note(f"there is no decompressor for {aim.one.name} on {aim.file.host}; it is transferred as it is")
    cutter = Cutter(aim.file, aim.one.id, 0)
    async with aclosing(unpacked(link, aim.file, aim.one, progress)) as chunks:
        async for data in chunks:
            for batch in cutter.feed(data):
                kept = _from(batch, aim.start)
                kept = kept and _within(kept, aim.end, finish=False)
                if kept:
                    yield kept
    for batch in cutter.finish() if aim.end is None else ():
        yield batch


def _finishes(aim: Aim) -> bool:
    """Whether a last line without its newline is a line."""
    return aim.end is None and not aim.one.live


def _batches(link: Link, aim: Aim, search: Search, progress: Progress) -> AsyncGenerator[Batch, None]:
    match search.how:
        case "grep":
            return _grepped(aim, search)
        case "blocks":
            return _blocks(link, aim, search)
        case _:
            return _streamed(aim, search, progress)


async def _grepped(aim: Aim, search: Search) -> AsyncGenerator[Batch, None]:
    grepped = Grepped(aim.file, aim.one.id, aim.start)
    async with aclosing(search.chunks()) as chunks:
        async for data in chunks:
            batches = grepped.feed(data)
            search.reached(grepped.received)
            for batch in batches:
                yield batch
    if not grepped.whole:
        raise trouble("remote-error", host=aim.file.host, detail="its grep ended amid a line")


async def _streamed(aim: Aim, search: Search, progress: Progress) -> AsyncGenerator[Batch, None]:
    cutter = Cutter(aim.file, aim.one.id, aim.start)
    async with aclosing(search.chunks()) as chunks:
        async for data in chunks:
            batches = cutter.feed(data)
            search.reached(cutter.received)
            if aim.one.kind == "plain":
                progress(cutter.received - aim.start)
            for batch in batches:
                yield batch
    if search.how == "stream" and search.end is not None and cutter.received < search.end:
        raise Gone(f"{aim.one.name} on {aim.file.host} is shorter than it was")
    for batch in cutter.finish() if _finishes(aim) else ():
        yield batch


async def _blocks(link: Link, aim: Aim, search: Search) -> AsyncGenerator[Batch, None]:
    frames = Frames(aim.file)
    cutter = Cutter(aim.file, aim.one.id, aim.start)
    async with aclosing(search.chunks()) as chunks:
        async for data in chunks:
            for offset, block in frames.feed(data):
                search.reached(offset + len(block))
                if offset > cutter.received:
                    for batch in await _rest_of_line(link, aim, cutter):
                        yield batch
                    cutter = Cutter(aim.file, aim.one.id, offset, skip=True)
                for batch in cutter.feed(block[max(0, cutter.received - offset) :]):
                    yield batch
    if not frames.whole:
        raise Gone(f"{aim.one.name} on {aim.file.host} was truncated while it was read")
    if cutter.received != search.end:
        for batch in await _rest_of_line(link, aim, cutter):
            yield batch
    elif _finishes(aim):
        for batch in cutter.finish():
            yield batch


async def _rest_of_line(link: Link, aim: Aim, cutter: Cutter) -> list[Batch]:
    """The line that blocks have ended in, where it is so long that what is delivered of it may hold a hit."""
    if cutter.skipping or cutter.received - cutter.position <= limits.LINE_BYTES:
        return []
    one = aim.one
    where = Where(one.name, one.kind, one.inode)
    end = one.size or 0 if aim.end is None else aim.end
    window = limits.READ_CHUNK
    while cutter.received < end:
        stop = min(end, cutter.received + window)
        batches: list[Batch] = []
        async with aclosing(read_bytes(link, aim.file, one.id, cutter.received, stop, where)) as chunks:
            async for data in chunks:
                batches = batches or cutter.feed(data[: data.find(b"\n") + 1] or data)
        if batches:
            return batches
        window = min(4 * window, limits.SCAN_WINDOW)
    return cutter.finish() if _finishes(aim) else []


def _within(batch: Batch, end: int | None, *, finish: bool) -> Batch | None:
    """The lines of a batch that end before an offset; with `finish` also one that ends there and lacks a newline, to
    which grep has added one."""
    if end is None or batch.end <= end:
        return batch
    if finish and batch.end == end + 1:
        return replace(batch, end=end)
    if batch.length is not None:
        return None
    size = batch.text.rfind(b"\n", 0, max(0, end - batch.start)) + 1
    return replace(batch, text=batch.text[:size], end=batch.start + size) if size else None


def _without_first(batch: Batch) -> Batch | None:
    """The lines of a batch but the first, which begins before what was asked for."""
    size = batch.text.find(b"\n") + 1
    if batch.length is not None or size in (0, len(batch.text)):
        return None
    return replace(batch, text=batch.text[size:], start=batch.start + size)


def _from(batch: Batch, start: int) -> Batch | None:
    """The lines of a batch from an offset on, where a line begins."""
    if batch.start >= start:
        return batch
    if batch.end <= start:
        return None
    return replace(batch, text=batch.text[start - batch.start :], start=start)
