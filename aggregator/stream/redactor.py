"""What is secret in log text: the built-in kinds and an inventory's own. It is replaced by `[redacted:NAME]`."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import re2

from aggregator import limits
from aggregator.inventory.settings import Redact
from aggregator.stream import keys, secrets
from aggregator.stream.keys import Span

Secrets = Mapping[int, Sequence[Span]]  # by the index of a line

_ONE_LINE = re.compile(  # a pattern that can't match a newline, as far as a look tells
    r"(?:[^\\\[(]|\((?:\?:|\?i:|\?i\)|\?P?<\w+>)?(?!\?)|\\[dwSbB]|\\[^A-Za-z0-9]"
    r"|\[(?!\^)(?:[ -Z^-~]|\\[dw]|\\[^A-Za-z0-9])+\])*"
)


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    pattern: Any


class Redactor:
    """What is secret: the built-in kinds and an inventory's own. `rules` tells redactors that find the same apart;
    `crosses` that a match may go over several lines of a record."""

    def __init__(self, rules: Redact) -> None:
        self.rules = rules
        builtin = [_Kind(kind.name, _compile(kind.pattern)) for kind in secrets.BUILTIN] if rules.builtin else []
        own = [(_Kind(kind.name, _compile(f"(?m){kind.pattern}")), kind.pattern) for kind in rules.patterns]
        self.keys = rules.builtin
        self._kinds = [*builtin, *(kind for kind, pattern in own if _ONE_LINE.fullmatch(pattern))]
        self._crossing = [kind for kind, pattern in own if not _ONE_LINE.fullmatch(pattern)]
        self._card = _compile(secrets.CARD) if rules.builtin else None
        self._any = [_compile(_either())] if rules.builtin else []
        self._any += [kind.pattern for kind, _ in own]
        self.crosses = bool(self._crossing)
        names = {kind.name for kind in [*self._kinds, *self._crossing]} | (
            {keys.NAME, secrets.CARD_NAME} if rules.builtin else set()
        )
        self._places = [_place(name) for name in sorted(names)]

    def __bool__(self) -> bool:
        return bool(self._any)

    def hits(self, text: str) -> list[tuple[int, int]]:
        """Where there may be something to redact: quick, for a whole batch."""
        return [match.span() for pattern in self._any for match in pattern.finditer(text)]

    def lines(self, texts: Sequence[str]) -> Secrets:
        """What is secret in each of some lines by itself; private keys are `Redaction`'s."""
        found = _by_line(self._found("\n".join(texts), self._kinds, self._card), texts)
        for index, text in enumerate(texts) if self._crossing else ():
            found.setdefault(index, []).extend(self._found(text, self._crossing, None))
        return {index: merged(spans) for index, spans in found.items() if spans}

    def crossing(self, texts: Sequence[str]) -> Secrets:
        """What own patterns find in the lines of a record together."""
        return _by_line(self._found("\n".join(texts), self._crossing, None), texts) if self._crossing else {}

    def outside(self, text: str, *, fold: bool) -> str:
        """The longest part of a text that stands in a line as it was written wherever the whole stands in the line as
        it is shown; empty where there is none."""
        places = [place.lower() for place in self._places] if fold else self._places
        parts = _outside(text, text.lower() if fold else text, places)
        return max(parts, key=lambda part: len(part.encode()), default="")

    def _found(self, text: str, kinds: Sequence[_Kind], card: Any) -> Iterator[Span]:
        for kind in kinds:
            for match in kind.pattern.finditer(text):
                start, end = match.span(1) if kind.pattern.groups and match.span(1)[0] >= 0 else match.span()
                if start < end:
                    yield start, end, kind.name
        for match in card.finditer(text) if card else ():
            if secrets.is_card(match.group()):
                yield *match.span(), secrets.CARD_NAME


def redactor_of(rules: Redact) -> Redactor | None:
    """What takes secrets out by these rules; None where nothing is secret."""
    redactor = Redactor(rules)
    return redactor if redactor else None


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans from left to right, those that overlap made one under the first one's name."""
    found: list[Span] = []
    for start, end, name in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]), found[-1][2])
        else:
            found.append((start, end, name))
    return found


def replaced(text: str, spans: Iterable[Span]) -> str:
    """A text without what is secret."""
    parts: list[str] = []
    at = 0
    for start, end, name in merged(spans):
        parts += [text[at:start], _place(name)]
        at = end
    return "".join([*parts, text[at:]])


def _by_line(spans: Iterable[Span], texts: Sequence[str]) -> dict[int, list[Span]]:
    """Spans of lines joined by newlines, as those of each."""
    found: dict[int, list[Span]] = {}
    starts = [0, *accumulate(len(text) + 1 for text in texts)]
    for start, end, name in spans:
        for index in range(bisect_right(starts, start) - 1, len(texts)):
            at = starts[index]
            if at >= end:
                break
            if start < at + len(texts[index]):
                found.setdefault(index, []).append((max(start - at, 0), min(end - at, len(texts[index])), name))
    return found


def _place(name: str) -> str:
    return f"[redacted:{name}]"


def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = limits.REDACT_MEMORY
    return re2.compile(pattern, options)


def _either() -> str:
    """One pattern that matches wherever one of the built-in kinds may."""
    kinds = [*(kind.pattern for kind in secrets.BUILTIN), secrets.CARD]
    return "|".join(f"(?:{pattern})" for pattern in kinds)


def _outside(text: str, folded: str, places: Sequence[str]) -> list[str]:
    """The parts of a text that no part of a place overlaps in any way."""
    for place in places:
        if folded in place:
            return []
        at = folded.find(place)
        if at >= 0:
            end = at + len(place)
            return _outside(text[:at], folded[:at], places) + _outside(text[end:], folded[end:], places)
        for size in range(min(len(folded), len(place)) - 1, 0, -1):
            if folded.startswith(place[-size:]):
                return _outside(text[size:], folded[size:], places)
            if folded.endswith(place[:size]):
                return _outside(text[:-size], folded[:-size], places)
    return [text] if text else []
