"""Where a page of history ended, as text that the next request brings back: nothing is kept here meanwhile.

Layout, base64url (RFC 4648, 5) without padding: version, flags, `since`, `until` (microseconds since the epoch), a
checksum of the filters; if flagged, the place in the order that was reached; for each file that was read a hash of its
name, generation, a hash of its inode, offset, lines, key and flags; the CRC-32 of all that. It is untrusted input: a
file that it names is read only if the request selects it, too.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from aggregator import limits
from aggregator.errors import Fault, TooMany, UsageError
from aggregator.history.reading.entry import Place
from aggregator.history.reading.mark import NO_GENERATION, Mark

_VERSION = 1
_HEAD = struct.Struct(">BBqqI")
_FILE = struct.Struct(">8s8sI6sIqB")
_CRC = struct.Struct(">I")
_FRONTIER = struct.Struct(">q")
_BACKWARD, _RANGE, _SINCE, _REACHED, _OVERTAKEN = 1, 2, 4, 8, 16
_PLACE, _KEY, _LOOSE, _DONE = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class Cursor:
    """`since` and `until` in microseconds since the epoch; `ranged` tells that `since` or `until` was asked for;
    `filters` is the checksum of what else was; `marks` are by the hash of each file's name. Where lines may come that
    belong before some that were given out, `frontier` is the key that was reached; `overtaken` tells that they will."""

    since: int | None
    until: int
    backward: bool
    ranged: bool
    filters: int
    marks: Mapping[bytes, Mark]
    frontier: int | None = None
    overtaken: bool = False


def encode(cursor: Cursor) -> str:
    """A cursor as text. Raises TooMany when it would be too long."""
    flags = _BACKWARD * cursor.backward | _RANGE * cursor.ranged | _SINCE * (cursor.since is not None)
    flags |= _REACHED * (cursor.frontier is not None) | _OVERTAKEN * cursor.overtaken
    head = _HEAD.pack(_VERSION, flags, cursor.since or 0, cursor.until, cursor.filters)
    if cursor.frontier is not None:
        head += _FRONTIER.pack(cursor.frontier)
    body = head + b"".join(_encode(name, mark) for name, mark in sorted(cursor.marks.items()))
    text = base64.urlsafe_b64encode(body + _CRC.pack(zlib.crc32(body))).rstrip(b"=").decode()
    if len(text) > limits.CURSOR_CHARACTERS:
        raise TooMany(f"{len(cursor.marks)} files are too many to page through; choose fewer hosts or sources")
    return text


def decode(text: str) -> Cursor:
    """A cursor from text, which anybody may have made up. Raises UsageError."""
    wrong = UsageError(Fault("cursor", "this is not a cursor as an earlier page gave it"))
    if len(text) > limits.CURSOR_CHARACTERS or not text.isascii():
        raise wrong
    try:
        body = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        (crc,) = _CRC.unpack(body[-_CRC.size :])
        version, flags, since, until, filters = _HEAD.unpack(body[: _HEAD.size])
        first = _HEAD.size + _FRONTIER.size * bool(flags & _REACHED)
        (frontier,) = _FRONTIER.unpack(body[_HEAD.size : first]) if flags & _REACHED else (None,)
        files = body[first : -_CRC.size]
        if crc != zlib.crc32(body[: -_CRC.size]) or version != _VERSION:
            raise wrong
        marks = dict(_decode(*fields) for fields in _FILE.iter_unpack(files))
    except (binascii.Error, struct.error, ValueError) as error:
        raise wrong from error
    return Cursor(
        since if flags & _SINCE else None,
        until,
        bool(flags & _BACKWARD),
        bool(flags & _RANGE),
        filters,
        marks,
        frontier,
        bool(flags & _OVERTAKEN),
    )


def _encode(name: bytes, mark: Mark) -> bytes:
    place = mark.place or Place(NO_GENERATION, 0)
    flags = _PLACE * (mark.place is not None) | _KEY * (mark.key is not None) | _LOOSE * mark.loose | _DONE * mark.done
    generation = bytes.fromhex(place.generation)
    return _FILE.pack(name, generation, place.hint, place.offset.to_bytes(6, "big"), mark.skip, mark.key or 0, flags)


def _decode(
    name: bytes, generation: bytes, hint: int, offset: bytes, skip: int, key: int, flags: int
) -> tuple[bytes, Mark]:
    place = Place(generation.hex(), int.from_bytes(offset, "big"), hint) if flags & _PLACE else None
    return name, Mark(place, skip, key if flags & _KEY else None, bool(flags & _LOOSE), bool(flags & _DONE))
