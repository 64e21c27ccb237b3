"""Trouble that comes to one host of the demo at a time, so that the bad host stands out."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from aggregator.demo.cluster import Cluster

Kind = Literal["gateway", "pool", "locks", "workers"]

_KINDS: tuple[tuple[Kind, str], ...] = (("gateway", "app"), ("pool", "app"), ("locks", "db"), ("workers", "web"))
_SHARE_FAILING = 0.7  # of the requests that touch the host
_SECONDS = (25.0, 45.0)


@dataclass(frozen=True, slots=True)
class Incident:
    """`kind` of trouble on `host` from `start` until `end` (seconds since the epoch)."""

    kind: Kind
    host: str
    start: float
    end: float


class Incidents:
    """One incident after another, `pause` seconds (from, to) between the end of one and the start of the next."""

    def __init__(self, cluster: Cluster, random: Random, start: float, pause: tuple[float, float]) -> None:
        self._cluster = cluster
        self._random = random
        self.pause = pause
        self._turn = 0
        self.current = self._next(start + random.uniform(*pause) / 2)

    def begin_at(self, start: float) -> None:
        """Let the next incident start then; it is of the first kind, which shows most."""
        self._turn = 0
        self.current = self._next(start)

    def at(self, moment: float) -> Incident | None:
        """The incident of that time; times are asked for in ascending order, about."""
        if moment >= self.current.end:
            self.current = self._next(self.current.end + self._random.uniform(*self.pause))
        return self.current if self.current.start <= moment else None

    def strikes(self, moment: float, *hosts: str) -> Kind | None:
        """What makes a request over these hosts fail; some get through even then."""
        incident = self.at(moment)
        if incident is None or incident.host not in hosts or self._random.random() > _SHARE_FAILING:
            return None
        return incident.kind

    def _next(self, start: float) -> Incident:
        kind, role = _KINDS[self._turn % len(_KINDS)]
        self._turn += 1
        host = self._random.choice(self._cluster.of_role(role))
        return Incident(kind, host, start, start + self._random.uniform(*_SECONDS))
