"""The generations of a log with the times of their first and last lines: listed in one round trip, kept by what they
are, so that a later listing brings the bytes of new and grown ones only."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from aggregator import limits
from aggregator.errors import Gone
from aggregator.history.generation.files import Generation, ordered
from aggregator.history.generation.listing import Entry, list_files
from aggregator.history.generation.read import Moved, Where, read_bytes
from aggregator.history.seeking.alike import in_time, lead_of
from aggregator.history.seeking.sample import take
from aggregator.history.seeking.times import Facts, Looks, Times
from aggregator.model import File
from aggregator.remote.answer import patience
from aggregator.remote.link import Link
from aggregator.remote.real import judge
from aggregator.remote.trouble import trouble
from aggregator.stream.lines import closed_generation_of, generation_of
from aggregator.stream.reader import LineReader

_GZIP_RATIO = 1032  # bytes of text that a byte of deflate can hold at most (RFC 1951)
_USUAL_RATIO = 10  # of compressed logs


@dataclass(frozen=True, slots=True)
class Piece:
    """A generation, what its ends say, and what was learned of its lines by looking. `bytes` are those of its file."""

    one: Generation
    bytes: int
    facts: Facts
    looks: Looks

    @property
    def seekable(self) -> bool:
        """Whether its middle can be looked at."""
        return self.one.kind == "plain" and self.one.id is not None


async def timeline(
    link: Link, file: File, reader: Callable[[], LineReader], times: Times, since: int = 0
) -> list[Piece]:
    """The generations that were written since then (epoch seconds), oldest first, the live one last. Raises HostError;
    Moved where a file is another before its beginning could be read."""
    for _ in range(limits.LISTINGS):
        entries = await _list(link, file, times, since)
        if entries is not None:
            return await _pieces(link, file, reader, times, entries)
    raise trouble("remote-error", host=file.host, detail=f"the files beside {file.path} keep changing")


async def _list(link: Link, file: File, times: Times, since: int) -> list[Entry] | None:
    """The files of one listing; None when some were renamed meanwhile. Raises HostError (`not-allowed` where one of
    them is really a file that may not be read)."""
    listing = await list_files(link, file, since, (key for key, _ in times.facts), patience(link.host))
    if listing is None:
        return None
    if any(one.known and one.key not in times.facts for one in listing.entries):
        times.facts = {}  # a file was renamed to another kind of name, or the host makes things up
        return None
    for name, path in listing.real.items():
        judge(file.host, name, path)
    return listing.entries


async def _pieces(
    link: Link, file: File, reader: Callable[[], LineReader], times: Times, entries: Iterable[Entry]
) -> list[Piece]:
    known, facts = times.facts, dict[tuple[str, str], Facts]()
    pieces: dict[Generation, Piece] = {}
    settled = time.time() + link.known_probe().offset - limits.SEEK_SETTLED
    for entry in entries:
        said = known[entry.key] if entry.known else await _read(link, file, reader, entry)
        if not entry.unread and entry.mtime < settled:
            facts[entry.key] = said
        size = entry.size if entry.kind == "plain" else None
        one = Generation(said.id, entry.name, entry.inode, size, entry.written, entry.kind, entry.live, entry.unread)
        pieces[one] = Piece(one, entry.size, said, times.looks.get((entry.inode, said.mark), Looks()))
    times.facts = facts
    times.looks = {(one.inode, piece.facts.mark): piece.looks for one, piece in pieces.items()}
    return _in_order(pieces)


def _in_order(pieces: dict[Generation, Piece]) -> list[Piece]:
    """Oldest first, the live one last."""
    found = [pieces[one] for one in ordered(list(pieces))]
    closed = [piece for piece in found if not piece.one.live]
    closed = in_time(closed, lambda one: one.facts.head.begin if one.facts.head else None, lambda one: one.one.mtime)
    return closed + [piece for piece in found if piece.one.live]


async def _read(link: Link, file: File, reader: Callable[[], LineReader], entry: Entry) -> Facts:
    """What the two ends of a file say."""
    head, tail = entry.head, entry.tail
    identity = generation_of(head) if entry.live else closed_generation_of(head)
    if entry.kind != "plain":
        whole = len(head) < limits.SEEK_HEAD
        first = take(reader, head, 0, entry.written, whole=whole)
        if first is None and not whole:
            first = take(reader, await _more(link, file, entry), 0, entry.written)
        size = len(head) if whole and head else _unpacked(entry, tail)
        return Facts(identity, size, 0, first, None, _mark(head), lead_of(head, first))
    start = max(0, entry.size - len(tail)) if tail else 0
    end = (tail or head[: entry.size]).rfind(b"\n") + 1
    first = take(reader, head, 0, entry.written, whole=not tail and not entry.live)
    last = take(reader, tail or head, start, entry.written, whole=not entry.live)
    stop = start + end if end else entry.size
    return Facts(identity, entry.size, stop, first, last, _mark(head), lead_of(head, first))


async def _more(link: Link, file: File, entry: Entry) -> bytes:
    """The first `limits.SEEK_FIRST` bytes of a compressed file's text. Raises HostError, Moved."""
    data = b""
    try:
        where = Where(entry.name, entry.kind, entry.inode)
        async with aclosing(read_bytes(link, file, None, 0, limits.SEEK_FIRST, where)) as chunks:
            async for part in chunks:
                data += part
    except Moved:
        raise
    except Gone:
        pass  # there are fewer
    return data


def _unpacked(entry: Entry, tail: bytes) -> int:
    """About how many bytes a compressed file's text has; gzip ends with that number, modulo 2**32 (RFC 1952)."""
    said = int.from_bytes(tail[-4:], "little")
    if entry.kind == "gz" and entry.size < said <= entry.size * _GZIP_RATIO:
        return said
    return entry.size * _USUAL_RATIO


def _mark(head: bytes) -> bytes:
    return hashlib.sha256(head).digest()
