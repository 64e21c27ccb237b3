"""What a viewer gets of a file before its live lines: its last lines, where those begin that are live."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aggregator import limits
from aggregator.errors import Gone, HostError
from aggregator.history.generation.read import read_back
from aggregator.history.generation.seam import look_back
from aggregator.hub.feed import Feed
from aggregator.hub.ring import Entry
from aggregator.model import Batch, Gap, Position
from aggregator.stream.proof import Place, Proof
from aggregator.stream.reader import LineReader
from aggregator.stream.records import Line

Cut = tuple[int, int] | None  # (seq, offset) of the first line that is live; None: the next to come


@dataclass(slots=True)
class Backlog:
    """A file's lines before the live ones, in its order; `gap` comes before them; `note` says what is not there."""

    lines: list[Line]
    gap: Gap | None = None
    note: str | None = None


async def last_lines(feed: Feed, lines: int, cut: Cut, *, raw: bool) -> Backlog:
    """The last `lines` lines of the file before `cut`, from the ring and from the host for what is older; `raw` with
    their secrets.

    Everything that the ring can give is taken before the first wait, so that nothing comes between it and `cut`.
    """
    if lines <= 0:
        return Backlog([])
    entries = feed.ring.last(lines + _lines_at(feed, cut), cut[0] if cut else feed.ring.seq)
    first = feed.ring.first
    recent = before(await feed.read_again(entries, raw=raw), cut)[-lines:]
    if len(recent) >= lines or first is None or entries[:1] != [first] or first.batch.start == 0:
        return Backlog(recent)
    try:
        batches = await read_back(feed.link, feed.file, first.batch.generation, first.batch.start, lines - len(recent))
        reader = feed.new_reader(raw=raw)
        if batches:
            await look_back(feed.link, batches[0], None, reader, lambda: feed.new_reader(raw=True))
    except (HostError, Gone) as error:
        return Backlog(recent, note=f"older lines could not be read: {error}")
    wanted = lines - len(recent)
    older = (await _read(reader, batches, first.at))[-wanted:]
    note = None
    if len(older) < wanted and (batches[0] if batches else first.batch).start > 0:
        note = f"only the last {len(older) + len(recent)} lines were read: {limits.BACKLOG_BYTES >> 20} MiB"
    return Backlog(_in_order(older + recent), note=note)


def next_live(feed: Feed, cut: Cut) -> Position | None:
    """The address of the first line that is live; None while the file has no line."""
    stop = stop_of(feed, cut)
    return Position(feed.file, stop.generation, stop.offset) if stop else None


def is_before(line: Line, place: Position) -> bool:
    """Whether a line of the same generation is the one that `place` names, or before it; or before a place alone."""
    if generation_of(line) != place.generation:
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


@dataclass(frozen=True, slots=True)
class Stop:
    """The first line that is live, by its place in the feed and by its address; `proof` is a place that its file holds
    for sure, which tells generations apart that begin alike."""

    cut: tuple[int, int]
    generation: str
    offset: int
    proof: Place


def stop_of(feed: Feed, cut: Cut) -> Stop | None:
    """Where live lines begin now, even when more have come later; None while the file has no line."""
    entries = feed.ring.until(feed.ring.seq)
    if not entries:
        return None
    if cut is None:
        live = feed.known().generation  # late lines of a closed generation may have come after it
        own = (index for index, entry in reversed([*enumerate(entries)]) if entry.batch.generation == live)
        at = next(own, len(entries) - 1)
        return Stop((feed.ring.seq + 1, 0), entries[at].batch.generation, entries[at].batch.end, _proof(entries, at))
    at = next((index for index, entry in enumerate(entries) if entry.seq >= cut[0]), 0)
    return Stop(cut, entries[at].batch.generation, cut[1], _proof(entries, at))


def _proof(entries: list[Entry], at: int) -> Place:
    """The end of what the ring has of one file in one piece, around one of its entries."""
    while at + 1 < len(entries) and _goes_on(entries[at].batch, entries[at + 1].batch):
        at += 1
    last, text = entries[at].batch, b""
    for index in range(at, -1, -1):
        batch = entries[index].batch
        if batch.length is not None or (index < at and not _goes_on(batch, entries[index + 1].batch)):
            break
        text = batch.text[: batch.end - batch.start] + text
        if len(text) >= limits.PROOF_BYTES:
            break
    return Place(last.generation, last.end, Proof.of(text), "")


def _goes_on(one: Batch, other: Batch) -> bool:
    return one.generation == other.generation and one.end == other.start


def _lines_at(feed: Feed, cut: Cut) -> int:
    """How many lines of the ring may be behind the cut within its own batch."""
    if cut is None:
        return 0
    return sum(entry.lines for entry in feed.ring.last(1, cut[0]))


def before(lines: list[Line], cut: Cut) -> list[Line]:
    if cut is None:
        return lines
    return [line for line in lines if (line.seq, line.offset) < cut]


def generation_of(line: Line) -> str:
    return line.record.position.rsplit("~", 3)[1]


async def _read(reader: LineReader, batches: list[Batch], at: float) -> list[Line]:
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
