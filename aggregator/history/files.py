"""The generations of a log on its host: the file itself, and what rotation has made of it, compressed or not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aggregator import limits
from aggregator.inventory.globs import is_generation
from aggregator.model import File
from aggregator.remote import commands
from aggregator.remote.link import Link
from aggregator.remote.trouble import trouble
from aggregator.stream.lines import generation_of

_LINE_BYTES = 4096 + 2 * limits.HEAD_BYTES + 128  # of the listing: a path, a hexadecimal head and some numbers
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Generation:
    """One file of a log. `id` is None while its first line is not complete, `size` (of the text) for compressed ones.

    `mtime` is in seconds since the epoch; `live` tells the file that has the log's own name.
    """

    id: str | None
    name: str
    inode: str
    size: int | None
    mtime: int
    kind: str
    live: bool


async def generations(link: Link, file: File) -> list[Generation]:
    """All generations, oldest first, the live one last. Raises HostError.

    Listed until two listings agree, because one that is taken amid a rotation may miss a file.
    """
    before: list[tuple[str, str]] | None = None
    for _ in range(limits.LISTINGS):
        found = await _list(link, file)
        names = sorted((generation.inode, generation.name) for generation in found)
        if names == before:
            return _ordered(found)
        before = names
    raise trouble("remote-error", host=file.host, detail=f"the files beside {file.path} keep changing")


async def _list(link: Link, file: File) -> list[Generation]:
    limit = limits.GENERATIONS
    answer = await link.run(commands.generations(file.path, limit), limit * _LINE_BYTES)
    found = [_read(line, file) for line in answer.decode("utf-8", "surrogateescape").splitlines()]
    names = {generation.name for generation in found if generation} | {file.path}
    return [one for one in found if one and (one.live or is_generation(one.name, names))]


def _read(line: str, file: File) -> Generation | None:
    words = line.split(" ", 6)
    if len(words) != 7 or words[0] != "G":
        return None
    _, inode, size, mtime, kind, head, name = words
    identity = generation_of(b"" if head in ("-", "?") else bytes.fromhex(head))
    return Generation(
        identity, name, inode, int(size) if kind == "plain" else None, int(mtime), kind, name == file.path
    )


def _ordered(found: Sequence[Generation]) -> list[Generation]:
    """By mtime, which rotation and compression keep; then by number, `.2` before `.1`. A file that is being compressed
    counts, what its compressor has written so far does not."""
    plain = {one.name for one in found if one.kind == "plain"}
    whole = [one for one in found if one.kind == "plain" or one.name.rsplit(".", 1)[0] not in plain]
    return sorted(whole, key=lambda one: (one.live, one.mtime, [-int(number) for number in _NUMBER.findall(one.name)]))
