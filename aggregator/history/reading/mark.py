"""How far a reader of history has come in one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.errors import Gone
from aggregator.history.generation.files import Generation
from aggregator.history.reading.entry import Place, hint_of
from aggregator.history.seeking.seek import Slice
from aggregator.model import File


@dataclass(frozen=True, slots=True)
class Mark:
    """Where reading goes on: forward, at the beginning of a record; backward, at the end of one. Of that record, `skip`
    lines were given already. `place` None: from the very beginning. `key` is the place in the order that was reached,
    in microseconds since the epoch; `loose` tells that no stamp names the record; `done` that nothing is left."""

    place: Place | None = None
    skip: int = 0
    key: int | None = None
    loose: bool = False
    done: bool = False


START = Mark()
NO_GENERATION = "0" * 16  # of a file whose first line is not known


class Elsewhere(Gone):
    """The generation that a place is in is none of the slices'."""


def locate(slices: Sequence[Slice], place: Place, file: File, *, backward: bool) -> tuple[int, int | None]:
    """Where to go on from a place: the slice and the offset in it, None for its start (backward: its end).

    The place may lie outside of the slices, which leave out what is not needed; `-1`, or the number of slices, tells
    that nothing is left. Of several generations that begin alike it is the one that it was in, else a plain and long
    one, as a copy may be cut short. Raises Elsewhere.
    """
    held = [index for index, piece in enumerate(slices) if _holds(piece.one, place)]
    if not held:
        raise Elsewhere(f"what {file.path} on {file.host} held there is gone")
    index = min(held, key=lambda index: _rank(slices[index].one, place, index))
    piece = slices[index]
    end = piece.one.size if piece.end is None else piece.end
    if backward and end is not None and place.offset > end:
        return index, None
    if backward and place.offset < piece.start:
        return index - 1, None
    if not backward and place.offset < piece.start:
        return index, None
    if not backward and end is not None and place.offset > end:
        return index + 1, None
    return index, place.offset


def _holds(one: Generation, place: Place) -> bool:
    """A place behind a last line that lacks its newline counts that newline."""
    most = None if one.size is None else one.size + (not one.live)
    return (one.id or NO_GENERATION) == place.generation and (most is None or most >= place.offset)


def _rank(one: Generation, place: Place, index: int) -> tuple[bool, bool, int]:
    """What has another hint now can only be what was live then and has grown: one of the newest."""
    if hint_of(one) != place.hint:
        return True, False, -index
    return False, one.kind != "plain", -(one.size or 0)
