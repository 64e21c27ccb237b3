"""Addresses of lines as text: `HOST~SOURCE~PATH~GENERATION~OFFSET~CHECKSUM`.

PATH is unpadded base64url (RFC 4648, 5), GENERATION 16, OFFSET 12 and CHECKSUM 8 lower-case hex digits, so that the
positions of one generation sort as strings; `~` needs no escaping in a URL (RFC 3986, 2.3). The address of a place
rather than of a line has no CHECKSUM.
"""

from __future__ import annotations

import base64
import binascii
import re

from aggregator.errors import Fault, UsageError
from aggregator.model import File, Position

_SHAPE = re.compile(
    r"(?P<host>[A-Za-z0-9._:-]+)~(?P<source>[A-Za-z0-9._:-]+)~(?P<path>[A-Za-z0-9_-]+)"
    r"~(?P<generation>[0-9a-f]{16})~(?P<offset>[0-9a-f]{12})(?:~(?P<checksum>[0-9a-f]{8}))?"
)
_LONGEST = 8192  # characters; a path has at most 4,096 bytes


def prefix(file: File, generation: str) -> str:
    """What all positions of a generation begin with."""
    path = base64.urlsafe_b64encode(file.path.encode("utf-8", "surrogateescape")).rstrip(b"=").decode()
    return f"{file.host}~{file.source}~{path}~{generation}~"


def encode(position: Position) -> str:
    """A position as text."""
    place = f"{prefix(position.file, position.generation)}{position.offset:012x}"
    return place if position.checksum is None else f"{place}~{position.checksum:08x}"


def decode(text: str, parameter: str = "position") -> Position:
    """A position from text, which anybody may have made up. Raises UsageError."""
    match = _SHAPE.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise UsageError(Fault(parameter, "this is not a position as a line's `position` gives it"))
    coded = match["path"]
    try:
        path = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError) as error:
        raise UsageError(Fault(parameter, "the path within this position can't be decoded")) from error
    checksum = match["checksum"]
    return Position(
        File(match["host"], match["source"], path),
        match["generation"],
        int(match["offset"], 16),
        None if checksum is None else int(checksum, 16),
    )
