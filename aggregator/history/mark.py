"""How far a reader of history has come in one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.errors import Gone
from aggregator.history.entry import Place, hint_of
from aggregator.history.seek import Slice
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


def locate(slices: Sequence[Slice], place: Place, file: File) -> int:
    """The slice that a place is in; of several that begin alike the file that it was in, else a plain and long one, as
    a copy may be cut short. Raises Gone."""
    held = [
        index
        for index, piece in enumerate(slices)
        if (piece.one.id or NO_GENERATION) == place.generation
        and (piece.one.size is None or piece.one.size >= place.offset)
    ]
    if not held:
        raise Gone(f"what {file.path} on {file.host} held there is gone")
    ones = [slices[index].one for index in held]
    return min(
        zip(held, ones, strict=True),
        key=lambda each: (hint_of(each[1]) != place.hint, each[1].kind != "plain", -(each[1].size or 0)),
    )[0]
