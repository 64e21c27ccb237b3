"""The state of places: where each log was, kept in a file of the state folder over the aggregator's own end.

Nothing depends on it: without it, or with an old one, a viewer still goes on at its address. It serves to tell apart
generations that begin alike, and to deliver late writes to generations that were closed before.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec

from aggregator import limits
from aggregator.history.generation.kept import Ended, Kept
from aggregator.model import File
from aggregator.stream.proof import Place, Proof

log = logging.getLogger(__name__)

_VERSION = 1
_Count = Annotated[int, msgspec.Meta(ge=0, le=limits.FILE_BYTES)]


class _Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A place as it is written: generation, offset, length and digest of its proof (base64), inode."""

    generation: Annotated[str, msgspec.Meta(pattern="^(?:[0-9a-f]{16})?$")]
    offset: _Count
    length: Annotated[int, msgspec.Meta(ge=0, le=limits.PROOF_BYTES)]
    digest: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    inode: Annotated[str, msgspec.Meta(max_length=100)]

    @classmethod
    def of(cls, place: Place) -> _Place:
        return cls(place.generation, place.offset, place.proof.length, place.proof.digest, place.inode)

    def place(self) -> Place:
        return Place(self.generation, self.offset, Proof(min(self.length, self.offset), self.digest), self.inode)


class _Ended(msgspec.Struct, frozen=True, gc=False):
    end: _Place
    mtime: int
    partial: bool


class _Log(msgspec.Struct, frozen=True, gc=False):
    """One log; `seen` is when it was followed last, in seconds since the epoch."""

    host: str
    source: str
    path: str
    seen: float
    at: _Place
    since: int
    ended: tuple[_Ended, ...]


class _State(msgspec.Struct, frozen=True):
    version: int
    logs: list[_Log]


class Places:
    """The places of all logs: those of followers that run, and those of the last hour that don't any more."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._old: dict[File, tuple[float, Kept]] = {}
        self._watched: dict[File, Callable[[], Kept | None]] = {}
        self._written: dict[File, Kept] = {}
        self._written_at = 0.0
        self._failing = False
        self._lock = threading.Lock()  # a writing that was given up goes on beside the last one

    def load(self) -> None:
        """Take those that the file holds; what can't be read is as good as none, and said. Blocks."""
        try:
            logs = _read(self._path) if self._path else []
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            log.warning("%s is not used: %s; late writes to rotated files may not be shown", self._path, error)
            return
        for one in logs:
            self._old[File(one.host, one.source, one.path)] = (one.seen, _kept(one))

    def of(self, file: File) -> Kept | None:
        """Where a log was when it was followed last; None when that is too long ago."""
        seen, kept = self._old.get(file, (0.0, None))
        return kept if abs(time.time() - seen) < limits.PLACES_AGE else None

    def watch(self, file: File, state: Callable[[], Kept | None]) -> None:
        """Keep what `state` tells, which is asked every second, until `leave`."""
        self._watched[file] = state

    def leave(self, file: File, state: Callable[[], Kept | None]) -> None:
        """A log is not followed any more."""
        if self._watched.get(file) == state:
            self._note(file, time.time())
            del self._watched[file]

    async def run(self) -> None:
        """Write the file at most once a second, when something has changed. Runs until cancelled."""
        pause = limits.PLACES_INTERVAL
        while True:
            await asyncio.sleep(pause)
            start = time.monotonic()
            await self.close()
            pause = max(limits.PLACES_INTERVAL, limits.PLACES_SHARE * (time.monotonic() - start))

    async def close(self) -> None:
        """Write what has changed since."""
        state = self._changed()
        if state and self._path:
            await asyncio.to_thread(self._write, state, self._path)

    def _note(self, file: File, now: float) -> None:
        if kept := self._watched[file]():
            self._old.pop(file, None)
            self._old[file] = (now, kept)  # the last ones are the newest

    def _changed(self) -> _State | None:
        """What is to be written; None when nothing is new."""
        now = time.time()
        for file in self._watched:
            self._note(file, now)
        self._old = {file: old for file, old in self._old.items() if abs(now - old[0]) < limits.PLACES_AGE}
        newest = list(self._old.items())[-limits.PLACES_LOGS :]
        current = {file: kept for file, (_, kept) in newest}
        if current == self._written and (now - self._written_at < limits.PLACES_REFRESH or not self._watched):
            return None
        self._written, self._written_at = current, now
        return _State(_VERSION, [_log(file, seen, kept) for file, (seen, kept) in newest])

    def _write(self, state: _State, path: Path) -> None:
        """A full disk is told once, and tried again."""
        try:
            with self._lock:
                _replace(path, msgspec.json.encode(state))
        except (OSError, ValueError) as error:
            if not self._failing:
                log.warning("%s can't be written: %s; it is tried again every second", path, error)
            self._failing, self._written = True, {}
        else:
            self._failing = False


def _read(path: Path) -> list[_Log]:
    """What a file holds. Raises OSError, ValueError."""
    with path.open("rb") as file:
        data = file.read(limits.PLACES_BYTES + 1)
    if len(data) > limits.PLACES_BYTES:
        raise ValueError(f"it has more than {limits.PLACES_BYTES >> 20} MiB")
    state = msgspec.json.decode(data, type=_State)
    if state.version != _VERSION:
        raise ValueError(f"its version is {state.version}")
    return state.logs


def _replace(path: Path, data: bytes) -> None:
    """Atomically: a file of its own, which is on the disk, takes the name. Raises OSError."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fdatasync(file.fileno())
    beside.replace(path)


def _kept(one: _Log) -> Kept:
    ended = tuple(Ended(each.end.place(), each.mtime, each.partial) for each in one.ended[-limits.PLACES_ENDED :])
    return Kept(one.at.place(), one.since, ended)


def _log(file: File, seen: float, kept: Kept) -> _Log:
    ended = tuple(_Ended(_Place.of(one.end), one.mtime, one.partial) for one in kept.ended)
    return _Log(file.host, file.source, file.path, seen, _Place.of(kept.at), kept.since, ended)
