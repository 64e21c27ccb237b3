"""The audit log: JSON Lines, chained, on disk before what they record is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from aggregator import limits
from aggregator.access.checkpoint import Signer
from aggregator.access.committer import Committer, Entry
from aggregator.access.events import Event
from aggregator.access.ledger import Ledger
from aggregator.access.witness import Witness
from aggregator.errors import AuditUnavailable
from aggregator.inventory.settings import SyslogAddress
from aggregator.metrics import Metrics


class AuditLog:
    """The only writer of one log file. Made by `open`, ended by `close` or the end of its `async with`.

    Writing and syncing happen in a thread of their own; one fdatasync serves all who ask within 100 ms, and the first
    record after a quiet time is written at once.
    """

    def __init__(self, ledger: Ledger, metrics: Metrics, witness: Witness | None = None) -> None:
        self.path = ledger.path
        self.torn = ledger.torn
        """Bytes of a half-written last record that a crash had left, cut off on opening; 0 for none."""
        self._ledger = ledger
        self._witness = witness
        self._committer = Committer(ledger, metrics)

    @classmethod
    async def open(
        cls,
        path: Path,
        metrics: Metrics | None = None,
        signer: Signer | None = None,
        syslog: SyslogAddress | None = None,
    ) -> Self:
        """Open or create (0600) the log at `path`, whose folder exists, and continue its chain; a signer writes
        checkpoints into it, and a syslog server gets a copy of what is on disk.

        Raises ConfigError for what is no regular file, is written by another process, or does not end with a record
        whose hash is right.
        """
        metrics = metrics if metrics is not None else Metrics()
        witness = Witness(syslog, metrics) if syslog else None
        try:
            ledger = await asyncio.to_thread(Ledger, path, signer, witness.take if witness else None)
        except BaseException:
            if witness:
                witness.stop()
            raise
        return cls(ledger, metrics, witness)

    @property
    def healthy(self) -> bool:
        """Whether records can be written now."""
        return self._committer.trouble is None

    @property
    def trouble(self) -> str | None:
        """Why records can't be written now, in words without the path, or None."""
        return self._committer.trouble

    @property
    def copy_trouble(self) -> str | None:
        """Why the copy is not being written now, or None; the log goes on without it."""
        return self._witness.trouble if self._witness else None

    @property
    def seq(self) -> int:
        """The number of the last record on disk; 0 before the first."""
        return self._ledger.last.seq

    async def record(self, event: Event, undo: Callable[[int], Event] | None = None) -> int:
        """Write a record and wait until it is on disk; returns its number.

        Raises AuditUnavailable when that fails or takes more than 2 s; what was to be recorded must then not be done.
        If the record gets to disk although its caller has given up (a hang, a cancellation), `undo(seq)` follows it.
        """
        loop = asyncio.get_running_loop()
        written: asyncio.Future[int] = loop.create_future()

        def settle(seq: int | None, why: str) -> None:
            try:
                loop.call_soon_threadsafe(_settle, written, seq, why)
            except RuntimeError:  # the loop has closed: nobody waits any more
                return

        entry = Entry(_members(event), settle, None if undo is None else lambda seq: _members(undo(seq)))
        if refusal := self._committer.put(entry):
            raise unavailable(refusal)
        try:
            async with asyncio.timeout(limits.AUDIT_WRITE_TIMEOUT):
                return await written
        except TimeoutError:
            self._committer.overdue()
            self._committer.withdraw(entry)
            raise unavailable(f"did not take a record within {limits.AUDIT_WRITE_TIMEOUT:g} s") from None
        except asyncio.CancelledError:
            self._committer.withdraw(entry)
            raise

    def note(self, event: Event) -> None:
        """Queue a record of what has already happened (a close, a stop); kept until it can be written."""
        self._committer.put(Entry(_members(event)))

    async def close(self) -> None:
        """Write what waits and give the file back; at most 2 s, then a hanging disk is left alone."""
        self._committer.stop()
        await asyncio.to_thread(self._committer.join, limits.AUDIT_WRITE_TIMEOUT)
        if self._witness:
            self._witness.stop()
            await asyncio.to_thread(self._witness.join, limits.AUDIT_WRITE_TIMEOUT)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def unavailable(why: str) -> AuditUnavailable:
    """The error of a request that can't be recorded."""
    return AuditUnavailable(
        f"the audit log {why}, and what can't be recorded is not done; try again once it can be written"
    )


def _members(event: Event) -> bytes:
    members = event.members(datetime.now(UTC))
    if len(members) > limits.AUDIT_RECORD_BYTES:
        raise unavailable(f"takes records of at most {limits.AUDIT_RECORD_BYTES} bytes, not {len(members)}")
    return members


def _settle(written: asyncio.Future[int], seq: int | None, why: str) -> None:
    if written.done():
        return
    if seq is not None:
        written.set_result(seq)
    else:
        written.set_exception(unavailable(why))
