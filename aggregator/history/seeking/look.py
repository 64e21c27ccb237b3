"""Looks into the middle of files: some blocks of several places, in one round trip."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from aggregator import limits
from aggregator.errors import HostError
from aggregator.history.generation.read import Moved
from aggregator.history.seeking.sample import take
from aggregator.history.seeking.timeline import Piece
from aggregator.model import File
from aggregator.remote import commands
from aggregator.remote.answer import patience
from aggregator.remote.header import read_header
from aggregator.remote.link import Link
from aggregator.remote.transport import Channel
from aggregator.remote.trouble import trouble
from aggregator.stream.lines import generation_of
from aggregator.stream.reader import LineReader

_BLOCK = limits.SEEK_BLOCK
_MARK_BYTES = 40  # of the line after a run, at most


async def look(link: Link, file: File, reader: Callable[[], LineReader], piece: Piece, places: Iterable[int]) -> None:
    """Learn what the lines near some offsets of a plain generation say of their time; where a block holds no line with
    a stamp, more of them are read, once. Raises HostError; Moved where the file is another or shorter now."""
    whole = piece.bytes // _BLOCK  # the last block may grow
    blocks = sorted({place // _BLOCK for place in places if place // _BLOCK < whole})
    for count in (1, limits.SEEK_WIDE):
        if not blocks:
            return
        runs = [(first, min(count, whole - first)) for first in blocks]
        blocks = []
        for (first, _), data in zip(runs, await _read(link, file, piece, runs), strict=True):
            sample = take(reader, data, first * _BLOCK, piece.one.mtime)
            if sample:
                piece.looks.samples[sample.first] = sample
            elif count == 1:
                blocks.append(first)
            else:
                piece.looks.blind.add(first * _BLOCK)


async def _read(link: Link, file: File, piece: Piece, runs: Sequence[tuple[int, int]]) -> list[bytes]:
    """The bytes of each run of blocks: number of the first, count."""
    most = sum(count * _BLOCK + _MARK_BYTES for _, count in runs)
    command = commands.blocks(piece.one.name, runs)
    seconds = patience(link.host)
    async with link.channel("command", lambda _: command, wait=False) as channel:
        try:
            async with asyncio.timeout(seconds):
                data = await _answer(channel, link, file, piece, most)
        except TimeoutError as error:
            raise trouble("timeout", endpoint=file.host, seconds=seconds) from error
    found = _cut(data, runs)
    if found is None:
        raise Moved(f"{piece.one.name} on {file.host} is shorter now")
    return found


async def _answer(channel: Channel, link: Link, file: File, piece: Piece, most: int) -> bytes:
    """What blocks.sh says after its header, hardly more than `most` bytes of it. Raises HostError, Moved."""
    one = piece.one
    moved = Moved(f"{one.name} on {file.host} is another file now")
    try:
        user = link.known_probe().user
        header, data = (await read_header(channel, path=one.name, host=file.host, user=user))[:2]
    except HostError as error:
        if error.cause == "no-file":
            raise moved from error
        raise
    if header.inode != one.inode or header.size < piece.bytes or generation_of(header.head) != one.id:
        raise moved
    while len(data) <= most:
        more, said = await channel.read()
        data += more
        if not more and not said:
            break
    ended = await channel.exit()
    if ended.lost or ended.status is None:
        raise trouble("lost", endpoint=file.host)
    return data


def _cut(data: bytes, runs: Sequence[tuple[int, int]]) -> list[bytes] | None:
    """What blocks.sh has said, run by run; None where it is shorter than the file was."""
    found: list[bytes] = []
    at = 0
    for first, count in runs:
        end = at + count * _BLOCK
        mark = b"\nB %d:%d\n" % (first, count)
        if not data.startswith(mark, end):
            return None
        found.append(data[at:end])
        at = end + len(mark)
    return found
