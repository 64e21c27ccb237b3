"""A copy of the audit log elsewhere, as it grows: it shows when the log's end was cut off, or all of it changed."""

from __future__ import annotations

import logging
import threading
from collections import deque

from aggregator import limits
from aggregator.access.syslog import Sender, message
from aggregator.inventory.settings import SyslogAddress
from aggregator.metrics import Metrics

log = logging.getLogger(__name__)


class Witness:
    """Sends the records that are on disk to a syslog server, in their order, from a thread of its own until `stop`.

    It is never waited for: a server that can't be reached, or takes nothing for 2 s, is out, and is tried again each
    second; records wait meanwhile, the newest `limits.AUDIT_COPY_RECORDS`. Those that were sent last over a lost
    connection are sent again: their numbers tell that they come twice.
    """

    def __init__(self, address: SyslogAddress, metrics: Metrics) -> None:
        self._sender = Sender(address)
        self._address = address
        self._metrics = metrics
        self._wake = threading.Condition()
        self._queue: deque[bytes] = deque()
        self._bytes = 0
        self._recent: deque[bytes] = deque(maxlen=limits.AUDIT_COPY_AGAIN)
        self._lost = 0
        self._stopping = False
        self.trouble: str | None = None
        """Why the copy is not being written now, in words without the address, or None."""
        self._thread = threading.Thread(target=self._run, name="audit copy", daemon=True)
        self._thread.start()

    def take(self, lines: list[bytes]) -> None:
        """Records (lines of the log) that are on disk. Never waits."""
        with self._wake:
            for line in lines:
                self._queue.append(line)
                self._bytes += len(line)
            while self._queue and self._is_full():
                self._bytes -= len(self._queue.popleft())
                self._lost += 1
                self._metrics.audit_copy_lost.inc()
            self._wake.notify()

    def stop(self) -> None:
        """Send what waits, if the server takes it, then end; does not wait for that (see `join`)."""
        with self._wake:
            self._stopping = True
            self._wake.notify()

    def join(self, timeout: float) -> bool:
        """Wait until the thread has ended; False when it still hangs after `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _is_full(self) -> bool:
        return len(self._queue) > limits.AUDIT_COPY_RECORDS or self._bytes > limits.AUDIT_COPY_BYTES

    def _run(self) -> None:
        try:
            while (line := self._next()) is not None:
                if not self._send(line) and self._pause():
                    break
        finally:
            self._sender.close()

    def _next(self) -> bytes | None:
        """The record that is to be sent now, which stays in the queue; None at the end."""
        with self._wake:
            while not self._queue and not self._stopping:
                self._wake.wait()
            return self._queue[0] if self._queue else None

    def _send(self, line: bytes) -> bool:
        """Whether the record was taken."""
        try:
            if self._recent and not self._sender.connected and self._sender.is_stream:
                for earlier in tuple(self._recent):
                    self._sender.send(message(earlier))
            self._sender.send(message(line))
        except OSError as error:
            self._failed(error)
            return False
        with self._wake:
            if self._queue and self._queue[0] is line:
                self._bytes -= len(self._queue.popleft())
        self._recent.append(line)
        if self.trouble is not None:
            lost = f"; {self._lost} records were never sent, the log itself has them" if self._lost else ""
            log.warning("the audit log's copy (%s) is written again%s", self._address, lost)
            self.trouble, self._lost = None, 0
        return True

    def _pause(self) -> bool:
        """Wait before another try; whether this is the end."""
        with self._wake:
            if not self._stopping:
                self._wake.wait_for(lambda: self._stopping, limits.AUDIT_RETRY)
            return self._stopping

    def _failed(self, error: OSError) -> None:
        why = "takes nothing" if isinstance(error, TimeoutError) else error.strerror or str(error)
        if self.trouble is None:
            log.error("the audit log's copy (%s) is out: %s; the log itself goes on", self._address, why)
        self.trouble = why
        self._metrics.audit_copy_failures.inc()
