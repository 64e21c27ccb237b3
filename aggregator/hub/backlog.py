"""What a viewer gets of a file before its live lines: the last N lines, or all after an address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import takewhile

from aggregator import limits
from aggregator.errors import Gone, HostError, UsageError
from aggregator.history.kept import Known
from aggregator.history.read import read_back
from aggregator.history.span import batches_between, oldest
from aggregator.hub.feed import Feed
from aggregator.hub.ring import Entry
from aggregator.model import Batch, Gap, Position
from aggregator.stream import positions
from aggregator.stream.records import Line

Cut = tuple[int, int] | None  # (seq, offset) of the first line that is live; None: the next to come


@dataclass(slots=True)
class Backlog:
    """A file's lines before the live ones, in its order; `gap` comes before them; `note` says what is not there."""

    lines: list[Line]
    gap: Gap | None = None
    note: str | None = None


async def last_lines(feed: Feed, lines: int, cut: Cut) -> Backlog:
    """The last `lines` lines of the file before `cut`, from the ring and from the host for what is older.

    Everything that the ring can give is taken before the first wait, so that nothing comes between it and `cut`.
    """
    if lines <= 0:
        return Backlog([])
    entries = feed.ring.last(lines + _after(feed, cut), cut[0] if cut else feed.ring.seq)
    first = feed.ring.first
    recent = _before(await feed.read_again(entries), cut)[-lines:]
    if len(recent) >= lines or first is None or entries[:1] != [first] or first.batch.start == 0:
        return Backlog(recent)
    try:
        batches = await read_back(feed.link, feed.file, first.batch.generation, first.batch.start, lines - len(recent))
    except (HostError, Gone) as error:
        return Backlog(recent, note=f"older lines could not be read: {error}")
    wanted = lines - len(recent)
    older = (await _read(feed, batches, first.at))[-wanted:]
    note = None
    if len(older) < wanted and (batches[0] if batches else first.batch).start > 0:
        note = f"only the last {len(older) + len(recent)} lines were read: {limits.BACKLOG_BYTES >> 20} MiB"
    return Backlog(_in_order(older + recent), note=note)


async def after(feed: Feed, place: Position, cut: Cut) -> AsyncGenerator[Backlog, None]:
    """All lines after an address up to `cut`, in parts, through all generations between; where the address is gone, one
    gap, then the oldest generation that is there from its start. Late lines of generations before come last."""
    stop, known = _stop(feed, cut), feed.known()
    entries = feed.ring.until(stop.cut[0]) if stop else []
    found = _find(entries, place)
    if stop and found is not None:
        kept, broken = _following(_before(await feed.read_again(entries[found:]), stop.cut), place)
        if not broken:
            yield Backlog(kept)
            return
    end = Position(place.file, stop.generation, stop.offset) if stop else None
    try:
        covered = {place.generation, stop.generation if stop else ""}
        async with aclosing(_through(feed, place, end, known, covered)) as parts:
            async for part in parts:
                yield part
        late = [entry for entry in entries if entry.batch.generation not in covered]
        if stop and late:
            yield Backlog(_before(await feed.read_again(late), stop.cut))
    except UsageError:
        return  # the place lies behind what is live: nothing is between
    except HostError as error:
        lines = _before(await feed.read_again(entries), stop.cut) if stop else []
        yield Backlog(lines, _lost(place, lines), note=f"the lines before could not be read: {error}")


def next_live(feed: Feed, cut: Cut) -> Position | None:
    """The address of the first line that is live; None while the file has no line."""
    stop = _stop(feed, cut)
    return Position(feed.file, stop.generation, stop.offset) if stop else None


def is_before(line: Line, place: Position) -> bool:
    """Whether a line of the same generation is the one that `place` names, or before it; or before a place alone."""
    if _generation(line) != place.generation:
        return False
    return line.offset < place.offset or (line.offset == place.offset and place.checksum is not None)


def is_live(feed: Feed, place: Position, cut: Cut) -> bool:
    """Whether `place` is behind the first line that is live: another view has given out what this one still holds."""
    if cut is None:
        return False
    return any(
        (entry.seq, place.offset) >= cut and entry.batch.start <= place.offset <= entry.batch.end
        for entry in feed.ring.until(feed.ring.seq)
        if entry.batch.generation == place.generation
    )


async def _through(
    feed: Feed, place: Position, end: Position | None, known: Known, covered: set[str]
) -> AsyncGenerator[Backlog, None]:
    """What the host still has between two addresses; the generations of it are added to `covered`. Raises HostError."""
    reader = feed.new_reader()
    gap: Gap | None = None
    at = place
    for _ in range(limits.LOCATE_TRIES):
        try:
            lines: list[Line] = []
            async with aclosing(batches_between(feed.link, at, end, known)) as batches:
                async for batch, one in batches:
                    covered.add(batch.generation)
                    found = reader.read(batch, at=float(one.mtime), history=True)
                    if at is place and place.checksum is not None:
                        found = found[1:]  # the line that was named has been seen
                    lines += found
                    at = Position(place.file, batch.generation, batch.end)
                    if sum(line.size for line in lines) >= limits.BACKLOG_PART:
                        yield Backlog(lines, gap and _up_to(gap, lines))
                        lines, gap = [], None
            yield Backlog(lines, gap and _up_to(gap, lines))
            return
        except Gone:
            if lines:
                yield Backlog(lines, gap and _up_to(gap, lines))
                gap = None
                continue
            gap = _lost(at, [])
            at = Position(place.file, (await oldest(feed.link, feed.file)) or "", 0)
    yield Backlog([], gap, note="the files beside it keep changing")


def _up_to(gap: Gap, lines: list[Line]) -> Gap:
    """The gap, up to the first line that is there."""
    return replace(gap, end=positions.decode(lines[0].record.position) if lines else None)


@dataclass(frozen=True, slots=True)
class _Stop:
    """The first line that is live, by its place in the feed and by its address."""

    cut: tuple[int, int]
    generation: str
    offset: int


def _stop(feed: Feed, cut: Cut) -> _Stop | None:
    """Where live lines begin now, even when more have come later; None while the file has no line."""
    entries = feed.ring.until(feed.ring.seq)
    if not entries:
        return None
    if cut is None:
        live = feed.known().generation  # late lines of a closed generation may have come after it
        last = next((entry.batch for entry in reversed(entries) if entry.batch.generation == live), entries[-1].batch)
        return _Stop((feed.ring.seq + 1, 0), last.generation, last.end)
    generation = next((entry.batch.generation for entry in entries if entry.seq >= cut[0]), entries[0].batch.generation)
    return _Stop(cut, generation, cut[1])


def _after(feed: Feed, cut: Cut) -> int:
    """How many lines of the ring may be behind the cut within its own batch."""
    if cut is None:
        return 0
    return sum(entry.lines for entry in feed.ring.last(1, cut[0]))


def _before(lines: list[Line], cut: Cut) -> list[Line]:
    if cut is None:
        return lines
    return [line for line in lines if (line.seq, line.offset) < cut]


def _find(entries: list[Entry], place: Position) -> int | None:
    """The entry that holds `place`, or begins at it."""
    for index, entry in enumerate(entries):
        batch = entry.batch
        if batch.generation == place.generation and batch.start <= place.offset <= batch.end:
            return index
    return None


def _following(lines: list[Line], place: Position) -> tuple[list[Line], bool]:
    """The lines after `place`, and whether the line there is another than the one that was named."""
    seen = takewhile(lambda line: line.offset < place.offset and _generation(line) == place.generation, lines)
    rest = lines[sum(1 for _ in seen) :]
    if place.checksum is None:
        return rest, False
    same = bool(rest) and rest[0].record.position == positions.encode(place)
    return (rest[1:], False) if same else (rest, True)


def _generation(line: Line) -> str:
    return line.record.position.rsplit("~", 3)[1]


def _lost(place: Position, lines: list[Line]) -> Gap:
    following = positions.decode(lines[0].record.position) if lines else None
    return Gap(place.file, place, following, None, None, "rotated-away")


async def _read(feed: Feed, batches: list[Batch], at: float) -> list[Line]:
    reader = feed.new_reader()
    lines: list[Line] = []
    for batch in batches:
        lines += reader.read(batch, at=at, history=True)
        await asyncio.sleep(0)  # a long backlog is seconds of work
    return lines


def _in_order(lines: list[Line]) -> list[Line]:
    """Keys that never decrease, also over the seam of two readings."""
    highest = -(1 << 62)
    for line in lines:
        if line.key < highest:
            line.key = highest
        highest = line.key
    return lines
