"""What a view shows: patterns that must match, patterns that hide, and a least level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from aggregator.errors import Fault, UsageError
from aggregator.limits import SPANS
from aggregator.stream.levels import LEVELS, at_least
from aggregator.stream.literal import Literal, required_literal
from aggregator.stream.patterns import Pattern, compile_all
from aggregator.stream.redactor import Redactor

_CONTINUATION = bytes(range(0x80, 0xC0))  # bytes of UTF-8 that go on with a code point (RFC 3629)


@dataclass(frozen=True, slots=True)
class Prefilter:
    """A pattern, and a text that all lines contain which it matches."""

    literal: Literal
    pattern: Pattern

    def may_match(self, texts: Iterable[str]) -> bool:
        """Whether the pattern matches any of some lines."""
        return any(self.pattern.search(text.encode("utf-8", "replace")) is not None for text in texts)

    def may_hold(self, texts: Iterable[str]) -> bool:
        """Whether any of some lines contains the literal."""
        wanted = self.literal.text.lower() if self.literal.fold else self.literal.text
        return any(wanted in (text.lower() if self.literal.fold else text) for text in texts)


@dataclass(frozen=True, slots=True)
class Filter:
    """Decides on one line at a time. Made by `Filter.compile`; equal and hashed by its texts."""

    grep: tuple[str, ...]
    exclude: tuple[str, ...]
    level: str | None
    _wanted: tuple[Pattern, ...] = field(compare=False, repr=False)
    _hidden: tuple[Pattern, ...] = field(compare=False, repr=False)

    @classmethod
    def compile(cls, grep: Sequence[str], exclude: Sequence[str], level: str | None) -> Filter:
        """The filter of these parameters; raises `UsageError` with a fault for each that is wrong."""
        faults: list[Fault] = []
        wanted = compile_all("grep", grep, faults)
        hidden = compile_all("exclude", exclude, faults)
        if level is not None and level not in LEVELS:
            faults.append(Fault("level", f"no such level: {level!r}; it is one of {', '.join(LEVELS)}"))
        if faults:
            raise UsageError(faults)
        return cls(tuple(grep), tuple(exclude), level, wanted, hidden)

    @property
    def key(self) -> tuple[frozenset[str], frozenset[str], str | None]:
        """Equal for filters that show the same lines with the same spans."""
        return frozenset(self.grep), frozenset(self.exclude), self.level

    def passes(self, text: str, level: str | None) -> bool:
        """Whether a line is shown: all of `grep` match, none of `exclude`, and `level` is at least the filter's."""
        if self.level is not None and not at_least(level, self.level):
            return False
        if not self._wanted and not self._hidden:
            return True
        line = text.encode("utf-8", "replace")
        for pattern in self._wanted:
            if pattern.search(line) is None:
                return False
        return all(pattern.search(line) is None for pattern in self._hidden)

    def passes_entry(self, texts: Sequence[str], levels: Sequence[str | None] | None) -> bool:
        """Whether a record of several lines is shown: each of `grep` matches some line of it, none of `exclude` any,
        and some line has at least the filter's level. `levels` are needed for a filter that has one."""
        if len(texts) == 1:
            return self.passes(texts[0], levels[0] if levels else None)
        if self.level is not None and not any(at_least(level, self.level) for level in levels or ()):
            return False
        if not self._wanted and not self._hidden:
            return True
        lines = [text.encode("utf-8", "replace") for text in texts]
        if any(all(pattern.search(line) is None for line in lines) for pattern in self._wanted):
            return False
        return all(pattern.search(line) is None for pattern in self._hidden for line in lines)

    def prefilter(self, redactor: Redactor | None = None) -> Prefilter | None:
        """The pattern of `grep` that says most about which lines it matches, with the text that these contain as they
        were written; nothing of it may stand for what the redactor takes out."""
        known = [(required_literal(text), pattern) for text, pattern in zip(self.grep, self._wanted, strict=True)]
        safe = [(_safe(literal, redactor), pattern) for literal, pattern in known if literal]
        found = [Prefilter(literal, pattern) for literal, pattern in safe if literal]
        return max(found, key=lambda one: len(one.literal.text.encode()), default=None)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where `grep` matches: at most `SPANS` (start, end) in code points of `text`, sorted, none touching."""
        if not self._wanted:
            return []
        line = text.encode("utf-8", "replace")
        found = sorted(span for pattern in self._wanted for span in _matches(pattern, line))
        merged = _merged(found)[:SPANS]
        return merged if len(line) == len(text) else _code_points(line, merged)


def _safe(literal: Literal, redactor: Redactor | None) -> Literal | None:
    """What of a literal is text as it was written, wherever the literal stands in text as it is shown."""
    if redactor is None:
        return literal
    text = redactor.outside(literal.text, fold=literal.fold)
    return replace(literal, text=text) if text else None


def _matches(pattern: Pattern, line: bytes) -> Iterator[tuple[int, int]]:
    """The first `SPANS` matches that are not empty."""
    count = 0
    for match in pattern.finditer(line):
        start, end = match.span()
        if start < end:
            yield start, end
            count += 1
            if count == SPANS:
                return


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted spans with those that overlap or touch made one."""
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _code_points(line: bytes, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Byte offsets of UTF-8, ascending, as offsets in code points; what is less than one (`\\C`) is left out."""
    converted = []
    at = count = 0
    for start, end in spans:
        count += _count(line[at:start])
        length = _count(line[start:end])
        if length:
            converted.append((count, count + length))
        at, count = end, count + length
    return converted


def _count(utf8: bytes) -> int:
    """How many code points begin here."""
    return len(utf8.translate(None, _CONTINUATION))
