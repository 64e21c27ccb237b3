"""What somebody asks to see, checked against the inventory: the same for HTTP, sockets and the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, cast, get_args

from aggregator import limits
from aggregator.access.sight import Sight
from aggregator.errors import Fault, UsageError
from aggregator.hub.view import Pair, Selection
from aggregator.hub.wishes import Wishes
from aggregator.inventory import Inventory
from aggregator.inventory.globs import matches
from aggregator.inventory.paths import check as check_path
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
    raw: str = "0"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A query that is right: what to show, and how to begin; `reason` why with its secrets (None: without them)."""

    query: Query
    selection: Selection
    wishes: Wishes
    reason: str | None = None


def plan(query: Query, inventory: Inventory, sight: Sight) -> Plan:
    """Check a query by what exists for the asker. Raises UsageError with the faults of all its parameters."""
    seen = sight.hosts(inventory)
    faults: list[Fault] = []
    hosts = attempt(faults, lambda: inventory.select(query.hosts, visible=seen))
    sources = attempt(faults, lambda: sources_of(query.sources, inventory, sight))
    filters = attempt(faults, lambda: Filter.compile(query.grep, query.exclude, query.level))
    lines = attempt(faults, lambda: whole_number("lines", query.lines, limits.BACKLOG_LINES))
    after = attempt(faults, lambda: _after(query.after, inventory, sight))
    follow = attempt(faults, lambda: choice("follow", query.follow, ("1", "0")) == "1")
    order = attempt(faults, lambda: cast(Order, choice("order", query.order, get_args(Order))))
    reason = attempt(faults, lambda: reason_of(query.raw, query.reason))
    if faults or hosts is None or sources is None or filters is None or order is None:
        raise UsageError(faults)
    pairs = pairs_of(inventory, sources, hosts, sight)
    wanted = (query.hosts, query.sources)
    again = partial(_again, query, pairs, sight)
    selection = Selection(pairs, filters, order, wanted, again, reason is not None)
    return Plan(query, selection, Wishes(lines or 0, after or {}, bool(follow)), reason)


def pairs_of(inventory: Inventory, sources: Sequence[str], hosts: frozenset[str], sight: Sight) -> frozenset[Pair]:
    return frozenset(
        (host, name)
        for name in sources
        for host in inventory.sources[name].hosts & hosts
        if sight.source(inventory, host, name)
    )


def _again(query: Query, before: frozenset[Pair], sight: Sight, inventory: Inventory) -> frozenset[Pair]:
    """What a query comes to in a later inventory; where that no longer has what it names, what is left of before."""
    try:
        hosts = inventory.select(query.hosts, visible=sight.hosts(inventory))
        return pairs_of(inventory, sources_of(query.sources, inventory, sight), hosts, sight)
    except UsageError:
        return before & pairs_of(inventory, list(inventory.sources), sight.hosts(inventory), sight)


def attempt(faults: list[Fault], check: Callable[[], T]) -> T | None:
    """What `check` gives; where it raises UsageError, its faults are added to `faults`."""
    try:
        return check()
    except UsageError as error:
        faults.extend(error.faults)
        return None


def sources_of(names: Sequence[str], inventory: Inventory, sight: Sight) -> list[str]:
    known = {
        source.name
        for source in inventory.sources.values()
        if any(sight.source(inventory, host, source.name) for host in source.hosts)
    }
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError([Fault("source", f"unknown source: {name}") for name in unknown])
    return list(dict.fromkeys(names)) or sorted(known)


def whole_number(parameter: str, text: str, most: int) -> int:
    """A number from 0 to `most`. Raises UsageError."""
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) > most:
        raise UsageError(Fault(parameter, f"a whole number from 0 to {most}, not {text!r}"))
    return int(text)


def choice(parameter: str, text: str, choices: Sequence[str]) -> str:
    """One of some words. Raises UsageError."""
    if text not in choices:
        raise UsageError(Fault(parameter, f"one of {', '.join(choices)}, not {text!r}"))
    return text


def reason_of(raw: str, reason: str | None) -> str | None:
    """Why text is wanted with its secrets; None where it is wanted without them. Raises UsageError."""
    if choice("raw", raw, ("1", "0")) == "0":
        return None
    given = (reason or "").strip()
    if not given:
        raise UsageError(Fault("reason", "why the raw text is needed, in some words; it is written to the audit log"))
    if len(given) > limits.REASON_CHARACTERS:
        raise UsageError(Fault("reason", f"at most {limits.REASON_CHARACTERS} characters, not {len(given)}"))
    return given


def _after(texts: Sequence[str], inventory: Inventory, sight: Sight) -> dict[File, Position]:
    if len(texts) > limits.AFTER_POSITIONS:
        raise UsageError(Fault("after", f"at most {limits.AFTER_POSITIONS} positions, not {len(texts)}"))
    places: dict[File, Position] = {}
    faults: list[Fault] = []
    for text in texts:
        try:
            place = positions.decode(text, "after")
            known(place.file, inventory, sight, "after")
        except UsageError as error:
            faults.extend(error.faults)
            continue
        if place.file in places:
            faults.append(Fault("after", f"two positions of {place.file.path} on {place.file.host}"))
        places[place.file] = place
    if faults:
        raise UsageError(faults)
    return places


def known(file: File, inventory: Inventory, sight: Sight, parameter: str) -> None:
    """A position is anybody's text: its file must be one that the inventory can name and that exists for the asker.
    Raises UsageError."""
    source = inventory.sources.get(file.source)
    nowhere = UsageError(Fault(parameter, "this position names no file of the inventory"))
    try:
        check_path(file.path)  # `*` stands for `..`, too
    except ValueError:
        raise nowhere from None
    if source is None or file.host not in source.hosts or not sight.file(file):
        raise nowhere
    if not matches(path_pattern(source, inventory.hosts[file.host]), file.path):
        raise nowhere
