"""Finds the secrets in the lines of a file: whole records, before anything is clipped, matched or shown.

A private key is followed over the borders of records, too (`aggregator.stream.keys`); own patterns may cross the lines
of a record.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise

import msgspec

from aggregator import limits
from aggregator.model import Batch
from aggregator.stream import keys
from aggregator.stream.keys import Span
from aggregator.stream.records import Line
from aggregator.stream.redactor import Redactor, Secrets, merged, replaced


class Redaction:
    """Finds the secrets in the batches of one file, in their order; remembers what they say of those to come. Where a
    batch does not follow those before it, it starts anew."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self._ends: dict[str, int] = {}  # of the newest generations
        self._states: dict[str, keys.State] = {}
        self._last = ""
        self._before: list[str] = []  # lines of the record that is under way
        self._open = False  # whether that began before what is read

    def follows(self, batch: Batch) -> bool:
        """Whether the lines before a batch are known."""
        return self._ends.get(batch.generation) == batch.start or (batch.start == 0 and self._last != "")

    def wonders(self, batch: Batch, *, records: bool) -> bool:
        """Whether the lines before a batch are not known and matter; with `records` also those of a record that it may
        begin in."""
        if self.follows(batch) or batch.start == 0:
            return False
        if self.redactor.crosses and records:
            return True
        return self.redactor.keys and keys.wonders(_lines(batch)[0][: limits.REDACT_KEY_ODD + 2])

    def find(self, batch: Batch, begins: Sequence[bool] | None = None) -> Secrets:
        """What is secret in a batch. `begins` tells which of its lines begin a record; None: records are looked at by
        somebody else."""
        state = self._enter(batch)
        whole = _text(batch)
        found = self._alone(batch, whole)
        if self._may_hold_key(whole, state):
            inside, state = keys.find(_lines(batch)[0], state)
            _add(found, inside)
        if self.redactor.crosses and begins is not None:
            _add(found, self._records(_lines(batch)[0], begins))
        self._leave(batch, state)
        return found if batch.length is None else _clip(found, len(batch.text.decode("utf-8", "replace")))

    def find_later(self, batch: Batch) -> Secrets:
        """As `find` without `begins`; most of it is done when somebody asks, which nobody does of lines that are not
        wanted."""
        state, whole = self._enter(batch), _text(batch)
        if batch.length is not None or self._may_hold_key(whole, state):
            return self.find(batch)
        self._leave(batch, state)
        return _Later(lambda: self._alone(batch, whole))

    def take(self, batch: Batch, lines: Sequence[Line]) -> Secrets:
        """The same of a batch that was read."""
        begins = [one.record.stamped or (one.record.record is None and not self._open) for one in lines]
        self._open = self._open and not any(begins)
        return self.find(batch, begins)

    def goes_on(self) -> None:
        """The record of the last line may go on in the next one, also where that does not tell."""
        self._open = True

    def _alone(self, batch: Batch, whole: str) -> dict[int, list[Span]]:
        """What is secret in each line by itself."""
        hits = self.redactor.hits(whole)
        if not hits:
            return {}
        texts, starts = _lines(batch)
        touched = _touched(hits, starts)
        found = self.redactor.lines([texts[index] for index in touched])
        return {touched[number]: list(spans) for number, spans in found.items()}

    def _may_hold_key(self, whole: str, state: keys.State) -> bool:
        return self.redactor.keys and (bool(state.left) or keys.SIGN in whole)

    def _enter(self, batch: Batch) -> keys.State:
        if not self.follows(batch):
            self._before = []
            return keys.UNSURE
        known = self._states.get(batch.generation) if self._ends.get(batch.generation) == batch.start else None
        return known or self._states.get(self._last, keys.UNSURE)

    def _leave(self, batch: Batch, state: keys.State) -> None:
        self._ends.pop(batch.generation, None)
        self._ends[batch.generation], self._states[batch.generation] = batch.end, state
        self._last = batch.generation
        while len(self._ends) > limits.REDACT_GENERATIONS:
            oldest = next(iter(self._ends))
            del self._ends[oldest], self._states[oldest]

    def _records(self, texts: Sequence[str], begins: Sequence[bool]) -> Secrets:
        """What crosses lines, record by record; the first one may have begun in batches before."""
        found: dict[int, list[Span]] = {}
        starts = [0, *(index for index, begin in enumerate(begins) if begin and index), len(texts)]
        for first, last in pairwise(starts):
            if begins[first:last][:1] == [True]:
                self._before = []
            before = len(self._before)
            record = [*self._before, *texts[first:last]]
            for index, spans in self.redactor.crossing(record).items():
                if index >= before:
                    found[first + index - before] = list(spans)
            self._before = _newest(record)
        return found


class _Later(Mapping[int, Sequence[Span]]):
    """Secrets that are looked for when somebody asks for them."""

    __slots__ = ("_find", "_found")

    def __init__(self, find: Callable[[], Secrets]) -> None:
        self._find = find
        self._found: Secrets | None = None

    def __getitem__(self, index: int) -> Sequence[Span]:
        return self._all()[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> Secrets:
        if self._found is None:
            self._found = self._find()
        return self._found


def shown(lines: list[Line], found: Secrets) -> list[Line]:
    """Lines as those get them who may not see what is secret in them."""
    if not found:
        return lines
    lines = list(lines)
    for index, spans in found.items():
        line = lines[index]
        record = msgspec.structs.replace(line.record, text=replaced(line.record.text, spans), redacted=True)
        lines[index] = msgspec.structs.replace(line, record=record)
    return lines


def _text(batch: Batch) -> str:
    """A batch as it is delivered; of a clipped line also what comes next, for what crosses its end."""
    text = batch.text.decode("utf-8", "replace")
    return text + batch.beyond.decode("utf-8", "replace") if batch.beyond else text


def _lines(batch: Batch) -> tuple[list[str], list[int]]:
    """The lines of a batch, and where each begins in its text."""
    whole = _text(batch)
    texts = [whole] if batch.length is not None else whole.split("\n")[:-1]
    return texts, [0, *accumulate(len(text) + 1 for text in texts[:-1])]


def _touched(hits: Iterable[tuple[int, int]], starts: Sequence[int]) -> list[int]:
    """The lines that some matches lie in, in their order."""
    found: set[int] = set()
    for start, end in hits:
        first = bisect_right(starts, start) - 1
        found.update(range(first, max(bisect_right(starts, max(start, end - 1)), first + 1)))
    return sorted(found)


def _add(found: dict[int, list[Span]], more: Secrets) -> None:
    for index, spans in more.items():
        found[index] = merged([*found.get(index, ()), *spans])


def _clip(found: Secrets, length: int) -> Secrets:
    """Of a clipped line, what is delivered."""
    spans = [(start, min(end, length), name) for start, end, name in found.get(0, ()) if start < length]
    return {0: spans} if spans else {}


def _newest(texts: list[str]) -> list[str]:
    """The last lines, of at most `limits.REDACT_CONTEXT` characters."""
    left = limits.REDACT_CONTEXT
    for index in range(len(texts) - 1, -1, -1):
        left -= len(texts[index]) + 1
        if left < 0:
            return texts[index + 1 :]
    return texts
