"""Takes secrets out of log text: whole records, before anything is clipped, matched or shown.

What is found is replaced by `[redacted:NAME]`. A record's lines are looked at together, so that a pattern may cross
them; a private key is followed over the borders of records too, as when each of its lines has a stamp of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import re2

from aggregator import limits
from aggregator.errors import Fault
from aggregator.inventory.settings import Redact
from aggregator.stream import secrets
from aggregator.stream.patterns import compile_all

Span = tuple[int, int, str]  # start, end, and the name of what stands there

_CROSSING = (r"\n", r"\s", r"\x", r"\C", r"\W", r"\D", "[^", "(?s", "(?is", "(?si", r"\P", r"\p", "[[")


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    pattern: Any
    crosses: bool  # whether a match may hold a newline


class Redactor:
    """What is secret: the built-in kinds and an inventory's own. `rules` tells redactors that find the same apart."""

    def __init__(self, rules: Redact) -> None:
        self.rules = rules
        builtin = secrets.BUILTIN if rules.builtin else ()
        self._kinds = [_Kind(kind.name, _compile(kind.pattern), False) for kind in builtin]
        self._kinds += [
            _Kind(own.name, _compile(own.pattern), any(sign in own.pattern for sign in _CROSSING))
            for own in rules.patterns
        ]
        self.crosses = any(kind.crosses for kind in self._kinds)
        self._any = [_compile(_either())] if rules.builtin else []
        self._any += [_compile(own.pattern) for own in rules.patterns]
        self.key_begin = _compile(secrets.KEY_BEGIN) if rules.builtin else None
        self.key_end = _compile(secrets.KEY_END)
        self.key_body = _compile(secrets.KEY_BODY)
        self._card = _compile(secrets.CARD) if rules.builtin else None

    def __bool__(self) -> bool:
        return bool(self._any)

    def may_hold(self, text: str) -> bool:
        """Whether there may be something to redact: quick, for a whole batch."""
        return any(pattern.search(text) for pattern in self._any)

    def spans(self, text: str) -> list[Span]:
        """What is secret in a text, from left to right, none overlapping; keys are `Redaction`'s."""
        return _merged(sorted(self._found(text)))

    def _found(self, text: str) -> Iterator[Span]:
        for kind in self._kinds:
            for match in kind.pattern.finditer(text):
                start, end = match.span(1) if kind.pattern.groups and match.span(1)[0] >= 0 else match.span()
                if start < end:
                    yield start, end, kind.name
        for match in self._card.finditer(text) if self._card else ():
            if secrets.is_card(match.group()):
                yield *match.span(), secrets.CARD_NAME


class Redaction:
    """Redacts the lines of one file in their order; remembers what the lines so far say of those to come."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._before = ""  # of the record that is under way
        self._key = 0  # lines more in which a private key may go on
        self._odd = 0  # lines of it so far that do not look like one, in a row

    def lines(self, texts: Sequence[str], begins: Sequence[bool]) -> list[str]:
        """The lines without their secrets; `begins` tells which of them begin a record."""
        redactor = self._redactor
        if not redactor or not texts:
            return list(texts)
        quiet = not self._key and not self._before
        if quiet and not redactor.crosses and not redactor.may_hold("\n".join(texts)):
            return list(texts)
        redacted: list[str] = []
        for first, last in _records(begins):
            if begins[first]:
                self._before = ""
            redacted += self._record(texts[first:last])
        return redacted

    def _record(self, texts: Sequence[str]) -> list[str]:
        """Lines of one record, or some more of it."""
        joined = "\n".join(texts)
        head = len(self._before)
        spans = [(start - head, end - head, name) for start, end, name in self._redactor.spans(self._before + joined)]
        if self._redactor.crosses:
            self._before = (self._before + joined + "\n")[-limits.REDACT_CONTEXT :]
        lines: list[str] = []
        at = 0
        for text in texts:
            end = at + len(text)
            own = [(max(s, at) - at, min(e, end) - at, name) for s, e, name in spans if s < end and e > at]
            lines.append(_replaced(text, _merged(sorted(own + self._keys(text)))))
            at = end + 1
        return lines

    def _keys(self, text: str) -> list[Span]:
        """What of a line belongs to a private key."""
        redactor = self._redactor
        if redactor.key_begin is None:
            return []
        spans: list[Span] = []
        at = 0
        while at < len(text):
            if self._key:
                at = self._inside(text, at, spans)
            else:
                begin = redactor.key_begin.search(text, at)
                if begin is None:
                    break
                self._key, self._odd = limits.REDACT_KEY_LINES, 0
                end = redactor.key_end.search(text, begin.end())
                at = end.end() if end else len(text)
                self._key = 0 if end else self._key
                spans.append((begin.start(), at, secrets.KEY_NAME))
        return spans

    def _inside(self, text: str, at: int, spans: list[Span]) -> int:
        """A line inside a key, from `at` on: its base64, up to the key's end; where to go on."""
        end = self._redactor.key_end.search(text, at)
        stop = end.start() if end else len(text)
        body = [match.span() for match in self._redactor.key_body.finditer(text[:stop], at)]
        spans += [(first, last, secrets.KEY_NAME) for first, last in body]
        self._odd = 0 if body else self._odd + 1
        self._key = 0 if end or self._odd > limits.REDACT_KEY_ODD else self._key - 1
        return end.end() if end else len(text)


def check(rules: Redact) -> list[Fault]:
    """What is wrong with an inventory's own patterns, each under `redact.patterns[N]`."""
    faults: list[Fault] = []
    for index, own in enumerate(rules.patterns):
        compiled = compile_all(f"redact.patterns[{index}]", [own.pattern], faults)
        if compiled and compiled[0].search(b"") is not None:
            faults.append(Fault(f"redact.patterns[{index}]", "the pattern matches the empty text, so every line"))
    return faults


def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = limits.REDACT_MEMORY
    return re2.compile(pattern, options)


def _either() -> str:
    """One pattern that matches wherever one of the built-in kinds may."""
    kinds = [*(kind.pattern for kind in secrets.BUILTIN), secrets.KEY_BEGIN, secrets.CARD]
    return "|".join(f"(?:{pattern})" for pattern in kinds)


def _records(begins: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """The stretches [first, last) of lines that belong to one record."""
    starts = [0, *(index for index, begin in enumerate(begins) if begin and index)]
    yield from zip(starts, [*starts[1:], len(begins)], strict=True)


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Sorted spans, those that overlap made one under the first one's name."""
    merged: list[Span] = []
    for start, end, name in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]), merged[-1][2])
        else:
            merged.append((start, end, name))
    return merged


def _replaced(text: str, spans: Sequence[Span]) -> str:
    if not spans:
        return text
    parts: list[str] = []
    at = 0
    for start, end, name in spans:
        parts += [text[at:start], f"[redacted:{name}]"]
        at = end
    return "".join([*parts, text[at:]])
