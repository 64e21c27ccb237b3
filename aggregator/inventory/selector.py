"""The selector language of host sets: ClusterShell's grammar, evaluated on frozensets of the inventory's names.

selector = term *( operator term )          evaluated strictly from left to right, no spaces
operator = "," union | "&" intersection | "!" difference | "^" symmetric difference
term     = name | name with [ranges], * or ? | "@" group | "@" label ":" value | "@" label ":*" | "*" | "@*"
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aggregator import limits
from aggregator.errors import Fault, UsageError
from aggregator.inventory import hosts

Labels = Mapping[str, Mapping[str, frozenset[str]]]
"""Label key → value → the names of the hosts that carry it."""

_OPERATORS = ",&!^"
_TOKEN = re.compile(r"(?:[^,&!^\[\]]|\[[^\[\]]*\]|[\[\]])*")


class Groups(Protocol):
    """Where members of groups are looked up: a mapping that may find them only when asked."""

    def __contains__(self, name: object, /) -> bool: ...
    def __getitem__(self, name: str, /) -> frozenset[str]: ...
    def __iter__(self) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class Universe:
    """What selectors can name: hosts, groups and labels, all of them of hosts that the asker may see."""

    names: frozenset[str]
    groups: Groups
    labels: Labels

    def seen_by(self, visible: frozenset[str]) -> Universe:
        """The same without the hosts that are hidden, and without groups and labels of hidden hosts alone."""
        members = {name: self.groups[name] for name in self.groups}
        groups = {name: found & visible for name, found in members.items() if found & visible or not found}
        labels = {
            key: {value: found & visible for value, found in values.items() if found & visible}
            for key, values in self.labels.items()
        }
        return Universe(self.names & visible, groups, {key: values for key, values in labels.items() if values})


def index_labels(labels: Mapping[str, Mapping[str, str]]) -> Labels:
    """Turn host → key → value around."""
    index: dict[str, dict[str, set[str]]] = {}
    for host, pairs in labels.items():
        for key, value in pairs.items():
            index.setdefault(key, {}).setdefault(value, set()).add(host)
    return {key: {value: frozenset(found) for value, found in values.items()} for key, values in index.items()}


def union(selectors: Sequence[str], universe: Universe, parameter: str) -> frozenset[str]:
    """The hosts that any of some selectors stands for. Raises UsageError with the faults of all of them."""
    found: set[str] = set()
    faults: list[Fault] = []
    for one in selectors:
        try:
            found |= select(one, universe, parameter)
        except UsageError as error:
            faults.extend(error.faults)
    if faults:
        raise UsageError(faults[: limits.SELECTOR_FAULTS])
    return frozenset(found)


def select(selector: str, universe: Universe, parameter: str) -> frozenset[str]:
    """The hosts that a selector stands for. Raises UsageError with all its faults, each with its column."""
    return _Evaluation(universe, parameter).run(selector)


class _Evaluation:
    """One pass over one selector; collects faults and counts what was expanded."""

    def __init__(self, universe: Universe, parameter: str) -> None:
        self._universe = universe
        self._parameter = parameter
        self._faults: list[Fault] = []
        self._names_left = limits.SELECTOR_NAMES
        self._looks_left = limits.SELECTOR_LOOKS

    def run(self, selector: str) -> frozenset[str]:
        result: set[str] = set()
        for operator, term, column in self._terms(selector):
            try:
                found = self._term(term)
            except ValueError as error:
                self._faults.append(Fault(self._parameter, str(error), column))
                if len(self._faults) >= limits.SELECTOR_FAULTS:
                    break
                continue
            _combine(result, operator, found)
        if self._faults:
            raise UsageError(self._faults)
        return frozenset(result)

    def _terms(self, selector: str) -> list[tuple[str, str, int]]:
        """(operator before it, term, column of the term from 1) of each term."""
        if len(selector) > limits.SELECTOR_CHARACTERS:
            raise UsageError(Fault(self._parameter, f"longer than {limits.SELECTOR_CHARACTERS:,} characters"))
        terms: list[tuple[str, str, int]] = []
        at, operator = 0, ","
        while True:
            match = _TOKEN.match(selector, at)
            end = match.end() if match else at
            terms.append((operator, selector[at:end], at + 1))
            if len(terms) > limits.SELECTOR_TERMS:
                raise UsageError(Fault(self._parameter, f"more than {limits.SELECTOR_TERMS:,} terms", at + 1))
            if end >= len(selector):
                return terms
            operator, at = selector[end], end + 1

    def _term(self, term: str) -> frozenset[str]:
        _check_characters(term)
        group = term.startswith("@")
        bare = term[1:] if group else term
        if bare == "*":
            return self._looked_at(self._universe.names)
        names = hosts.expand(bare, self._names_left)
        if len(names) > 1:
            self._names_left -= len(names)
        if group:
            return frozenset[str]().union(*(self._looked_at(self._group(name)) for name in names))
        if "*" in bare or "?" in bare:
            return self._wildcard(bare, names)
        return self._known(names)

    def _known(self, names: list[str]) -> frozenset[str]:
        known = self._universe.names
        missing = [name for name in names if name not in known]
        if len(missing) > 1:
            raise ValueError(f"unknown hosts {_shorten(hosts.fold(missing))}")
        if missing:
            raise ValueError(f"unknown host {missing[0]!r}{self._hint(missing[0])}")
        return frozenset(names)

    def _wildcard(self, term: str, patterns: list[str]) -> frozenset[str]:
        names = self._universe.names
        found = frozenset(name for pattern in patterns for name in fnmatch.filter(self._looked_at(names), pattern))
        if not found:
            raise ValueError(f"no host matches {_shorten(term)!r}")
        return found

    def _looked_at(self, names: frozenset[str]) -> frozenset[str]:
        """The same names, counted: their number is work, and a stranger may have written the selector."""
        self._looks_left -= len(names)
        if self._looks_left < 0:
            raise ValueError("too many groups and wildcards of too many hosts for one selector")
        return names

    def _hint(self, name: str) -> str:
        if name in self._universe.groups:
            return f" (the group is written '@{name}')"
        return hosts.hint(name, self._universe.names)

    def _group(self, name: str) -> frozenset[str]:
        if name in self._universe.groups:
            return self._universe.groups[name]
        if ":" in name:
            return self._label(name)
        if not hosts.is_name(name):
            raise ValueError(f"wildcards match names of hosts, not groups: '@{name}'")
        if name in self._universe.labels:
            raise ValueError(f"unknown group '@{name}' (hosts with that label: '@{name}:*')")
        if name in self._universe.names:
            raise ValueError(f"unknown group '@{name}' (the host is written '{name}')")
        raise ValueError(f"unknown group '@{name}'{hosts.hint(name, list(self._universe.groups))}")

    def _label(self, term: str) -> frozenset[str]:
        """`key:value` or `key:*`; keys and values may hold colons themselves, the shortest key that fits is it."""
        labels, known = self._universe.labels, None
        for at, character in enumerate(term):
            key, value = term[:at], term[at + 1 :]
            if character != ":" or key not in labels:
                continue
            known = known or (key, value)
            if value == "*":
                return frozenset[str]().union(*labels[key].values())
            if value in labels[key]:
                return labels[key][value]
        if known is None:
            key = term.split(":", 1)[0]
            raise ValueError(f"no host has a label {key!r}{hosts.hint(key, labels)}")
        key, value = known
        raise ValueError(f"no host has the label {key!r} with the value {value!r}{hosts.hint(value, labels[key])}")


def _combine(result: set[str], operator: str, right: frozenset[str]) -> None:
    """Change `result` in place: a new set for each of many terms would take too long."""
    match operator:
        case "&":
            result &= right
        case "!":
            result -= right
        case "^":
            result ^= right
        case _:
            result |= right


def _check_characters(term: str) -> None:
    if not term:
        raise ValueError("a name is missing here")
    if any(character.isspace() for character in term):
        raise ValueError("spaces are not allowed in a selector")
    outside = re.sub(r"\[[^\[\]]*\]", "0", term.removeprefix("@"))
    if outside == "":
        raise ValueError("the name of a group is missing after '@'")
    wrong = re.search(r"[^A-Za-z0-9._:\-*?\[\]]", outside)
    if wrong:
        raise ValueError(f"the character {wrong[0]!r} can't be part of a name ({hosts.NAME_RULE})")


def _shorten(text: str, most: int = 120) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
