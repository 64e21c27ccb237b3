"""All that happens in the demo's shop, in the order of time and at a given rate."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from random import Random

from aggregator.demo.background import Background
from aggregator.demo.cluster import Cluster
from aggregator.demo.incidents import Incident, Incidents
from aggregator.demo.line import Line
from aggregator.demo.shop import Shop

_HISTORY_PAUSE = (700.0, 1000.0)  # seconds between incidents in the hour before the demo starts
_LIVE_PAUSE = (90.0, 180.0)  # the same while somebody looks on
_FIRST_LIVE = 20.0  # seconds until the first incident that one can watch
# share of the mean rate, shortest and longest seconds of it; mean about 1
_MOODS = ((0.95, 20.0, 50.0), (2.8, 4.0, 8.0), (0.95, 20.0, 50.0), (0.2, 6.0, 12.0))


class Traffic:
    """A stream of lines from `start` (seconds since the epoch) on, `rate` lines per second on average."""

    def __init__(self, cluster: Cluster, random: Random, start: float, rate: float) -> None:
        self.rate = rate
        self._random = random
        self._now = start
        self._owed = 0.0  # lines that should have happened and have not
        self._mood, self._mood_until, self._moods = 1.0, start, 0
        self._coming: list[Line] = []
        self._incidents = Incidents(cluster, random, start, _HISTORY_PAUSE)
        self._told: Incident | None = None
        self._background = Background(cluster, random)
        shop = Shop(cluster, random, self._incidents)
        background = self._background
        self._happenings: tuple[Callable[[float], list[Line]], ...] = (
            *(shop.page, shop.browse, shop.order, shop.scan),
            *(background.syslog, background.checkpoint, background.nginx_notice),
        )
        self._weights = (30, 30, 35, 2, 60, 2, 8)

    def go_live(self, rate: float) -> None:
        """From now on at this rate, and with incidents as often as a visitor likes them."""
        self.rate = rate
        self._incidents.pause = _LIVE_PAUSE
        self._incidents.begin_at(self._now + _FIRST_LIVE)

    def until(self, end: float) -> Iterator[Line]:
        """What is written up to `end`, in the order of time; the next call goes on from there."""
        if end > self._now:
            self._happen(end)
            self._now = end
        while self._coming and self._coming[0].time <= end:
            yield heapq.heappop(self._coming)

    def until_each(self, end: float, stride: float) -> Iterator[Line]:
        """The same in steps of `stride` seconds: incidents and moods then have their times, however long it is."""
        while self._now < end:
            yield from self.until(min(self._now + stride, end))

    def skip_to(self, moment: float) -> None:
        """Nothing new happens before `moment`; after a sleep of the machine there is no flood to catch up with."""
        self._now = max(self._now, moment)

    def _happen(self, end: float) -> None:
        start, length = self._now, end - self._now
        self._owed += self.rate * self._mood_at(start) * length
        self._tell_incident(end)
        while self._owed > 0:
            moment = start + self._random.random() * length
            happening = self._random.choices(self._happenings, self._weights)[0]
            for line in happening(moment):
                self._owed -= line.lines
                heapq.heappush(self._coming, line)

    def _mood_at(self, moment: float) -> float:
        """Busy and quiet times, one after the other."""
        if moment >= self._mood_until:
            self._mood, shortest, longest = _MOODS[self._moods % len(_MOODS)]
            self._moods += 1
            self._mood_until = moment + self._random.uniform(shortest, longest)
        return self._mood

    def _tell_incident(self, end: float) -> None:
        incident = self._incidents.at(end)
        if incident is None or incident is self._told:
            return
        self._told = incident
        for line in (*self._background.incident_begins(incident), *self._background.incident_ends(incident)):
            heapq.heappush(self._coming, line)
