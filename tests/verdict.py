"""The records of a viewer compared exactly with what was written: every line, its address, every gap and its ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from logwriter import BANNER, Content, LogWriter, numbered

from aggregator.limits import PROOF_BYTES
from aggregator.stream import positions
from aggregator.stream.lines import generation_of

BRIEF_S = 4.0  # lines that lived no longer may have gone between two looks of a busy machine, a second apart
Record = Mapping[str, Any]


@dataclass
class Verdict:
    """Counts of lines and gaps. Those before `good` must be zero; those after it are told, and may be anything.

    A stretch is what is missing between two lines that were delivered one after the other.
    """

    lost: int = 0  # lines that were there to be read
    duplicated: int = 0
    torn: int = 0
    out_of_order: int = 0
    misplaced: int = 0  # lines with another address than where they were written
    silent: int = 0  # stretches without a gap
    gaps_wrong: int = 0  # gaps where nothing is missing, second ones for one stretch, wrong `from` or `to`
    lines: int = 0  # written
    excused: int = 0  # lines that were destroyed unread, all of them behind gaps
    gaps_expected: int = 0  # stretches of destroyed lines
    gaps_reported: int = 0  # of these, with their one gap
    gaps_vain: int = 0  # gaps where nothing was missing, but nobody can know: gone, begun alike, or not begun
    gaps_open: int = 0  # of all gaps, those told before there was a line to end them
    late_unseen: int = 0  # lines written late to a closed file that was deleted before the next look at it
    unseen: int = 0  # lines of whole generations that left no trace

    @property
    def good(self) -> bool:
        wrong = self.lost + self.duplicated + self.torn + self.out_of_order + self.misplaced + self.silent
        return wrong + self.gaps_wrong == 0

    def add(self, other: Verdict) -> None:
        for one in fields(other):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


@dataclass(frozen=True)
class Line:
    """A numbered line as written: which generation, which of its lines, from where to where."""

    content: int
    index: int
    start: int
    end: int
    late: bool


@dataclass
class Written:
    """All numbered lines of a log by their texts, in the order of writing."""

    contents: Sequence[Content]
    lines: dict[str, Line] = field(default_factory=dict)
    generations: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, log: LogWriter) -> Written:
        written = cls(log.contents)
        for number, content in enumerate(log.contents):
            at = 0
            for index, text in enumerate(content.lines):
                end = at + len(text.encode()) + 1
                if numbered(text):
                    written.lines[text] = Line(number, index, at, end, text in content.late_lines)
                at = end
            written.sizes.append(at)
            first = f"{content.lines[0]}\n".encode() if content.lines else b""
            written.generations.append(generation_of(first) or "")
        return written


def judge(log: LogWriter, records: Sequence[Record], resumed: Sequence[str] = ()) -> Verdict:
    """`records` as they came over all connections; `resumed` are the positions that were asked for with `after`."""
    written = Written.of(log)
    kept = [record for record in records if record["type"] in ("line", "gap")]
    verdict = Verdict(lines=sum(map(len, (content.lines for content in log.contents))))
    _count(written, kept, verdict)
    _order(written, kept, verdict)
    _Gaps(written, kept, set(resumed), verdict).judge()
    return verdict


def _count(written: Written, kept: Sequence[Record], verdict: Verdict) -> None:
    """Lines that are missing though they were there, that came more than once, and that nobody wrote.

    An empty line and a banner have no number: they are counted. A banner that takes the place of another one, byte for
    byte, is the same line at the same address, so of those that stand alone in their generation some may be missing.
    """
    all_lines = Counter(text for content in written.contents for text in content.lines)
    gone = Counter(text for content in written.contents if content.gone for text in content.lines)
    seen = Counter(record["text"] for record in kept if record["type"] == "line")
    gone[BANNER] += sum(content.lines == [BANNER] for content in written.contents if not content.gone)
    missing = all_lines - seen
    extra = seen - all_lines
    verdict.excused = (missing & gone).total()
    verdict.lost = (missing - gone).total()
    verdict.torn = sum(count for text, count in extra.items() if text not in all_lines)
    verdict.duplicated = extra.total() - verdict.torn


def _order(written: Written, kept: Sequence[Record], verdict: Verdict) -> None:
    """Addresses, and the order within each generation."""
    highest: Counter[int] = Counter()
    for record in kept:
        line = written.lines.get(record.get("text", ""))
        if line is None:
            continue
        position = positions.decode(record["position"])
        verdict.misplaced += (position.generation, position.offset) != (
            written.generations[line.content],
            line.start,
        )
        verdict.out_of_order += line.index < highest[line.content]
        highest[line.content] = max(line.index, highest[line.content])


class _Gaps:
    """Each stretch of missing lines and its one gap."""

    def __init__(self, written: Written, kept: Sequence[Record], resumed: set[str], verdict: Verdict) -> None:
        self._written = written
        self._kept = kept
        self._resumed = resumed
        self._verdict = verdict
        self._at = {record["text"]: index for index, record in enumerate(kept) if record["type"] == "line"}
        self._free = {index for index, record in enumerate(kept) if record["type"] == "gap"}
        self._vain_before_late_lines()

    def judge(self) -> None:
        verdict = self._verdict
        verdict.gaps_open = sum(self._kept[index]["to"] is None for index in self._free)
        before: str | None = None
        stretch: list[str] = []
        for text, line in self._written.lines.items():
            if line.late and text not in self._at:
                self._late(text, line, stretch)
            elif line.late:
                continue
            elif text not in self._at:
                stretch.append(text)
            else:
                if stretch:
                    self._judge(before, stretch, text)
                before, stretch = text, []
        if stretch:
            self._judge(before, stretch, None)
        for index in sorted(self._free):
            self._vain(self._kept[index])

    def _vain_before_late_lines(self) -> None:
        """Late lines of a file whose number may be another's (BusyBox) stand behind a gap, in doubt."""
        for index in sorted(self._free):
            following = self._kept[index + 1] if index + 1 < len(self._kept) else {}
            line = self._written.lines.get(following.get("text", ""))
            if line and line.late and self._is_doubt(index):
                self._free.remove(index)
                self._verdict.gaps_vain += 1

    def _is_doubt(self, index: int) -> bool:
        """Whether a gap has no extent: it stands behind what many generations begin with, and is all that is known."""
        gap = self._kept[index]
        if gap["from"] is None or gap["to"] is None:
            return False
        start, end = positions.decode(gap["from"]), positions.decode(gap["to"])
        alike = self._written.generations.count(start.generation) > 1
        return (
            alike and (start.generation, start.offset) == (end.generation, end.offset) and start.offset <= PROOF_BYTES
        )

    def _late(self, text: str, line: Line, stretch: list[str]) -> None:
        """A line that was written late and did not come: with what is missing before it in its file, or alone."""
        if stretch and self._written.lines[stretch[-1]].content == line.content:
            stretch.append(text)
        elif self._written.contents[line.content].gone:
            self._verdict.late_unseen += 1

    def _judge(self, before: str | None, stretch: list[str], after: str | None) -> None:
        if not all(self._written.contents[self._written.lines[text].content].gone for text in stretch):
            return  # lost, and counted as that
        start = self._at[before] if before else -1
        end = self._at[after] if after else len(self._kept)
        gaps = sorted(index for index in self._free if start < index < end)
        if not gaps and self._leaves_no_trace(before, stretch, after):
            self._verdict.unseen += len(stretch)
            return
        self._verdict.gaps_expected += 1
        if not gaps:
            self._verdict.silent += 1
            return
        self._verdict.gaps_reported += 1
        one = [index for index in gaps if all(record["type"] == "gap" for record in self._kept[gaps[0] : index])]
        self._free.difference_update(one)  # behind a banner another one may stand, in doubt
        again = any(self._kept[index]["to"] is not None for index in one[:-1])
        self._verdict.gaps_wrong += again or not (self._starts(one[0], before, stretch[0]) and self._ends(one[-1]))

    def _leaves_no_trace(self, before: str | None, stretch: list[str], after: str | None) -> bool:
        """Whether only whole generations are missing, of which nobody can know: they came and went between two looks,
        or were deleted, not by rotation, while the one that was read before them was still there."""
        lines, contents = self._written.lines, self._written.contents
        missing = {lines[text].content for text in stretch}
        if missing & {lines[text].content for text in (before, after) if text}:
            return False
        died = max(contents[number].died for number in missing)
        kept = before is not None and contents[lines[before].content].died > died
        return kept or died - min(contents[number].begun for number in missing) < BRIEF_S

    def _starts(self, index: int, before: str | None, first: str) -> bool:
        """Whether a gap's `from` lies behind the last line that came, and not behind the first that did not."""
        text = self._kept[index]["from"]
        if text in self._resumed or (text is None and before is None):
            return True
        if text is None:
            return False
        if self._is_doubt(index):
            return True
        start = positions.decode(text)
        lines, contents = self._written.lines, self._written.contents
        low = lines[before] if before else Line(0, 0, 0, 0, False)
        high = lines[first]
        for number in range(low.content, high.content + 1):
            least = low.end if number == low.content else 0
            most = high.start if number == high.content else self._written.sizes[number]
            if self._written.generations[number] == start.generation and least <= start.offset <= most:
                return True
        number = high.content
        while not contents[number].died - contents[number].begun >= BRIEF_S:  # it may have left no trace: from the next
            number += 1
            if number == len(contents):
                break
            if start.offset == 0 and self._written.generations[number] == start.generation:
                return True
        return False

    def _ends(self, index: int) -> bool:
        """Whether a gap's `to` is the next line."""
        following = next((record for record in self._kept[index + 1 :] if record["type"] == "line"), None)
        end = self._kept[index]["to"]
        return end is None or (following is not None and end == following["position"])

    def _vain(self, gap: Record) -> None:
        """A gap in which no numbered line is missing."""
        start = positions.decode(gap["from"]) if gap["from"] else None
        if start and start.offset <= PROOF_BYTES and self._written.generations.count(start.generation) > 1:
            self._verdict.gaps_vain += 1  # only what many begin with was read of it
            return
        if start and (start.generation, start.offset) in zip(
            self._written.generations, self._written.sizes, strict=True
        ):
            self._verdict.gaps_vain += (
                1  # the next one had no line yet when it was last seen, and has another inode now
            )
            return
        gone = {
            generation
            for generation, content in zip(self._written.generations, self._written.contents, strict=True)
            if content.gone
        }
        if start is None or start.generation in gone:
            self._verdict.gaps_vain += 1
        else:
            self._verdict.gaps_wrong += 1
