"""Group commit: one thread that writes what many ask to record, at most one fdatasync per interval."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aggregator import limits
from aggregator.metrics import Metrics

log = logging.getLogger(__name__)

Settle = Callable[[int | None, str], None]
"""Told once, in the committer's thread: the record's number, or None and why it could not be written."""


class Store(Protocol):
    """Where records go: `Ledger`, blocking; OSError says that nothing of an append counts."""

    def append(self, records: list[bytes]) -> list[int]: ...
    def probe(self) -> None: ...
    def close(self) -> None: ...


@dataclass(slots=True, eq=False)
class Entry:
    """A record on its way. Without `settle` nobody waits for it, and it is kept until it can be written.

    `undo` makes the record that takes this one back, if it is written after its asker has given up.
    """

    members: bytes
    settle: Settle | None = None
    undo: Callable[[int], bytes] | None = None
    seq: int | None = None
    withdrawn: bool = False


class Committer:
    """Owns the store and its thread from construction until `stop`.

    `lost` counts records that nobody waited for and that could never be written.
    """

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics
        self._wake = threading.Condition()
        self._queue: deque[Entry] = deque()
        self._waited = 0  # entries of the queue that somebody waits for
        self._since: float | None = None  # when the commit under way began
        self._reported: float | None = None  # the hang that was last reported, by its beginning
        self._next_sync = 0.0
        self._trouble: str | None = None
        self._stopping = False
        self.lost = 0
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str | None:
        """Why records can't be written now, or None when all is well."""
        since = self._since
        if since is not None and time.monotonic() - since > limits.AUDIT_WRITE_TIMEOUT:
            return f"writing hangs for more than {limits.AUDIT_WRITE_TIMEOUT:g} s"
        return self._trouble

    def put(self, entry: Entry) -> str | None:
        """Queue a record; returns why it can't be, or None. Never waits for the disk."""
        with self._wake:
            refusal = self._refusal(entry)
            if refusal is None:
                self._enqueue(entry)
        if refusal and entry.settle is None:
            self._lose(1, refusal)
        return refusal

    def withdraw(self, entry: Entry) -> None:
        """Take a record back whose asker has given up: unwritten, or undone as soon as it is written."""
        with self._wake:
            entry.withdrawn = True
            if entry in self._queue:
                self._queue.remove(entry)
                self._waited -= 1
            elif entry.seq is not None:
                self._undo(entry, entry.seq)

    def overdue(self) -> None:
        """Take note that somebody gave up waiting; says so once for each hang."""
        since = self._since
        if since is not None and since != self._reported:
            self._reported = since
            self._metrics.audit_failures.inc()
            log.error("the audit log: %s; no log text is served until it can be written", self.trouble)

    def stop(self) -> None:
        """Write what waits, then end; does not wait for it (see `join`)."""
        with self._wake:
            self._stopping = True
            self._wake.notify()

    def join(self, timeout: float) -> bool:
        """Wait until the thread has ended; False when it still hangs after `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _refusal(self, entry: Entry) -> str | None:
        if self._stopping:
            return "is closed"
        if entry.settle is None:
            full = len(self._queue) - self._waited >= limits.AUDIT_NOTES
            return "too many records wait for the disk" if full else None
        if self._since is not None and self.trouble:
            return self.trouble  # a hang: waiting longer helps nobody
        return "too many records wait for the disk" if self._waited >= limits.AUDIT_RECORDS else None

    def _enqueue(self, entry: Entry) -> None:
        self._queue.append(entry)
        self._waited += entry.settle is not None
        self._wake.notify()

    def _undo(self, entry: Entry, seq: int) -> None:
        if entry.undo is not None:
            self._enqueue(Entry(entry.undo(seq)))

    def _lose(self, count: int, why: str) -> None:
        self.lost += count
        self._metrics.audit_lost.inc(count)
        log.error("the audit log %s: %d record(s) lost", why, count)

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            if batch:
                self._commit(batch)
            else:
                self._heal()
        try:
            self._store.close()
        except OSError as error:
            log.error("closing the audit log: %s", error.strerror)

    def _next_batch(self) -> list[Entry] | None:
        """What is to be written now; empty: nothing waits, but try whether writing works again; None: the end."""
        with self._wake:
            while not self._queue and not self._stopping:
                if not self._wake.wait(limits.AUDIT_RETRY if self._trouble else None):
                    return []
            while not self._stopping and (left := self._next_sync - time.monotonic()) > 0:
                self._wake.wait(left)
            if not self._queue:
                return None if self._stopping else []
            batch = list(self._queue)
            self._queue.clear()
            self._waited = 0
            self._since = time.monotonic()
            return batch

    def _commit(self, batch: list[Entry]) -> None:
        started = time.monotonic()
        try:
            numbers = self._store.append([entry.members for entry in batch])
        except OSError as error:
            self._failed(batch, error)
        else:
            self._metrics.audit_sync_seconds.observe(time.monotonic() - started)
            self._metrics.audit_records.inc(len(batch))
            self._written(batch, numbers)
        self._next_sync = started + limits.AUDIT_SYNC_INTERVAL

    def _written(self, batch: list[Entry], numbers: list[int]) -> None:
        self._healed()
        with self._wake:
            self._since = None
            for entry, seq in zip(batch, numbers, strict=True):
                entry.seq = seq
                if entry.withdrawn:
                    self._undo(entry, seq)
        for entry in batch:
            if entry.settle is not None:
                entry.settle(entry.seq, "")

    def _failed(self, batch: list[Entry], error: OSError) -> None:
        why = self._fail(error)
        kept = [entry for entry in batch if entry.settle is None]
        with self._wake:
            self._since = None
            if not self._stopping:
                self._queue.extendleft(reversed(kept))
                kept = []
        if kept:
            self._lose(len(kept), why)
        for entry in batch:
            if entry.settle is not None:
                entry.settle(None, why)

    def _heal(self) -> None:
        try:
            self._store.probe()
        except OSError as error:
            self._fail(error)
        else:
            self._healed()

    def _fail(self, error: OSError) -> str:
        why = f"can't be written: {error.strerror or error}"
        if self._trouble != why:
            log.error("the audit log %s; no log text is served until it can be", why)
        self._trouble = why
        self._metrics.audit_failures.inc()
        return why

    def _healed(self) -> None:
        if self._trouble is not None:
            log.warning("the audit log can be written again")
        self._trouble = None
