"""What a YAML file says, with the place of every value and key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.errors import Mark

Path = tuple[str | int, ...]
"""Keys and list indices that lead to a value."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value; `sound` is false for one that was already reported, so that it isn't twice."""

    value: str | int | float | bool | None
    mark: Mark
    sound: bool = True
    size: int = 1


@dataclass(frozen=True, slots=True)
class Listing:
    """A list; `size` counts the values below it, with aliases written out."""

    items: tuple[Node, ...]
    mark: Mark
    size: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping and its value; `written` is the key in the file: a range, where `key` is one host of it."""

    written: str
    mark: Mark
    node: Node


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping, by key; `size` counts the values below it, with aliases written out."""

    entries: Mapping[str, Entry]
    mark: Mark
    size: int


Node = Scalar | Listing | Table


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: its own mark, its key's mark, and its path as written in the file."""

    mark: Mark
    key: Mark
    written: str


def plain(node: Node) -> Any:
    """The value without marks: dict, list, str, int, float, bool or None."""
    match node:
        case Scalar():
            return node.value
        case Listing():
            return [plain(item) for item in node.items]
        case Table():
            return {key: plain(entry.node) for key, entry in node.entries.items()}


def places(node: Node, path: Path = (), key: Mark | None = None, written: str = "") -> Iterator[tuple[Path, Place]]:
    """The place of a value and of every value below it."""
    yield path, Place(node.mark, key or node.mark, written)
    match node:
        case Listing():
            for index, item in enumerate(node.items):
                yield from places(item, (*path, index), item.mark, f"{written}[{index}]")
        case Table():
            for name, entry in node.entries.items():
                inner = f"{written}.{entry.written}" if written else entry.written
                yield from places(entry.node, (*path, name), entry.mark, inner)


def unsound(node: Node) -> Iterator[Mark]:
    """The marks of values that were already reported."""
    match node:
        case Scalar():
            if not node.sound:
                yield node.mark
        case Listing():
            for item in node.items:
                yield from unsound(item)
        case Table():
            for entry in node.entries.values():
                yield from unsound(entry.node)
