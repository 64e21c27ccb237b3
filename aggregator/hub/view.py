"""What viewers with equal wishes share: files, filter, order, and the encoded lines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from aggregator import limits
from aggregator.hub.chunk import Chunk
from aggregator.hub.feed import Feed
from aggregator.hub.finder import Finder
from aggregator.inventory import Inventory
from aggregator.model import File, Gap, Notice, Order
from aggregator.stream.filters import Filter
from aggregator.stream.merge import Merge
from aggregator.stream.records import Line

Pair = tuple[str, str]  # host, source


@dataclass(frozen=True, slots=True)
class Selection:
    """What a view shows: sources on hosts, through a filter, in an order; `raw` with their secrets.

    `wanted` are the selectors' texts; `again` says what they come to in another inventory.
    """

    pairs: frozenset[Pair]
    filter: Filter
    order: Order
    wanted: tuple[tuple[str, ...], tuple[str, ...]]
    again: Callable[[Inventory], frozenset[Pair]] = field(compare=False)
    raw: bool = False

    @property
    def key(self) -> object:
        """Equal for equal views."""
        return (self.pairs, self.filter.key, self.order, self.wanted, self.raw)


class Viewer(Protocol):
    """Who looks at a view; every call is synchronous and quick."""

    def offer(self, chunk: Chunk) -> None:
        """Lines in their order."""

    def missing(self, gap: Gap) -> None:
        """Lines are missing."""

    def notice(self, notice: Notice) -> None:
        """News of a file that the viewer may know."""

    def has_room(self) -> bool:
        """Whether the viewer takes more without losing any."""

    def appeared(self, file: File) -> None:
        """The view has another file."""

    def vanished(self, feed: Feed) -> None:
        """The view has a file less."""


class Desk(Protocol):
    """Where a view gets its feeds and finders, and gives them back (aggregator.hub.hub.Hub)."""

    def take_feed(self, file: File) -> Feed: ...
    def return_feed(self, feed: Feed) -> None: ...
    def take_finder(self, pair: Pair) -> Finder: ...
    def return_finder(self, finder: Finder) -> None: ...


class View:
    """One pipeline from the feeds of its files to its viewers; of none, until `retarget` says which. `close` gives
    everything back."""

    def __init__(self, selection: Selection, desk: Desk) -> None:
        self.selection = selection
        self.feeds: dict[File, Feed] = {}
        self.finders: dict[Pair, Finder] = {}
        self.viewers: set[Viewer] = set()
        self.left_out: list[Notice] = []
        self._files: dict[Pair, set[File]] = {}  # the keys of `feeds`
        self._desk = desk
        self._loop = asyncio.get_running_loop()
        self._merge = Merge(sort=selection.order == "time")
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0  # uvloop gives out handles that do not say when
        self._beaten = 0.0  # event loop's time
        self.strange = False  # whether lines came that really are of another file than their name says

    def retarget(self, pairs: frozenset[Pair]) -> None:
        """Show these sources on these hosts from now on."""
        for pair in self.finders.keys() - pairs:
            finder = self.finders.pop(pair)
            finder.listeners.discard(self._found)
            self._desk.return_finder(finder)
            self._drop(self._files.pop(pair, set()))
        for pair in sorted(pairs - self.finders.keys()):
            finder = self.finders[pair] = self._desk.take_finder(pair)
            finder.listeners.add(self._found)
            self._add(finder.files)
        self._choose_hold()

    def close(self) -> None:
        """Give all feeds and finders back."""
        if self._timer:
            self._timer.cancel()
        self.retarget(frozenset())

    def select(self, lines: list[Line]) -> list[Line]:
        """The lines that pass the filter, with the spans of its matches."""
        return select(lines, self.selection.filter)

    def cut(self, file: File) -> tuple[int, int] | None:
        """The (seq, offset) of the first line of `file` that viewers will still get; None: of the next to come."""
        held = self._merge.first_held(file)
        return (held.seq, held.offset) if held else None

    # What the feeds tell (aggregator.hub.feed.Listener):

    def fed(self, feed: Feed, lines: list[Line], shown: list[Line]) -> None:
        if not self.viewers:
            return
        self.strange = self.strange or any(line.real for line in lines[:1])
        if passed := self.select(lines if self.selection.raw else shown):
            now, wall = self._clocks()
            self._merge.push(passed, now, wall)
            self._beat_in(self._merge.due_of(passed, wall) / 1e6)

    def missing(self, feed: Feed, gap: Gap) -> None:
        if lines := self._merge.flush():
            self._give(lines)  # what came before the gap goes out before it
        for viewer in tuple(self.viewers):
            viewer.missing(gap)

    def has_room(self) -> bool:
        return not self.viewers or any(viewer.has_room() for viewer in self.viewers)

    def changed(self, feed: Feed, detail: str) -> None:
        file = feed.file
        notice = Notice(file.host, feed.state, detail, file.source, file.path)
        for viewer in tuple(self.viewers):
            viewer.notice(notice)

    def _beat(self) -> None:
        """Give out what is due, and come again when more will be."""
        now, wall = self._clocks()
        self._beaten = now / 1e6
        if lines := self._merge.release(now, wall):
            self._give(lines)
        if (due := self._merge.due(now, wall)) is not None:
            self._beat_in(due / 1e6)

    def _give(self, lines: list[Line]) -> None:
        chunk = Chunk(lines)
        for viewer in tuple(self.viewers):
            viewer.offer(chunk)

    def _beat_in(self, seconds: float) -> None:
        """Give out what will be due then: at once where nothing is held back, else no sooner than a beat after the
        last, since each takes a look at all that is held."""
        now = self._loop.time()
        if self._merge.hold == 0:
            self._beat()
            return
        when = max(now + seconds, self._beaten + limits.MERGE_BEAT)
        if when <= now:
            self._beat()
        elif self._timer is None or when < self._timer_at:
            if self._timer:
                self._timer.cancel()
            self._timer, self._timer_at = self._loop.call_at(when, self._alarm), when

    def _clocks(self) -> tuple[int, int]:
        """A steady clock and the wall's, in microseconds."""
        return int(self._loop.time() * 1e6), int(time.time() * 1e6)

    def _alarm(self) -> None:
        self._timer = None
        self._beat()

    def _found(self, finder: Finder) -> None:
        """A finder has other files, or another error."""
        pair = (finder.host.name, finder.source.name)
        known = self._files.get(pair, set())
        self._add(file for file in finder.files if file not in known)
        self._drop(known - set(finder.files))
        self._choose_hold()
        if finder.error:
            notice = Notice(pair[0], finder.state, str(finder.error), pair[1], finder.pattern())
            for viewer in tuple(self.viewers):
                viewer.notice(notice)

    def _add(self, files: Iterable[File]) -> None:
        for file in files:
            if len(self.feeds) >= limits.FILES_PER_VIEW:
                self._leave_out(file)
                continue
            feed = self.feeds[file] = self._desk.take_feed(file)
            self._files.setdefault((file.host, file.source), set()).add(file)
            feed.listeners.add(self)
            for viewer in tuple(self.viewers):
                viewer.appeared(file)

    def _leave_out(self, file: File) -> None:
        """A view has an end; what is beyond it is told to its viewers, as far as that is of use."""
        if len(self.left_out) < limits.LEFT_OUT:
            words = f"a view shows at most {limits.FILES_PER_VIEW} files; choose fewer hosts or sources"
            notice = Notice(file.host, "failed", words, file.source, file.path)
            self.left_out.append(notice)
            for viewer in tuple(self.viewers):
                viewer.notice(notice)

    def _drop(self, files: Iterable[File]) -> None:
        for file in tuple(files):
            feed = self.feeds.pop(file)
            self._files.get((file.host, file.source), set()).discard(file)
            feed.listeners.discard(self)
            self._merge.forget(file)
            self._desk.return_feed(feed)
            for viewer in tuple(self.viewers):
                viewer.vanished(feed)

    def _choose_hold(self) -> None:
        """A view of one file, or in order of arrival, holds nothing back."""
        alone = len(self.feeds) <= 1 and all(finder.plain for finder in self.finders.values())
        self._merge.hold = 0.0 if alone or self.selection.order == "arrival" else limits.MERGE_HOLD


def select(lines: list[Line], wanted: Filter) -> list[Line]:
    """The lines that pass a filter, with the spans of its matches."""
    if not (wanted.grep or wanted.exclude or wanted.level):
        return lines
    passed = [line for line in lines if wanted.passes(line.record.text, line.record.level)]
    return [_with_spans(line, wanted) for line in passed] if wanted.grep else passed


def _with_spans(line: Line, wanted: Filter) -> Line:
    spans = wanted.spans(line.record.text) or None
    return msgspec.structs.replace(line, record=msgspec.structs.replace(line.record, spans=spans))
