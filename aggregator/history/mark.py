"""How far a reader of history has come in one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.errors import Gone
from aggregator.history.entry import Place
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


def locate(slices: Sequence[Slice], place: Place, file: File) -> int:
    """The slice that a place is in: plain and long ones first, as a copy may be cut short. Raises Gone."""
    held = [
        index
        for index, piece in enumerate(slices)
        if piece.one.id == place.generation and (piece.one.size is None or piece.one.size >= place.offset)
    ]
    if not held:
        raise Gone(f"what {file.path} on {file.host} held there is gone")
    return min(held, key=lambda index: (slices[index].one.kind != "plain", -(slices[index].one.size or 0)))
