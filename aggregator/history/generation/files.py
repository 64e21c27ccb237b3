"""The generations of a log on its host: the file itself, and what rotation has made of it, compressed or not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from aggregator import limits
from aggregator.history.generation.inode import is_older, is_unique
from aggregator.history.generation.listing import Entry, list_files
from aggregator.model import File
from aggregator.remote.link import Link
from aggregator.remote.trouble import trouble
from aggregator.stream.lines import closed_generation_of, generation_of

_NUMBER = re.compile(r"\.([0-9]{1,4})(?:\.(?:gz|xz|zst|bz2))?\Z")


@dataclass(frozen=True, slots=True)
class Generation:
    """One file of a log. `id` is None while its first line is not complete, `size` (of the text) for compressed ones.

    `mtime` is in seconds since the epoch; `live` tells the file that has the log's own name; `unread` says why its
    text can't be read: `rights`, or the name of the decompressor that is missing. `hint`, where it is known, tells
    generations apart that begin alike: a hash of their first stamp, which is the same after compression.
    """

    id: str | None
    name: str
    inode: str
    size: int | None
    mtime: int
    kind: str
    live: bool
    unread: str | None = None
    hint: int = field(default=0, compare=False)


async def generations(link: Link, file: File, since: int = 0, *, ended: bool = False) -> list[Generation]:
    """The generations that were written since then (epoch seconds), oldest first, the live one last. Raises HostError.

    Listed until a listing says the same at its end as at its beginning, because one that is taken amid a rotation may
    miss a file, and until a compressed file that seems to hold nothing has done so twice: its decompressor may have
    been killed. `ended` tells that closed ones don't grow any more: the only line of one may lack its newline.
    """
    before: set[str] = set()
    for _ in range(limits.LISTINGS):
        listing = await list_files(link, file, since)
        if listing is None:
            continue
        empty = {one.name for one in listing.entries if one.suspect}
        if empty <= before:
            return ordered([_generation(one, ended=ended) for one in listing.entries])
        before = empty
    raise trouble("remote-error", host=file.host, detail=f"the files beside {file.path} keep changing")


def _generation(one: Entry, *, ended: bool) -> Generation:
    head = one.head[: limits.HEAD_BYTES]
    identity = closed_generation_of(head) if ended and not one.live else generation_of(head)
    size = one.size if one.kind == "plain" else None
    return Generation(identity, one.name, one.inode, size, one.mtime, one.kind, one.live, one.unread)


def ordered(found: Sequence[Generation]) -> list[Generation]:
    """By their numbers where all closed ones have them, else by mtime, which rotation and compression keep.

    A file that is being compressed counts, what its compressor has written so far does not.
    """
    plain = {one.name for one in found if one.kind == "plain"}
    whole = [one for one in found if one.kind == "plain" or one.name.rsplit(".", 1)[0] not in plain]
    live = [one for one in whole if one.live]
    closed = sorted((one for one in whole if not one.live), key=lambda one: (one.mtime, one.name))
    numbers = {one.name: int(match[1]) for one in closed if (match := _NUMBER.search(one.name))}
    if len(numbers) == len(closed):
        closed.sort(key=lambda one: numbers[one.name])
        if _newest_first(closed):
            closed.reverse()
    return closed + live


def _newest_first(closed: Sequence[Generation]) -> bool:
    """Whether `.1` is the newest, as logrotate has it; log4j also counts upwards. `closed` are by their numbers.

    That they count upwards, mtimes and births of plain files must both say: one late write to an older file turns
    mtimes round, and copying files to another disk turns births round. Where no births are known (only GNU's stat
    tells them), two mtimes must say so.
    """
    written = [one.mtime for one in closed]
    upwards = sum((first < second) - (first > second) for first, second in pairwise(written))
    births = [one.inode for one in closed if one.kind == "plain" and is_unique(one.inode)]
    if len(births) < 2:
        return upwards < 2
    born = sum(is_older(first, second) - is_older(second, first) for first, second in pairwise(births))
    return upwards < 1 or born < 1
