"""What every match of a pattern must contain: so that a host can pass over lines without it (`grep -F`).

A conservative walk over RE2's syntax (https://github.com/google/re2/wiki/Syntax): literals, escaped punctuation,
groups, alternations (nothing in them is required), quantifiers, classes as opaque; anything else: no literal. Python's
parser of patterns can't be used: it reads `[[:digit:]]foo` otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PUNCTUATION = frozenset("\\.+*?()|[]{}^$-/\"'#&%@!,:;<>=~` _")
_OPAQUE_ESCAPES = frozenset("dDsSwWbBAz")
_SPECIAL = frozenset("\\.+*?()|[]{}^$")
_UNSAFE = frozenset("\0\n\r\ufffd")  # no line as delivered holds these as they were written
_REPEAT = re.compile(r"\{(\d{1,4})(?:,(\d{0,4}))?\}")
_GROUP = re.compile(r"\((?:\?:|\?P?<\w+>)?(?!\?)")
_CLASS = re.compile(r"\[\^?\]?(?:\[:\^?[a-z]+:\]|\\.|[^\]\\\[])*\]")


@dataclass(frozen=True, slots=True)
class Literal:
    """A text that every matching line contains; with `fold`, in any mixture of upper and lower case (ASCII)."""

    text: str
    fold: bool = False


class _Unknown(Exception):
    """Something that this walk does not know."""


class _Walk:
    """Collects runs of characters that must follow one another in every match."""

    def __init__(self, pattern: str, at: int) -> None:
        self._pattern = pattern
        self._at = at
        self.runs: list[str] = []
        self._run = ""

    def whole(self) -> None:
        """The pattern to its end. Raises _Unknown."""
        self._alternatives()
        if self._at < len(self._pattern):
            raise _Unknown

    def _alternatives(self) -> None:
        """Branches up to a `)` or the end; where there are several, nothing in them is required."""
        before = len(self.runs)
        self._break()
        branches = 1
        while (char := self._peek()) not in ("", ")"):
            if char == "|":
                branches += 1
                self._at += 1
                self._break()
            else:
                self._piece(char)
        self._break()
        if branches > 1:
            del self.runs[before:]

    def _piece(self, char: str) -> None:
        """An atom and its quantifier."""
        start, before = self._run, len(self.runs)
        if char == "(":
            self._group()
            literal = ""
        else:
            literal = self._atom(char)
        least, repeated = self._quantifier()
        if literal:
            self._run = start + literal if least else start
        if not literal or repeated:
            if not literal and not least:
                del self.runs[before:]
                self._run = start
            self._break()

    def _group(self) -> None:
        match = _GROUP.match(self._pattern, self._at)
        if match is None:
            raise _Unknown
        self._break()
        self._at = match.end()
        self._alternatives()
        if self._peek() != ")":
            raise _Unknown
        self._at += 1

    def _atom(self, char: str) -> str:
        """The literal character that comes, or nothing for what may match many."""
        if char == "[":
            match = _CLASS.match(self._pattern, self._at)
            if match is None:
                raise _Unknown
            self._at = match.end()
            return ""
        self._at += 1
        if char == "\\":
            escaped = self._peek()
            self._at += 1
            if escaped in _OPAQUE_ESCAPES and escaped:
                return ""
            if escaped not in _PUNCTUATION or not escaped:
                raise _Unknown
            return escaped
        if char in ".^$":
            return ""
        if char in _SPECIAL:
            raise _Unknown
        return "" if char in _UNSAFE else char

    def _quantifier(self) -> tuple[bool, bool]:
        """Whether the atom must be there, and whether it is followed by anything but what comes next."""
        char = self._peek()
        if char in ("*", "+", "?") and char:
            self._at += 1
            least = char == "+"
        elif char == "{":
            match = _REPEAT.match(self._pattern, self._at)
            if match is None:
                raise _Unknown
            self._at = match.end()
            least = int(match[1]) > 0
        else:
            return True, False
        if self._peek() == "?":
            self._at += 1
        if self._peek() in ("*", "+", "?", "{"):
            raise _Unknown
        return least, True

    def _break(self) -> None:
        if self._run:
            self.runs.append(self._run)
        self._run = ""

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]


def required_literal(pattern: str) -> Literal | None:
    """The longest text that every line which `pattern` (RE2) matches contains, or None where that is not known."""
    fold = pattern.startswith("(?i)")
    walk = _Walk(pattern, 4 if fold else 0)
    try:
        walk.whole()
    except _Unknown:
        return None
    runs = [part for run in walk.runs for part in _foldable(run)] if fold else walk.runs
    longest = max(runs, key=lambda run: len(run.encode()), default="")
    return Literal(longest, fold) if longest else None


def _foldable(run: str) -> list[str]:
    """The parts of a run whose upper and lower case are only ASCII."""
    return re.split("[^ -~]+|[kKsS]+", run)
