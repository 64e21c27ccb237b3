"""The audit log's file: one writer, append only, every append on disk before it counts. All calls block."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import NoReturn

from aggregator import limits
from aggregator.access import chain
from aggregator.errors import ConfigError

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FIRST = b'{"seq":1,"time":"'


class Ledger:
    """Holds the file open and locked (flock) until `close`.

    `last` is the end of the chain on disk; `torn` is how many bytes of a half-written record were cut off on opening.
    """

    def __init__(self, path: Path) -> None:
        """Open or create (0600) the log at `path` and find its last record. Raises ConfigError."""
        self.path = path
        self._file = _open(path)
        try:
            self._size = os.fstat(self._file).st_size
            self.torn = self._cut_torn_end()
            self.last = self._find_last()
        except OSError as error:
            os.close(self._file)
            raise ConfigError(f"audit log {path}: {_words(error)}") from None
        except BaseException:
            os.close(self._file)
            raise
        self._dirty = False

    def append(self, records: list[bytes]) -> list[int]:
        """Write records (their members, see `chain.seal`) and wait until they are on disk; returns their numbers.

        All or none: raises OSError, and then nothing of them counts, and what was written of them is cut off before
        the next append.
        """
        self._mend()
        lines, last, numbers = [], self.last, []
        for members in records:
            line, last = chain.seal(members, last)
            lines.append(line)
            numbers.append(last.seq)
        data = b"".join(lines)
        self._dirty = True
        self._write(data)
        os.fdatasync(self._file)
        self._dirty = False
        self._size += len(data)
        self.last = last
        return numbers

    def probe(self) -> None:
        """Find out whether writing works (again), without a record; raises OSError if not."""
        self._mend()
        self._dirty = True
        self._write(b" " * 4096)
        os.fdatasync(self._file)
        self._mend()

    def close(self) -> None:
        """Give the file and its lock back; cuts off what a failed append left."""
        try:
            if self._dirty:
                self._mend()
        finally:
            os.close(self._file)

    def _mend(self) -> None:
        if self._dirty:
            os.ftruncate(self._file, self._size)
            self._dirty = False
        now = os.fstat(self._file)
        if now.st_nlink == 0:
            raise OSError(errno.ESTALE, "was deleted while it was in use; restart to begin a new one")
        if now.st_size != self._size:
            raise OSError(errno.ESTALE, "was changed by somebody else while it was in use")

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]

    def _cut_torn_end(self) -> int:
        if self._size == 0:
            return 0
        end = self._line_start(self._size)
        torn = self._size - end
        # Only what surely is ours may be cut: after a good record, or the beginning of a first one.
        if torn and end:
            self._read_record(end)
        elif torn and not self._is_first(torn):
            self._refuse("it is no audit log; give another file")
        if torn:
            os.ftruncate(self._file, end)
            os.fdatasync(self._file)
            self._size = end
        return torn

    def _is_first(self, size: int) -> bool:
        head = os.pread(self._file, len(_FIRST), 0)
        return _FIRST.startswith(head) if size < len(_FIRST) else head == _FIRST

    def _find_last(self) -> chain.Link:
        return self._read_record(self._size) if self._size else chain.GENESIS

    def _read_record(self, end: int) -> chain.Link:
        """The record whose newline is the last byte before `end`."""
        start = self._line_start(end - 1)
        try:
            _, link = chain.read(os.pread(self._file, end - start, start))
        except chain.Broken as error:
            self._refuse(f"its last record {error}; run `tailon-agg audit verify {self.path}`, then move the file away")
        return link

    def _line_start(self, end: int) -> int:
        """The offset after the last newline before `end`."""
        at = end
        while at > 0:
            if end - at > chain.LINE_BYTES:
                self._refuse(f"its last {chain.LINE_BYTES} bytes hold no newline; give another file")
            begin = max(0, at - limits.AUDIT_TAIL_BLOCK)
            found = os.pread(self._file, at - begin, begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            at = begin
        return 0

    def _refuse(self, why: str) -> NoReturn:
        raise ConfigError(f"audit log {self.path}: {why}")


def _open(path: Path) -> int:
    try:
        existed = path.exists()
        file = os.open(path, _FLAGS, 0o600)
    except OSError as error:
        raise ConfigError(f"audit log {path}: {_words(error)}") from None
    try:
        _examine(file, path)
        if not existed:
            _sync_folder(path.parent)
    except BaseException:
        os.close(file)
        raise
    return file


def _examine(file: int, path: Path) -> None:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"audit log {path}: is not a regular file; give another one")
    if status.st_mode & 0o022:
        raise ConfigError(f"audit log {path}: others may write it; run `chmod 600 {path}`")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(
            f"audit log {path}: another tailon-agg writes it; stop that one, or give --audit-log another file"
        ) from None


def _sync_folder(folder: Path) -> None:
    """Put a new file's name on disk too (fsync(2): the file alone does not)."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _words(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "is a symbolic link; give the file itself"
    if error.errno == errno.EISDIR:
        return "is a folder; give a file"
    if error.errno == errno.ENXIO:
        return "is a FIFO or a socket; give a regular file"
    if error.errno == errno.ENOENT:
        return f"there is no folder {os.path.dirname(error.filename) or '.'}; make it, or give another file"
    return f"can't be used: {os.strerror(error.errno or 0).lower()}"
