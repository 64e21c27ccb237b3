"""What a viewer gets of a file before its live lines: the last N lines, or all after an address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aggregator import limits
from aggregator.errors import Gone, HostError
from aggregator.history.read import read_back, read_range
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
    recent = _before(feed.read_again(entries), cut)[-lines:]
    first = feed.ring.first
    if len(recent) >= lines or first is None or entries[:1] != [first] or first.batch.start == 0:
        return Backlog(recent)
    try:
        batches = await read_back(feed.link, feed.file, first.batch.generation, first.batch.start, lines - len(recent))
    except (HostError, Gone) as error:
        return Backlog(recent, note=f"older lines could not be read: {error}")
    wanted = lines - len(recent)
    older = _read(feed, batches, first.at)[-wanted:]
    note = None
    if len(older) < wanted and batches and batches[0].start > 0:
        note = f"only the last {len(older) + len(recent)} lines were read: {limits.BACKLOG_BYTES >> 20} MiB"
    return Backlog(_in_order(older + recent), note=note)


async def after(feed: Feed, place: Position, cut: Cut) -> AsyncIterator[Backlog]:
    """All lines after an address, in parts; the last part ends at `cut` and is taken without waiting."""
    gap: Gap | None = None
    while True:
        entries = feed.ring.until(feed.ring.seq)
        found = _find(entries, place)
        if found is not None:
            lines = _before(feed.read_again(entries[found:]), cut)
            kept, broken = _following(lines, place)
            yield Backlog(kept, gap or (_lost(place, kept) if broken else None))
            return
        first = entries[0].batch if entries else None
        if first is None or first.start == 0 or first.generation != place.generation:
            lines = _before(feed.read_again(entries), cut)
            yield Backlog(lines, gap or (_lost(place, lines) if feed.generation != place.generation else None))
            return
        try:
            end = min(first.start, place.offset + 4 * limits.READ_CHUNK)
            batches = [batch async for batch in read_range(feed.link, feed.file, place.generation, place.offset, end)]
        except (HostError, Gone) as error:
            lines = _before(feed.read_again(entries), cut)
            yield Backlog(lines, _lost(place, lines), note=f"the lines before could not be read: {error}")
            return
        if not batches:
            place = Position(place.file, place.generation, end)
            continue
        lines, broken = _following(_read(feed, batches, entries[0].at), place)
        yield Backlog(lines, _lost(place, lines) if broken else None)
        place = Position(place.file, place.generation, batches[-1].end)


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
    rest = list(lines)
    while rest and _generation(rest[0]) == place.generation and rest[0].offset < place.offset:
        rest.pop(0)
    if place.checksum is None:
        return rest, False
    same = bool(rest) and rest[0].record.position == positions.encode(place)
    return (rest[1:], False) if same else (rest, True)


def _generation(line: Line) -> str:
    return line.record.position.rsplit("~", 3)[1]


def _lost(place: Position, lines: list[Line]) -> Gap:
    following = positions.decode(lines[0].record.position) if lines else None
    return Gap(place.file, place, following, None, None, "rotated-away")


def _read(feed: Feed, batches: list[Batch], at: float) -> list[Line]:
    reader = feed.new_reader()
    lines: list[Line] = []
    for batch in batches:
        lines += reader.read(batch, at=at, history=True)
    return lines


def _in_order(lines: list[Line]) -> list[Line]:
    """Keys that never decrease, also over the seam of two readings."""
    highest = -(1 << 62)
    for line in lines:
        if line.key < highest:
            line.key = highest
        highest = line.key
    return lines
