"""The generations of a log on its host: the file itself, and what rotation has made of it, compressed or not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from aggregator import limits
from aggregator.history.generation.inode import is_older, is_unique
from aggregator.inventory.globs import is_generation
from aggregator.model import File
from aggregator.remote import commands
from aggregator.remote.link import Link
from aggregator.remote.trouble import trouble
from aggregator.stream.lines import closed_generation_of, generation_of

_LINE_BYTES = 4096 + 2 * limits.HEAD_BYTES + 128  # of the listing: a path, a hexadecimal head and some numbers
_SHAPE = re.compile(  # of what generations.sh says; a host may say anything
    r"G [!-~]{1,100} \d{1,14} -?\d{1,11} (?:plain|gz|xz|zst|bz2) "
    r"(?:-|\?[a-z0-9]{0,20}|(?:[0-9a-f]{2}){1,1024}) /[^\0]{1,4095}",
    re.ASCII,
)
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

    Listed until two listings agree, because one that is taken amid a rotation may miss a file. `ended` tells that
    closed ones count as not growing any more: the only line of one may lack its newline.
    """
    before: list[tuple[str, str]] | None = None
    for _ in range(limits.LISTINGS):
        found = await _list(link, file, since, ended=ended)
        names = sorted((generation.inode, generation.name) for generation in found)
        if names == before:
            return ordered(found)
        before = names
    raise trouble("remote-error", host=file.host, detail=f"the files beside {file.path} keep changing")


async def _list(link: Link, file: File, since: int, *, ended: bool) -> list[Generation]:
    limit = limits.GENERATIONS
    answer = await link.run(commands.generations(file.path, limit, since), limit * _LINE_BYTES)
    lines = answer.decode("utf-8", "surrogateescape").split("\n")[:limit]
    found = [_read(line, file, ended=ended) for line in lines if _SHAPE.fullmatch(line)]
    names = {generation.name for generation in found if generation} | {file.path}
    return [one for one in found if one and (one.live or is_generation(one.name, names))]


def _read(line: str, file: File, *, ended: bool) -> Generation | None:
    words = line.split(" ", 6)
    if len(words) != 7 or words[0] != "G":
        return None
    _, inode, size, mtime, kind, head, name = words
    unread = (head[1:] or "rights") if head.startswith("?") else None
    data = b"" if head == "-" or unread else bytes.fromhex(head)
    identity = closed_generation_of(data) if ended and name != file.path else generation_of(data)
    length = int(size) if kind == "plain" else None
    return Generation(identity, name, inode, length, int(mtime), kind, name == file.path, unread)


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
