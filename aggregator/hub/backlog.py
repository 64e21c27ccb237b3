"""What a viewer gets of a file before its live lines: the last N lines, or all after an address."""

from __future__ import annotations

import time
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
    if len(older) < wanted and (batches[0] if batches else first.batch).start > 0:
        note = f"only the last {len(older) + len(recent)} lines were read: {limits.BACKLOG_BYTES >> 20} MiB"
    return Backlog(_in_order(older + recent), note=note)


async def after(feed: Feed, place: Position, cut: Cut) -> AsyncIterator[Backlog]:
    """All lines after an address up to `cut`, in parts; where it is gone, one gap, then the oldest generation that is
    there from its start."""
    stop = _stop(feed, cut)
    if stop is None:
        yield Backlog([], _lost(place, []) if place.generation != feed.generation else None)
        return
    lost: Position | None = None
    rewound = False
    step = 4 * limits.READ_CHUNK
    reader = feed.new_reader()
    while True:
        entries = feed.ring.until(stop.cut[0])
        if not rewound and _is_gone(entries, place):
            lost, rewound, place = place, True, Position(place.file, entries[0].batch.generation, 0)
        found = _find(entries, place)
        bound = _bound(feed, stop, place)
        if found is not None:
            lines = _before(feed.read_again(entries[found:]), stop.cut)
        elif bound <= place.offset:
            lines = []
        else:
            end = min(bound, place.offset + step)
            try:
                batches = [part async for part in read_range(feed.link, feed.file, place.generation, place.offset, end)]
            except (HostError, Gone) as error:
                lines = _before(feed.read_again(feed.ring.until(stop.cut[0])), stop.cut)
                yield Backlog(lines, _lost(lost or place, lines), note=f"lines before could not be read: {error}")
                return
            at = entries[0].at if entries else time.time()
            lines = [line for batch in batches for line in reader.read(batch, at=at, history=True)]
            if not lines and end < bound:
                step *= 4  # one line is longer than this: its bytes are read, not kept
                continue
        kept, broken = _following(lines, place)
        if broken and not rewound:
            lost, rewound, place = place, True, Position(place.file, place.generation, 0)
            continue
        yield Backlog(kept, _lost(lost, kept) if lost else None)
        if found is not None or not lines:
            return
        place, lost = Position(place.file, place.generation, lines[-1].offset + lines[-1].size), None


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
        last = entries[-1].batch
        return _Stop((feed.ring.seq + 1, 0), last.generation, last.end)
    generation = next((entry.batch.generation for entry in entries if entry.seq >= cut[0]), entries[0].batch.generation)
    return _Stop(cut, generation, cut[1])


def _is_gone(entries: list[Entry], place: Position) -> bool:
    """Whether an address can't be in the file any more: another generation, or shorter."""
    ends = [entry.batch.end for entry in entries if entry.batch.generation == place.generation]
    return bool(entries) and (not ends or place.offset > ends[-1])


def _bound(feed: Feed, stop: _Stop, place: Position) -> int:
    """The address up to which lines must be read from the host: where the ring or what is live begins."""
    bounds = [stop.offset] if stop.generation == place.generation else []
    first = feed.ring.first
    if first and first.batch.generation == place.generation:
        bounds.append(first.batch.start)
    return min(bounds, default=place.offset + limits.BACKLOG_BYTES)


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
