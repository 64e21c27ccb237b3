"""The parts of a log that may hold what is looked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.errors import HostError
from aggregator.history.files import Generation, generations
from aggregator.model import File
from aggregator.remote.link import Link
from aggregator.remote.trouble import not_readable, trouble


@dataclass(frozen=True, slots=True)
class Slice:
    """The bytes [start, end) of a generation's text; `end` None: to its end."""

    one: Generation
    start: int
    end: int | None


async def whole(link: Link, file: File, since: int = 0) -> list[Slice]:
    """All generations that were written since then (epoch seconds), oldest first. Raises HostError."""
    found = await generations(link, file, since)
    for one in found:
        if one.unread:
            raise _unread(link, file, one)
    return [Slice(one, 0, one.size if one.live else None) for one in found if one.id is not None]


def contiguous(slices: Sequence[Slice], index: int) -> bool:
    """Whether a slice goes on where the one before it ends."""
    before, this = slices[index - 1], slices[index]
    return this.start == 0 and (before.end is None or before.end == before.one.size)


def _unread(link: Link, file: File, one: Generation) -> HostError:
    if one.unread == "rights":
        return not_readable(one.name, link.known_probe().user, folder=None)
    return trouble("no-decompressor", path=one.name, detail=one.unread, host=file.host)
