"""One tail per file and one view per wish, however many watch."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from aggregator import limits
from aggregator.errors import HostError
from aggregator.history.following.places import Places
from aggregator.hub.feed import Feed
from aggregator.hub.finder import Finder
from aggregator.hub.ring import share
from aggregator.hub.view import Pair, Selection, View, Viewer
from aggregator.inventory import Inventory
from aggregator.metrics import Metrics
from aggregator.model import File
from aggregator.remote.pool import Links
from aggregator.stream.redactor import Redactor

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Shared:
    """A feed's or finder's task, how many views use it, and when it will be let go."""

    task: asyncio.Task[None]
    users: int = 0
    farewell: asyncio.TimerHandle | None = None


class Hub:
    """The feeds, finders and views that are in use."""

    def __init__(
        self,
        inventory: Inventory,
        links: Links,
        tasks: asyncio.TaskGroup,
        metrics: Metrics,
        places: Places | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self.feeds: dict[File, Feed] = {}
        self.finders: dict[Pair, Finder] = {}
        self._inventory = inventory
        self._links = links
        self._tasks = tasks
        self._metrics = metrics
        self._places = places
        self._redactor = redactor
        self._views: dict[object, View] = {}
        self._shared: dict[Feed | Finder, _Shared] = {}
        self._of_host: dict[str, set[Feed]] = {}
        links.use(inventory.hosts)

    def reload(self, inventory: Inventory, redactor: Redactor | None = None) -> None:
        """Use another inventory; feeds and finders of what has changed are taken anew by the views that stay, all of
        them where other things are secret now."""
        self._inventory = inventory
        anew = redactor is not self._redactor
        if anew:
            self._redactor = redactor
            self.feeds.clear()
            self.finders.clear()
        self._links.use(inventory.hosts)
        for view in self._views.values():
            stale = {pair for pair, finder in view.finders.items() if anew or self._stale(pair, finder)}
            pairs = view.selection.again(inventory)
            view.retarget(pairs - stale)
            view.retarget(pairs)

    def join(self, selection: Selection, viewer: Viewer) -> View:
        """The view of a selection, with one more viewer."""
        view = self._views.get(selection.key)
        if view is None:
            view = self._views[selection.key] = View(selection, self)
            view.retarget(selection.again(self._inventory))  # a reload may have come since it was planned
        view.viewers.add(viewer)
        return view

    def leave(self, view: View, viewer: Viewer) -> None:
        """One viewer less; the last one closes the view."""
        view.viewers.discard(viewer)
        if not view.viewers:
            view.close()
            self._views.pop(view.selection.key, None)

    @property
    def views(self) -> list[View]:
        """The views that somebody looks at."""
        return list(self._views.values())

    def plain_path(self, host: str, source: str) -> str:
        """The path or pattern of a source on a host, today."""
        finder = self.finders.get((host, source))
        if finder is None:
            known = self._inventory.hosts[host]
            finder = Finder(known, self._inventory.sources[source], self._links.link(known))
        return finder.pattern()

    def take_feed(self, file: File) -> Feed:
        feed = self.feeds.get(file)
        if feed is None:
            source = self._inventory.sources[file.source]
            zone = ZoneInfo(source.timezone) if source.timezone else None
            link = self._links.link(self._inventory.hosts[file.host])
            feed = Feed(file, link, zone, self._metrics, self._ring_bytes, self._places, self._redactor)
            self.feeds[file] = feed
            self._make_room(feed)
        else:
            feed.try_again()
        self._take(feed, self._run_feed(feed), f"follow {file.host}:{file.path}")
        return feed

    def _ring_bytes(self) -> int:
        return share(len(self.feeds))

    def _make_room(self, feed: Feed) -> None:
        """Files that only linger give way when those of a host are as many as can be followed."""
        others = self._of_host.setdefault(feed.file.host, set())
        lingering = [(entry.farewell.when(), other) for other in others if (entry := self._shared[other]).farewell]
        for _, other in sorted(lingering, key=itemgetter(0))[: max(0, len(others) + 1 - limits.FOLLOWS_PER_HOST)]:
            self._forget(other)
        self._of_host.setdefault(feed.file.host, set()).add(feed)

    def return_feed(self, feed: Feed) -> None:
        self._return(feed, limits.TAIL_LINGER if self.feeds.get(feed.file) is feed else 0.0)

    def take_finder(self, pair: Pair) -> Finder:
        finder = self.finders.get(pair)
        if finder is None:
            host, source = self._inventory.hosts[pair[0]], self._inventory.sources[pair[1]]
            finder = self.finders[pair] = Finder(host, source, self._links.link(host))
        self._take(finder, self._run_finder(finder), f"find {pair[0]}:{pair[1]}")
        return finder

    def return_finder(self, finder: Finder) -> None:
        current = self.finders.get((finder.host.name, finder.source.name)) is finder
        self._return(finder, limits.TAIL_LINGER if current else 0.0)

    def _take(self, shared: Feed | Finder, run: Coroutine[Any, Any, None], name: str) -> None:
        entry = self._shared.get(shared)
        if entry is None:
            entry = self._shared[shared] = _Shared(self._tasks.create_task(run, name=name))
        else:
            run.close()
        entry.users += 1
        if entry.farewell:
            entry.farewell.cancel()
            entry.farewell = None

    def _return(self, shared: Feed | Finder, linger: float) -> None:
        entry = self._shared[shared]
        entry.users -= 1
        if entry.users == 0 and not linger:
            self._forget(shared)
        elif entry.users == 0:
            entry.farewell = asyncio.get_running_loop().call_later(linger, self._forget, shared)

    def _forget(self, shared: Feed | Finder) -> None:
        entry = self._shared.pop(shared)
        if entry.farewell:
            entry.farewell.cancel()
        entry.task.cancel()
        if isinstance(shared, Feed):
            self._of_host[shared.file.host].discard(shared)
            if self.feeds.get(shared.file) is shared:
                del self.feeds[shared.file]
        elif self.finders.get((shared.host.name, shared.source.name)) is shared:
            del self.finders[shared.host.name, shared.source.name]

    def _stale(self, pair: Pair, finder: Finder) -> bool:
        """Whether a finder, or the feeds of its files, speak of an older inventory; they are forgotten then."""
        host, source = self._inventory.hosts.get(pair[0]), self._inventory.sources.get(pair[1])
        if host == finder.host and source and replace(source, hosts=finder.source.hosts) == finder.source:
            return False
        self.finders.pop(pair, None)
        for file in finder.files:
            self.feeds.pop(file, None)
        return True

    async def _run_feed(self, feed: Feed) -> None:
        """A fault of ours in one feed must not end the others."""
        try:
            await feed.run()
        except Exception:
            log.exception("following %s on %s ended by a fault of ours", feed.file.path, feed.file.host)
            feed.trouble(HostError("internal", "the follower failed inside tailon-agg", "see its own log"))

    async def _run_finder(self, finder: Finder) -> None:
        try:
            await finder.run()
        except Exception:
            log.exception("looking for %s on %s ended by a fault of ours", finder.source.path, finder.host.name)
            finder.trouble(HostError("internal", "the search for it failed inside tailon-agg", "see its own log"))
