"""What the program counts, for Prometheus. Every name is explained in docs/metrics.md."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
    generate_latest,
)

from aggregator import __version__
from aggregator.model import State

_NAME = "tailon_agg"
_SYNC_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a `_created` series beside each counter doubles the page and tells nobody anything
_HOST = re.compile(rb'\{host="([^"]*)"\}')


class Metrics:
    """Counters and gauges of one process, in registries of their own.

    Those whose labels name hosts are kept apart, because not everybody may read them; labels never hold texts that
    users or hosts make up (paths, patterns, users).
    """

    def __init__(self) -> None:
        self._open = CollectorRegistry()
        self._named = CollectorRegistry()
        Info(_NAME + "_build", "The program's version.", registry=self._open).info({"version": __version__})
        self._count_lines()
        self._count_hosts()
        self._count_requests()

    def _count_lines(self) -> None:
        self.received_lines = self._counter("received_lines", "Lines read from hosts.")
        self.received_bytes = self._counter("received_bytes", "Bytes of log text read from hosts.")
        self.delivered_lines = self._counter("delivered_lines", "Lines given to viewers.")
        self.delivered_bytes = self._counter("delivered_bytes", "Bytes of log text given to viewers.")
        self.dropped_lines = self._counter("dropped_lines", "Lines that slow viewers lost (each is in a gap).")
        self.dropped_bytes = self._counter("dropped_bytes", "Bytes of log text that slow viewers lost.")
        self.batches = self._counter("batches", "Batches of lines cut from what hosts sent.")

    def _count_hosts(self) -> None:
        self.connections = self._gauge("connections", "SSH connections that are open.")
        self.dials = self._counter("dials", "Attempts to connect to a host.")
        self.dial_failures = self._counter("dial_failures", "Failed attempts to connect, by cause.", "cause")
        self.hosts = self._gauge("hosts", "Hosts of the inventory, by state.", "state")
        self.files = self._gauge("files_followed", "Files that are followed.")
        self.host_received_lines = self._counter("host_received_lines", "Lines read, by host.", "host", named=True)
        self.host_received_bytes = self._counter("host_received_bytes", "Bytes read, by host.", "host", named=True)
        self.set_hosts({})

    def _count_requests(self) -> None:
        self.viewers = self._gauge("viewers", "Views that are open: streams, sockets, terminals.")
        self.audit_records = self._counter("audit_records", "Records written to the audit log.")
        self.audit_failures = self._counter("audit_failures", "Failed attempts to write the audit log.")
        self.audit_lost = self._counter("audit_lost", "Audit records that could never be written.")
        self.audit_copy_failures = self._counter("audit_copy_failures", "Failed attempts to send records to syslog.")
        self.audit_copy_lost = self._counter("audit_copy_lost", "Audit records that were never sent to syslog.")
        self.audit_sync_seconds = Histogram(
            _NAME + "_audit_sync_seconds",
            "Seconds that writing and syncing a group of audit records took.",
            buckets=_SYNC_BUCKETS,
            registry=self._open,
        )
        self.requests = self._counter("http_requests", "Requests answered, by route and status.", "route", "status")

    def set_hosts(self, states: Mapping[State, int]) -> None:
        """Set how many hosts are in each state; states that are not named have none."""
        for state in get_args(State):
            self.hosts.labels(state).set(states.get(state, 0))

    def render(self, *, named: bool | Collection[str]) -> bytes:
        """All values as Prometheus text 0.0.4; `named` adds what names hosts, or those of these names only."""
        text = generate_latest(self._open)
        if named is False:
            return text
        return text + (generate_latest(self._named) if named is True else _of(generate_latest(self._named), named))

    def _counter(self, name: str, words: str, *labels: str, named: bool = False) -> Counter:
        return Counter(f"{_NAME}_{name}", words, labels, registry=self._named if named else self._open)

    def _gauge(self, name: str, words: str, *labels: str) -> Gauge:
        return Gauge(f"{_NAME}_{name}", words, labels, registry=self._open)


def _of(text: bytes, names: Collection[str]) -> bytes:
    """The samples of some hosts, with all comments."""
    kept = {name.encode() for name in names}  # a name needs no escapes (inventory.hosts)
    hosts = ((line, _HOST.search(line)) for line in text.splitlines(keepends=True))
    return b"".join(line for line, host in hosts if line.startswith(b"#") or (host and host[1] in kept))
