"""Paths of sources: variables and dates in them.

`${host}`, `${date}` (= `${date:%Y-%m-%d}`), `${LABEL}` for any label of the host, `$$` for `$`. What they may expand
to is bounded by their alphabets: a path can't get another directory, wildcard or line through a variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from aggregator import limits
from aggregator.inventory import hosts
from aggregator.inventory.globs import compile_glob, has_wildcard, is_generation, matches
from aggregator.model import Host, Source

__all__ = ["expand", "has_wildcard", "is_generation", "matches", "parse", "path_of", "uses_date", "variables"]

RESERVED = frozenset({"host", "date"})
DATE_FORMAT = "%Y-%m-%d"
_DIRECTIVES = "YymdjHGVub"  # numbers of a day or hour, and the month's name: nothing of locale or shorter than an hour
_PIECE = re.compile(r"\$\$|\$\{([^{}]*)\}|\$|[^$]+")
_DATE_TEXT = re.compile(rf"(?:%[{_DIRECTIVES}]|[A-Za-z0-9._:/ -])+")
_ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)
_SAMPLES = {"host": "host", "label": "label"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a path: text as it stands, the host's name, a label's value, or a date in a strftime format."""

    kind: Literal["text", "host", "label", "date"]
    value: str


@lru_cache(maxsize=1024)
def parse(path: str) -> tuple[Piece, ...]:
    """Cut a source's path into pieces. Raises ValueError with a sentence for a person."""
    check(path)
    compile_glob(path)
    pieces = tuple(_piece(match[0], match[1]) for match in _PIECE.finditer(path))
    check("".join(_SAMPLES.get(piece.kind, piece.value) for piece in pieces))
    return pieces


def _piece(text: str, name: str | None) -> Piece:
    if text == "$":
        raise ValueError("a '$' starts a variable like ${host}; write '$$' for the character itself")
    if name is None:
        return Piece("text", "$" if text == "$$" else text)
    if name == "host":
        return Piece("host", "host")
    if name == "date":
        return Piece("date", DATE_FORMAT)
    if name.startswith("date:"):
        return Piece("date", _date_format(name.removeprefix("date:")))
    if not hosts.is_name(name):
        raise ValueError(f"{text!r} is no variable; there are ${{host}}, ${{date}}, ${{date:%Y%m%d}} and labels")
    return Piece("label", name)


def _date_format(text: str) -> str:
    if _DATE_TEXT.fullmatch(text) is None or "%" not in text:
        allowed = " ".join(f"%{letter}" for letter in _DIRECTIVES)
        raise ValueError(f"{text!r} is no date format for a path; it may hold {allowed}, letters, digits and . _ : - /")
    return text


def check(path: str) -> None:
    """Raise ValueError if a path is not absolute, not in its shortest form, or holds characters that none holds."""
    if not path.startswith("/"):
        raise ValueError(f"the path {path!r} must be absolute: start it with '/'")
    if any(ord(character) < 0x20 or character == "\x7f" for character in path):
        raise ValueError("the path holds a control character (NUL, newline, tab or the like)")
    if len(path.encode("utf-8", "surrogateescape")) > limits.PATH_BYTES:
        raise ValueError(f"the path is longer than {limits.PATH_BYTES:,} bytes")
    segments = path.split("/")[1:]
    if ".." in segments:
        raise ValueError(f"the path {path!r} must not hold '..'")
    if "." in segments or "" in segments:
        raise ValueError(f"the path {path!r} must name a file without '//', '/./' or a '/' at its end")


def variables(path: str) -> Iterator[str]:
    """The labels that a host must have for this path."""
    return (piece.value for piece in parse(path) if piece.kind == "label")


def uses_date(source: Source) -> bool:
    """Whether the source's path changes with the date (so that it is followed across midnight)."""
    return source.kind == "file" and any(piece.kind == "date" for piece in parse(source.path))


def expand(source: Source, host: Host, when: datetime) -> str:
    """The path of a source on a host at a time; it may still hold wildcards. A journal's path is as it stands.

    `when` is aware; dates are in the source's timezone, else in the one that `when` carries (the host's). Raises
    ValueError if the host lacks a label or the result is not a path (`check` finds both before).
    """
    if source.kind == "journal":
        return source.path
    if when.tzinfo is None:
        raise ValueError("the time for a path needs a zone")
    local = when.astimezone(ZoneInfo(source.timezone)) if source.timezone else when
    return path_of(source.path, host.name, host.labels, local)


def path_of(path: str, host: str, labels: Mapping[str, str], when: datetime) -> str:
    """`path` with its variables replaced. Raises ValueError for a missing label or a result that is no path."""
    result = "".join(_value(piece, host, labels, when) for piece in parse(path))
    check(result)
    return result


def path_pattern(source: Source, host: Host) -> str:
    """A pattern that all paths of a source on a host match, whatever the date."""
    if source.kind == "journal":
        return source.path
    pieces = parse(source.path)
    return "".join(
        "/".join("*" for _ in piece.value.split("/"))
        if piece.kind == "date"
        else _value(piece, host.name, host.labels, _ANY_DAY)
        for piece in pieces
    )


def _value(piece: Piece, host: str, labels: Mapping[str, str], when: datetime) -> str:
    match piece.kind:
        case "text":
            return piece.value
        case "host":
            return host
        case "date":
            return when.strftime(piece.value)
        case "label":
            if piece.value not in labels:
                raise ValueError(f"${{{piece.value}}}: host {host!r} has no label {piece.value!r}")
            return labels[piece.value]
