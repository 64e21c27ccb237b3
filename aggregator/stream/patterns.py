"""Users' patterns, in RE2's syntax (https://github.com/google/re2/wiki/Syntax): linear in the line, bounded in memory.

They are matched against bytes: RE2 works on UTF-8, and its wrapper converts text and offsets again at each call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import re2

from aggregator.errors import Fault
from aggregator.limits import PATTERN_CHARS, PATTERN_MEMORY, PATTERN_PROGRAM, PATTERNS


class Match(Protocol):
    """A match of a `Pattern`."""

    def span(self) -> tuple[int, int]:
        """Byte offsets of its start and end."""
        ...


class Pattern(Protocol):
    """The part that is used here of what `re2` compiles."""

    @property
    def programsize(self) -> int:
        """The number of RE2's instructions."""
        ...

    def search(self, text: bytes) -> Match | None:
        """The first match."""
        ...

    def finditer(self, text: bytes) -> Iterator[Match]:
        """All matches, from left to right, none overlapping."""
        ...


def compile_all(parameter: str, patterns: Sequence[str], faults: list[Fault]) -> tuple[Pattern, ...]:
    """These patterns, compiled; what is wrong with them is added to `faults`, under the parameter's name."""
    if len(patterns) > PATTERNS:
        faults.append(Fault(parameter, f"{len(patterns)} patterns; at most {PATTERNS} are taken"))
        return ()
    compiled = []
    for pattern in patterns:
        made = _compile(pattern)
        if isinstance(made, _Wrong):
            faults.append(Fault(parameter, made.detail, made.column))
        else:
            compiled.append(made)
    return tuple(compiled)


@dataclass(frozen=True, slots=True)
class _Wrong:
    detail: str
    column: int | None = None


def _compile(pattern: str) -> Pattern | _Wrong:
    if len(pattern) > PATTERN_CHARS:
        return _Wrong(f"the pattern has {len(pattern)} characters; at most {PATTERN_CHARS} are taken")
    for character, name in (("\0", "NUL"), ("\n", "newline")):
        if character in pattern:
            return _Wrong(
                f"the pattern holds a {name}, which no line does; lines are matched one by one",
                pattern.index(character) + 1,
            )
    try:
        encoded = pattern.encode()
    except UnicodeEncodeError as error:
        return _Wrong("the pattern is not valid UTF-8", error.start + 1)
    return _compiled(pattern, encoded)


def _compiled(pattern: str, encoded: bytes) -> Pattern | _Wrong:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY
    try:
        compiled: Pattern = re2.compile(encoded, options)
    except re2.error as error:
        return _explained(pattern, error.args[0])
    finally:
        re2.purge()  # re2's own cache would keep the memory of 128 patterns whose viewers have long gone
    if compiled.programsize > PATTERN_PROGRAM:
        return _Wrong("the pattern is too large; fewer or smaller repetitions would help")
    return compiled


def _explained(pattern: str, message: bytes | str) -> _Wrong:
    """RE2's own words, `message: fragment`, and where the fragment stands if there is no doubt."""
    words = message.decode("utf-8", "replace") if isinstance(message, bytes) else message
    _, _, fragment = words.partition(": ")
    if not fragment or pattern.count(fragment) != 1 or pattern.find(fragment, pattern.find(fragment) + 1) >= 0:
        return _Wrong(words)
    return _Wrong(words, pattern.index(fragment) + 1)
