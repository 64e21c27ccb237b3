"""What somebody asks to see, checked against the inventory: the same for HTTP, sockets and the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast, get_args

from aggregator import limits
from aggregator.errors import Fault, UsageError
from aggregator.hub.view import Pair, Selection
from aggregator.hub.wishes import Wishes
from aggregator.inventory import Inventory
from aggregator.inventory.globs import matches
from aggregator.inventory.paths import path_pattern
from aggregator.model import File, Order, Position
from aggregator.stream import positions
from aggregator.stream.filters import Filter

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of a view as they were given; numbers and choices still as text."""

    hosts: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    grep: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    level: str | None = None
    lines: str = "100"
    after: tuple[str, ...] = ()
    follow: str = "1"
    order: str = "time"


@dataclass(frozen=True, slots=True)
class Plan:
    """A query that is right: what to show, and how to begin."""

    query: Query
    selection: Selection
    wishes: Wishes


def plan(query: Query, inventory: Inventory, visible: Callable[[Inventory], frozenset[str]]) -> Plan:
    """Check a query; `visible` are the hosts that exist for the asker. Raises UsageError with the faults of all its
    parameters."""
    seen = visible(inventory)
    faults: list[Fault] = []
    hosts = _try(faults, lambda: inventory.select(query.hosts, visible=seen))
    sources = _try(faults, lambda: _sources(query.sources, inventory, seen))
    filters = _try(faults, lambda: Filter.compile(query.grep, query.exclude, query.level))
    lines = _try(faults, lambda: whole_number("lines", query.lines, limits.BACKLOG_LINES))
    after = _try(faults, lambda: _after(query.after, inventory, seen))
    follow = _try(faults, lambda: _choice("follow", query.follow, ("1", "0")) == "1")
    order = _try(faults, lambda: cast(Order, _choice("order", query.order, get_args(Order))))
    if faults or hosts is None or sources is None or filters is None or order is None:
        raise UsageError(faults)
    pairs = _pairs(inventory, sources, hosts)
    selection = Selection(
        pairs, filters, order, (query.hosts, query.sources), lambda later: _again(query, pairs, later, visible(later))
    )
    return Plan(query, selection, Wishes(lines or 0, after or {}, bool(follow)))


def _pairs(inventory: Inventory, sources: Sequence[str], hosts: frozenset[str]) -> frozenset[Pair]:
    return frozenset((host, name) for name in sources for host in inventory.sources[name].hosts & hosts)


def _again(query: Query, before: frozenset[Pair], inventory: Inventory, visible: frozenset[str]) -> frozenset[Pair]:
    """What a query comes to in a later inventory; where that no longer has what it names, what is left of before."""
    try:
        hosts = inventory.select(query.hosts, visible=visible)
        return _pairs(inventory, _sources(query.sources, inventory, visible), hosts)
    except UsageError:
        return before & _pairs(inventory, list(inventory.sources), visible)


def _try(faults: list[Fault], check: Callable[[], T]) -> T | None:
    try:
        return check()
    except UsageError as error:
        faults.extend(error.faults)
        return None


def _sources(names: Sequence[str], inventory: Inventory, visible: frozenset[str]) -> list[str]:
    known = {source.name for source in inventory.sources.values() if source.hosts & visible}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError([Fault("source", f"unknown source: {name}") for name in unknown])
    return list(dict.fromkeys(names)) or sorted(known)


def whole_number(parameter: str, text: str, most: int) -> int:
    """A number from 0 to `most`. Raises UsageError."""
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) > most:
        raise UsageError(Fault(parameter, f"a whole number from 0 to {most}, not {text!r}"))
    return int(text)


def _choice(parameter: str, text: str, choices: Sequence[str]) -> str:
    if text not in choices:
        raise UsageError(Fault(parameter, f"one of {', '.join(choices)}, not {text!r}"))
    return text


def _after(texts: Sequence[str], inventory: Inventory, visible: frozenset[str]) -> dict[File, Position]:
    if len(texts) > limits.AFTER_POSITIONS:
        raise UsageError(Fault("after", f"at most {limits.AFTER_POSITIONS} positions, not {len(texts)}"))
    places: dict[File, Position] = {}
    faults: list[Fault] = []
    for text in texts:
        try:
            place = positions.decode(text, "after")
            known(place.file, inventory, visible, "after")
        except UsageError as error:
            faults.extend(error.faults)
            continue
        if place.file in places:
            faults.append(Fault("after", f"two positions of {place.file.path} on {place.file.host}"))
        places[place.file] = place
    if faults:
        raise UsageError(faults)
    return places


def known(file: File, inventory: Inventory, visible: frozenset[str], parameter: str) -> None:
    """A position is anybody's text: its file must be one that the inventory can name. Raises UsageError."""
    source = inventory.sources.get(file.source)
    if source is None or file.host not in source.hosts & visible:
        raise UsageError(Fault(parameter, "this position names no file of the inventory"))
    if not matches(path_pattern(source, inventory.hosts[file.host]), file.path):
        raise UsageError(Fault(parameter, "this position names no file of the inventory"))
